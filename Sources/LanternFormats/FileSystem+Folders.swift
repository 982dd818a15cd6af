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
  /// - Parameters:
  ///   - path: the folder.
  ///   - mode: its permissions where it is made, of which the process's mask takes some.
  /// - Throws: ``FormatError/cannotWrite(path:code:)``.
  package static func makeFolder(_ path: String, mode: mode_t = 0o777) throws(FormatError) {
    if !exists(path) {
      let above = split(path).folder
      if above != path, !exists(above) { try makeFolder(above) }
      guard mkdir(path, mode) == 0 || errno == EEXIST else {
        throw .cannotWrite(path: path, code: errno)
      }
    }
    guard isDirectory(path) else { throw .cannotWrite(path: path, code: ENOTDIR) }
    guard access(path, W_OK) == 0 else { throw .cannotWrite(path: path, code: errno) }
  }

  /// Lets nobody but a file's owner read and write it.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - creating: whether it is made, empty, where it is not there.
  /// - Throws: ``FormatError/cannotWrite(path:code:)``.
  package static func makePrivate(_ path: String, creating: Bool) throws(FormatError) {
    let file = open(path, O_RDWR | O_CLOEXEC | (creating ? O_CREAT : 0), 0o600)
    guard file >= 0 else {
      if !creating, errno == ENOENT { return }
      throw .cannotWrite(path: path, code: errno)
    }
    defer { close(file) }
    guard fchmod(file, 0o600) == 0 else { throw .cannotWrite(path: path, code: errno) }
  }
}
