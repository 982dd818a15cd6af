package import LanternPlatform
package import LanternTensor

extension FileSystem {
  /// Whether there is anything at `path`, symbolic links followed, where a guess would not do.
  ///
  /// - Throws: ``FormatError/cannotRead(path:code:)`` where the system denies access.
  package static func isTaken(_ path: String) throws(FormatError) -> Bool {
    var status = stat()
    if stat(path, &status) == 0 { return true }
    guard errno == ENOENT || errno == ENOTDIR else { throw .cannotRead(path: path, code: errno) }
    return false
  }

  /// The error for a `path` that is no accessible folder.
  package static func refusal(ofFolder path: String) -> FormatError {
    var status = stat()
    return stat(path, &status) == 0 ? .notAFolder(path: path) : .cannotRead(path: path, code: errno)
  }

  /// The names in a folder, sorted, without `.` and `..`.
  ///
  /// - Throws: ``FormatError/cannotRead(path:code:)``.
  package static func list(_ folder: String) throws(FormatError) -> [String] {
    guard let stream = opendir(folder) else { throw .cannotRead(path: folder, code: errno) }
    defer { closedir(stream) }
    var names: [String] = []
    errno = 0
    while let entry = readdir(stream) {
      let name = name(of: entry)
      if name != ".", name != ".." { names.append(name) }
      errno = 0
    }
    guard errno == 0 else { throw .cannotRead(path: folder, code: errno) }
    return names.sorted()
  }

  /// All bytes of a regular file.
  ///
  /// - Parameters:
  ///   - path: where it is.
  ///   - limit: how many bytes it may have.
  ///   - isPipeAllowed: whether a pipe that the process was given open, as `/dev/stdin`, is read until
  ///     it ends.
  /// - Returns: the bytes.
  /// - Throws: ``FormatError/cannotRead(path:code:)``, ``FormatError/notAFile(path:)``,
  ///   ``FormatError/tooLarge(path:byteCount:limit:)`` for more than `limit` bytes, or
  ///   ``FormatError/tensor(_:)`` for want of memory.
  package static func read(_ path: String, limit: Int, isPipeAllowed: Bool = false)
    throws(FormatError) -> [UInt8]
  {
    let (file, size) = try openForReading(path, isPipeAllowed: isPipeAllowed)
    defer { close(file) }
    guard size <= limit else { throw .tooLarge(path: path, byteCount: size, limit: limit) }
    // A byte more than the file claims, so that one read past it can tell that it ends there.
    try require(size + 1)
    var bytes = [UInt8](repeating: 0, count: size + 1)
    var filled = 0
    while true {
      if filled == bytes.count {
        guard filled <= limit else { throw .tooLarge(path: path, byteCount: filled, limit: limit) }
        try require(2 * filled)
        bytes.append(contentsOf: repeatElement(0, count: max(filled, 65536)))
      }
      let count = bytes.withUnsafeMutableBytes { buffer in
        buffer.baseAddress.map { readOnce(file, $0 + filled, buffer.count - filled) } ?? 0
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw .cannotRead(path: path, code: errno)
      }
      if count == 0 { break }
      filled += count
    }
    guard filled <= limit else { throw .tooLarge(path: path, byteCount: filled, limit: limit) }
    bytes.removeLast(bytes.count - filled)
    return bytes
  }

  /// The first bytes of a regular file, `count` at most.
  ///
  /// - Throws: ``FormatError/cannotRead(path:code:)``, ``FormatError/notAFile(path:)`` or
  ///   ``FormatError/empty(path:)``.
  package static func beginning(of path: String, count: Int) throws(FormatError) -> [UInt8] {
    guard isFile(path) || !exists(path) else { throw .notAFile(path: path) }
    let (file, size) = try openForReading(path)
    defer { close(file) }
    guard size > 0 else { throw .empty(path: path) }
    var bytes = [UInt8](repeating: 0, count: min(count, size))
    let filled = bytes.withUnsafeMutableBytes { buffer in
      buffer.baseAddress.map { readOnce(file, $0, buffer.count) } ?? 0
    }
    guard filled >= 0 else { throw .cannotRead(path: path, code: errno) }
    bytes.removeLast(bytes.count - filled)
    return bytes
  }

  /// Maps a regular file into memory, read-only.
  ///
  /// Should another program cut the file short while it is mapped, reading it raises SIGBUS: the price
  /// of not copying gigabytes. ``MappedFiles`` knows which file it was.
  ///
  /// - Throws: ``FormatError/cannotRead(path:code:)``, ``FormatError/notAFile(path:)``,
  ///   ``FormatError/empty(path:)``, or ``FormatError/tensor(_:)`` for want of memory.
  package static func map(_ path: String) throws(FormatError) -> Storage {
    let (file, size) = try openForReading(path)
    defer { close(file) }
    guard size > 0 else { throw .empty(path: path) }
    let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, file, 0)
    guard let base, base != UnsafeMutableRawPointer(bitPattern: -1) else {
      let code = errno
      if code == ENOMEM { throw .tensor(.outOfMemory(byteCount: size)) }
      throw .cannotRead(path: path, code: code)
    }
    let note = MappedFiles.add(path, byteCount: size)
    return Storage(mapped: base, byteCount: size) { MappedFiles.remove(note) }
  }

  /// Opens a regular file, never waiting for anything: what is no file is refused unopened, since to
  /// open some devices is to use them, and is looked at once more when it is open.
  private static func openForReading(_ path: String, isPipeAllowed: Bool = false)
    throws(FormatError) -> (file: Int32, size: Int)
  {
    func isReadable(_ status: stat) -> Bool {
      let kind = status.st_mode & S_IFMT
      return kind == S_IFREG || (kind == S_IFIFO && isPipeAllowed && isOwnDescriptor(path))
    }
    var status = stat()
    guard stat(path, &status) == 0 else { throw .cannotRead(path: path, code: errno) }
    guard isReadable(status) else { throw .notAFile(path: path) }
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw .cannotRead(path: path, code: errno) }
    guard fstat(file, &status) == 0 else {
      let code = errno
      close(file)
      throw .cannotRead(path: path, code: code)
    }
    guard isReadable(status) else {
      close(file)
      throw .notAFile(path: path)
    }
    // Where a regular file waits it is for its disk.
    _ = fcntl(file, F_SETFL, 0)
    return (file, status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : 0)
  }

  private static func require(_ byteCount: Int) throws(FormatError) {
    do { try Memory.require(byteCount) } catch { throw .tensor(error) }
  }
}

// Outside, where no method has its name.
private func readOnce(_ file: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
  read(file, buffer, count)
}
