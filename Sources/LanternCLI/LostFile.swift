import LanternPlatform
import LanternFormats

/// What the program says where a file of weights, which it reads in place, goes away under it: the
/// system raises SIGBUS then.
enum LostFile {
  /// Input that was there and cannot be read any more, after `sysexits.h`.
  private static let code: Int32 = 74

  /// Taken by the thread that speaks, and never given back.
  private nonisolated(unsafe) static let turn = {
    let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    return mutex
  }()

  /// Begins to listen.
  static func listen() {
    // What a handler uses must exist before.
    _ = (MappedFiles.firstCutShort(), turn)
    signal(SIGBUS) { _ in
      // Of several threads that meet the end of the file one speaks, and ends them all.
      while pthread_mutex_trylock(LostFile.turn) != 0 { pause() }
      if let path = MappedFiles.firstCutShort() {
        LostFile.say("Error: ")
        LostFile.say(path)
        LostFile.say(
          ": became shorter while it was read; fetch it again and let nothing change it\n")
      } else {
        LostFile.say("Error: a file in use could not be read any more (SIGBUS); check its disk\n")
      }
      _exit(LostFile.code)
    }
  }

  private static func say(_ text: StaticString) {
    text.withUTF8Buffer { _ = write(2, $0.baseAddress, $0.count) }
  }

  private static func say(_ text: UnsafePointer<CChar>) { _ = write(2, text, strlen(text)) }
}
