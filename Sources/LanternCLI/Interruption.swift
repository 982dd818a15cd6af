#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Ctrl-C: the first stops after the current step, the second at once.
enum Interruption {
  // Written by a signal handler, where nothing but such a flag is safe.
  nonisolated(unsafe) private static var count: sig_atomic_t = 0

  /// Thrown when Ctrl-C was pressed.
  struct Stopped: Error {}

  /// Makes errors of what would end the process in the midst of writing: a reader that went away, and
  /// a limit on the size of files.
  static func refuseDeath() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
  }

  /// Begins to listen.
  static func listen() {
    // Some programs start others with the signal blocked.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    signal(SIGINT) { _ in
      if Interruption.count > 0 { _exit(130) }
      Interruption.count = 1
    }
  }

  /// - Throws: ``Stopped`` after Ctrl-C.
  static func check() throws {
    if count > 0 { throw Stopped() }
  }
}
