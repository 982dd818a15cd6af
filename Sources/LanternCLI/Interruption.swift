import LanternPlatform

/// Signals that ask the program to end, as Ctrl-C: the first stops after the current step, the second
/// at once.
enum Interruption {
  // Written by a signal handler, where nothing but such a flag is safe.
  nonisolated(unsafe) private static var caught: sig_atomic_t = 0

  /// Thrown when a signal asks the program to end.
  struct Stopped: Error {
    /// The signal.
    let signal: Int32
    /// What shells take for the signal's code.
    var exitCode: Int32 { 128 + signal }
  }

  /// Makes errors of what would end the process in the midst of writing, a reader that went away and
  /// a limit on the size of files, and of what would send words into files.
  static func refuseDeath() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    // The next file that is opened takes the place of a standard stream that is closed.
    for stream in Int32(0)...2 where fcntl(stream, F_GETFD) == -1 {
      _ = open("/dev/null", stream == 1 ? O_RDONLY : O_RDWR)
    }
  }

  /// Begins to listen.
  static func listen() {
    // Some programs start others with signals blocked, or background jobs with Ctrl-C ignored; nohup
    // means what it says.
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      sigaddset(&signals, number)
      let former = unsafeBitCast(signal(number, stop), to: Int.self)
      if number == SIGHUP, former == unsafeBitCast(SIG_IGN, to: Int.self) {
        signal(number, SIG_IGN)
      }
    }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// Goes on after a signal that was to stop an answer alone.
  static func goOn() { caught = 0 }

  /// Waits for a person: Ctrl-C ends the program then, as it does any.
  static func whileIdle<Value>(_ body: () -> Value) -> Value {
    let former = signal(SIGINT, SIG_DFL)
    defer { signal(SIGINT, former) }
    return body()
  }

  private static let stop: @convention(c) (Int32) -> Void = { number in
    if Interruption.caught != 0 { _exit(128 + number) }
    Interruption.caught = sig_atomic_t(number)
  }

  /// - Throws: ``Stopped`` after such a signal.
  static func check() throws {
    if caught != 0 { throw Stopped(signal: Int32(caught)) }
  }
}
