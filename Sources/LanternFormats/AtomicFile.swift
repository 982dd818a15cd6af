#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Files that come into being whole or not at all: written under another name beside their place,
/// then renamed.
///
/// The other name is `.<name>.<process>.partial`; only a process that is killed leaves it behind.
/// A symbolic link is followed. What is no ordinary file, as a pipe or `/dev/stdout`, is written to
/// directly.
package enum AtomicFile {
  /// Where the bytes of a file in the making go.
  package struct Writer: ~Copyable {
    fileprivate let file: Int32
    fileprivate let path: String

    /// Writes all of `bytes`.
    ///
    /// - Throws: ``FormatError/cannotWrite(path:code:)``.
    package borrowing func write(_ bytes: UnsafeRawBufferPointer) throws(FormatError) {
      guard let base = bytes.baseAddress else { return }
      var written = 0
      while written < bytes.count {
        // Linux writes at most 2 GiB at a time, macOS refuses more.
        let count = writeOnce(file, base + written, min(bytes.count - written, 1 << 30))
        if count > 0 {
          written += count
        } else if count < 0, errno == EINTR {
          continue
        } else {
          throw .cannotWrite(path: path, code: count == 0 ? EIO : errno)
        }
      }
    }
  }

  /// Writes `bytes` as the file at `path`.
  ///
  /// - Throws: ``FormatError/cannotWrite(path:code:)``; what was at `path` before is then unchanged.
  package static func write(_ bytes: [UInt8], to path: String) throws(FormatError) {
    try write(to: path) { writer throws(FormatError) in
      try bytes.withBytes { buffer throws(FormatError) in try writer.write(buffer) }
    }
  }

  /// Writes what `body` gives as the file at `path`.
  ///
  /// - Throws: ``FormatError/cannotWrite(path:code:)``, or what `body` throws; what was at `path`
  ///   before is then unchanged.
  package static func write(
    to path: String, _ body: (borrowing Writer) throws(FormatError) -> Void
  ) throws(FormatError) {
    var status = stat()
    let exists = stat(path, &status) == 0
    if !exists, errno != ENOENT { throw .cannotWrite(path: path, code: errno) }
    if exists, status.st_mode & S_IFMT != S_IFREG { return try writeDirectly(to: path, body) }
    if exists, access(path, W_OK) != 0 { throw .cannotWrite(path: path, code: errno) }
    let target = exists ? resolved(path) : path
    let (folder, name) = FileSystem.split(target)
    guard !name.isEmpty else { throw .cannotWrite(path: path, code: EISDIR) }
    let (file, partial) = try create(in: folder, for: name, path: path)
    var isDone = false
    defer { if !isDone { unlink(partial) } }
    do {
      // Whoever made a file private wants its successor private too.
      if exists { _ = fchmod(file, status.st_mode & 0o777) }
      try body(Writer(file: file, path: path))
    } catch {
      close(file)
      throw error
    }
    guard close(file) == 0 || errno == EINTR else { throw .cannotWrite(path: path, code: errno) }
    guard rename(partial, target) == 0 else { throw .cannotWrite(path: path, code: errno) }
    isDone = true
  }

  private static func writeDirectly(
    to path: String, _ body: (borrowing Writer) throws(FormatError) -> Void
  ) throws(FormatError) {
    let file = open(path, O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { throw .cannotWrite(path: path, code: errno) }
    do {
      try body(Writer(file: file, path: path))
    } catch {
      close(file)
      throw error
    }
    guard close(file) == 0 || errno == EINTR else { throw .cannotWrite(path: path, code: errno) }
  }

  private static func create(in folder: String, for name: String, path: String)
    throws(FormatError) -> (file: Int32, partial: String)
  {
    // Names may take 255 bytes; this much of one is at most 160.
    let stem = String(String.UnicodeScalarView(name.unicodeScalars.prefix(40)))
    for attempt in 0..<1000 {
      let number = attempt == 0 ? "" : ".\(attempt)"
      let partial = FileSystem.join(folder, ".\(stem).\(getpid())\(number).partial")
      let file = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if file >= 0 { return (file, partial) }
      guard errno == EEXIST else { throw .cannotWrite(path: path, code: errno) }
    }
    throw .cannotWrite(path: path, code: EEXIST)
  }

  private static func resolved(_ path: String) -> String {
    guard let found = realpath(path, nil) else { return path }
    defer { free(found) }
    return String(cString: found)
  }
}

private func writeOnce(_ file: Int32, _ base: UnsafeRawPointer, _ count: Int) -> Int {
  write(file, base, count)
}
