/// Another program, run to its end.
package enum ChildProcess {
  /// How it ended.
  package enum Ending: Equatable, Sendable {
    /// It ended by itself, with this code.
    case exit(Int32)
    /// A signal ended it.
    case signal(Int32)
    /// It could not be started, for this reason (`errno`).
    case notStarted(Int32)
  }

  /// Runs a program without standard streams and waits for its end.
  ///
  /// - Parameters:
  ///   - name: a path, or a name that is looked for in `PATH`.
  ///   - arguments: as they are; no shell reads them.
  /// - Returns: how it ended.
  package static func run(_ name: String, _ arguments: [String]) -> Ending {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
    #else
      var actions = posix_spawn_file_actions_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for stream in Int32(0)...2 {
      posix_spawn_file_actions_addopen(
        &actions, stream, "/dev/null", stream == 0 ? O_RDONLY : O_WRONLY, 0)
    }
    let texts = ([name] + arguments).map { strdup($0) }
    defer { for text in texts { free(text) } }
    var process = pid_t()
    let code = posix_spawnp(&process, name, &actions, nil, texts + [nil], environ)
    guard code == 0 else { return .notStarted(code) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) == -1 {
      guard errno == EINTR else { return .notStarted(errno) }
    }
    // WIFEXITED and WEXITSTATUS, which are macros.
    return status & 0x7F == 0 ? .exit(status >> 8 & 0xFF) : .signal(status & 0x7F)
  }
}
