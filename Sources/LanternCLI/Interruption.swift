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

  /// Begins to listen.
  static func listen() {
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
