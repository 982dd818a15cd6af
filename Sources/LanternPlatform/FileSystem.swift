/// Queries of files and folders, without Foundation, which takes longer to start than a small picture
/// to read. Those that may fail with an error are in LanternFormats.
package enum FileSystem {
  package static let noSuchFile = ENOENT
  package static let noSpace = ENOSPC
  /// The `errno` of a name that is taken.
  package static let fileExists = EEXIST

  /// The system's words for an `errno`.
  package static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }

  /// Whether there is anything at `path`, symbolic links followed: false only where the system says
  /// that there is nothing. A path without permission counts as there, and opening it says why.
  package static func exists(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR)
  }

  /// Whether there is a folder at `path`, symbolic links followed.
  package static func isDirectory(_ path: String) -> Bool { kind(path) == S_IFDIR }

  /// Whether there is a regular file at `path`, symbolic links followed.
  package static func isFile(_ path: String) -> Bool { kind(path) == S_IFREG }

  private static func kind(_ path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
  }

  /// Whether `path` names something that the process was given open, as a shell's `<(…)` is: a pipe
  /// there has another end.
  package static func isOwnDescriptor(_ path: String) -> Bool {
    path == "/dev/stdin" || path == "/dev/stdout" || path.hasPrefix("/dev/fd/")
      || path.hasPrefix("/proc/self/fd/")
  }

  /// The current folder; nil where the system does not say.
  package static var currentFolder: String? {
    guard let path = getcwd(nil, 0) else { return nil }
    defer { free(path) }
    return String(cString: path)
  }

  /// The folder of the program that runs, symbolic links resolved; nil where the system does not say.
  package static var programFolder: String? {
    #if canImport(Darwin)
      var count = UInt32(PATH_MAX)
      var name = [CChar](repeating: 0, count: Int(count))
      guard _NSGetExecutablePath(&name, &count) == 0, let path = realpath(name, nil) else {
        return nil
      }
    #else
      guard let path = realpath("/proc/self/exe", nil) else { return nil }
    #endif
    defer { free(path) }
    return split(String(cString: path)).folder
  }

  /// `name` inside `folder`, or `name` itself where it is absolute.
  package static func join(_ folder: String, _ name: String) -> String {
    if name.hasPrefix("/") || folder.isEmpty { return name }
    return folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
  }

  /// The folder part of a path and the name in it.
  package static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
    let folder = path[..<slash]
    return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
  }

  /// One name for a file, whatever it is called: its folder's path, and its own where it is there, with links resolved.
  package static func resolved(_ path: String) -> String {
    func real(_ path: String) -> String? {
      guard let found = realpath(path, nil) else { return nil }
      defer { free(found) }
      return String(cString: found)
    }
    let (folder, name) = split(path)
    return real(path) ?? real(folder).map { join($0, name) } ?? path
  }

  /// A folder's entry's.
  package static func name(of entry: UnsafeMutablePointer<dirent>) -> String {
    withUnsafePointer(to: &entry.pointee.d_name) { pointer in
      pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) {
        String(cString: $0)
      }
    }
  }

  /// Removes a file or an empty folder; what cannot be removed stays.
  package static func discard(_ path: String) { remove(path) }
}
