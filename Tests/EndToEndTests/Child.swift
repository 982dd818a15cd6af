import Foundation

/// A process that was started, with files for its input and output.
///
/// Not Foundation's `Process`, which keeps a thread and a run loop for each.
struct Child {
  let id: pid_t

  /// Starts it.
  ///
  /// - Parameters:
  ///   - path: the program.
  ///   - arguments: without its name.
  ///   - folder: where it runs.
  ///   - environment: all variables that it gets.
  ///   - input: what it reads on standard input.
  ///   - output: the file behind standard output.
  ///   - errors: the file behind standard error.
  /// - Throws: an error of POSIX where it cannot run.
  init(
    _ path: String, _ arguments: [String], in folder: String, _ environment: [String: String],
    input: String, output: String, errors: String
  ) throws {
    #if os(macOS)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY, 0)
    // Threads that run tests may block signals, which a child would inherit.
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

    // Changing the folder is no action that every system has.
    let shell = ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder]
    let words = (shell + [path] + arguments).map { strdup($0) } + [nil]
    let variables = environment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for text in words + variables { free(text) } }
    var id = pid_t()
    let failure = posix_spawn(&id, shell[0], &actions, &attributes, words, variables)
    guard failure == 0 else { throw POSIXError(POSIXErrorCode(rawValue: failure) ?? .EIO) }
    self.id = id
  }

  /// Waits for its end.
  ///
  /// - Parameter seconds: how long at most.
  /// - Returns: nil where it still runs; its exit code, or nil within where a signal ended it.
  func wait(seconds: Double) -> Int32?? {
    let start = Date()
    var status: Int32 = 0
    while waitpid(id, &status, WNOHANG) == 0 {
      if Date().timeIntervalSince(start) > seconds { return .none }
      usleep(2_000)
    }
    return .some(status & 0x7F == 0 ? status >> 8 & 0xFF : nil)
  }
}
