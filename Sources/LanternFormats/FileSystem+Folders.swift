package import LanternPlatform

extension FileSystem {
  /// Checks, before work begins, that a file can be written where `path` says.
  ///
  /// - Throws: ``FormatError/cannotWrite(path:code:)`` when the folder is missing or not writable, or
  ///   when a folder has the file's name; ``FormatError/cannotHoldFile(path:)``.
  package static func checkFolder(of path: String) throws(FormatError) {
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT != S_IFDIR else {
        throw .cannotWrite(path: path, code: EISDIR)
      }
      guard status.st_mode & S_IFMT == S_IFREG else {
        return try checkCanBeWrittenTo(path, status)
      }
    } else if errno != ENOENT {
      throw .cannotWrite(path: path, code: errno)
    }
    let folder = split(path).folder
    let directory = folder.isEmpty ? "." : folder
    guard stat(directory, &status) == 0 else { throw .cannotWrite(path: path, code: errno) }
    guard isDirectory(directory) else { throw .cannotWrite(path: path, code: ENOTDIR) }
    guard access(directory, W_OK) == 0 else { throw .cannotWrite(path: path, code: errno) }
  }

  /// Checks that the device or pipe at a file's path takes bytes one after the other and does not keep a
  /// writer waiting: `/dev/null`, a terminal, a pipe that the process was given open.
  ///
  /// A pipe by name is refused: without a reader at that moment, opening it waits.
  ///
  /// - Throws: ``FormatError/cannotHoldFile(path:)``, ``FormatError/cannotWrite(path:code:)``.
  static func checkCanBeWrittenTo(_ path: String, _ status: stat) throws(FormatError) {
    let kind = status.st_mode & S_IFMT
    guard kind == S_IFCHR || (kind == S_IFIFO && isOwnDescriptor(path)) else {
      throw .cannotHoldFile(path: path)
    }
    guard access(path, W_OK) == 0 else { throw .cannotWrite(path: path, code: errno) }
  }

  /// Makes a folder that can be written to, with those above it, unless it is there.
  ///
  /// - Throws: ``FormatError/cannotWrite(path:code:)``.
  package static func makeFolder(_ path: String) throws(FormatError) {
    if !exists(path) {
      let above = split(path).folder
      if above != path, !exists(above) { try makeFolder(above) }
      guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
        throw .cannotWrite(path: path, code: errno)
      }
    }
    guard isDirectory(path) else { throw .cannotWrite(path: path, code: ENOTDIR) }
    guard access(path, W_OK) == 0 else { throw .cannotWrite(path: path, code: errno) }
  }
}
