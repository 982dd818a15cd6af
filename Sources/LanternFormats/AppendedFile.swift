import LanternPlatform

/// A text file that lines are appended to, each written at once; this process alone writes to it, as long as this lives.
package struct AppendedFile: ~Copyable {
  private let file: Int32
  private let path: String

  /// Opens a file, or makes one, and locks it.
  ///
  /// - Throws: ``FormatError/cannotWrite(path:code:)``, ``FormatError/cannotHoldFile(path:)``,
  ///   ``FormatError/inUse(path:)`` while another process has it open for this.
  package init(_ path: String) throws(FormatError) {
    try FileSystem.checkFolder(of: path)
    guard !FileSystem.exists(path) || FileSystem.isFile(path) else {
      throw .cannotHoldFile(path: path)
    }
    let file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw .cannotWrite(path: path, code: errno) }
    // Where there are no locks nothing is known of others.
    if flock(file, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
      close(file)
      throw .inUse(path: path)
    }
    (self.file, self.path) = (file, path)
  }

  deinit { close(file) }

  /// The whole lines of the file. What a process that was killed had not finished writing is removed.
  ///
  /// - Parameter limit: bytes that the file may have.
  /// - Returns: the lines without their ends.
  /// - Throws: ``FormatError`` for a file that cannot be read or is larger.
  package mutating func lines(limit: Int) throws(FormatError) -> [String] {
    let bytes = try FileSystem.read(path, limit: limit)
    let end = bytes.lastIndex(of: 10).map { $0 + 1 } ?? 0
    if end < bytes.count, ftruncate(file, off_t(end)) != 0 {
      throw .cannotWrite(path: path, code: errno)
    }
    return bytes[..<end].split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Appends a line.
  ///
  /// - Throws: ``FormatError/cannotWrite(path:code:)``.
  package mutating func append(_ line: String) throws(FormatError) {
    let code = Array((line + "\n").utf8).withUnsafeBytes { FileSystem.write($0, to: file) }
    guard code == 0 else { throw .cannotWrite(path: path, code: code) }
  }
}
