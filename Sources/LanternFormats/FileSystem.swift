package import LanternTensor

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The few questions Lantern asks of files and folders, without Foundation, which takes longer to
/// start than a small picture to read.
package enum FileSystem {
  static let noSuchFile = ENOENT
  static let noSpace = ENOSPC
  /// The `errno` of a name that is taken.
  package static let fileExists = EEXIST

  /// The system's words for an `errno`.
  package static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }

  /// Whether there is anything at `path`, symbolic links followed: false only where the system says
  /// that there is nothing. What it does not let be seen counts as there, and opening it tells why.
  package static func exists(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR)
  }

  /// Whether there is anything at `path`, symbolic links followed, where a guess would not do.
  ///
  /// - Throws: ``FormatError/cannotRead(path:code:)`` where the system does not let it be seen.
  package static func isTaken(_ path: String) throws(FormatError) -> Bool {
    var status = stat()
    if stat(path, &status) == 0 { return true }
    guard errno == ENOENT || errno == ENOTDIR else { throw .cannotRead(path: path, code: errno) }
    return false
  }

  /// Whether there is a folder at `path`, symbolic links followed.
  package static func isDirectory(_ path: String) -> Bool { kind(path) == S_IFDIR }

  /// Whether there is an ordinary file at `path`, symbolic links followed.
  package static func isFile(_ path: String) -> Bool { kind(path) == S_IFREG }

  private static func kind(_ path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
  }

  /// Why `path`, which is no folder that can be seen, cannot be used as one.
  package static func refusal(ofFolder path: String) -> FormatError {
    var status = stat()
    return stat(path, &status) == 0 ? .notAFolder(path: path) : .cannotRead(path: path, code: errno)
  }

  /// Whether `path` names something that the process was given open, as a shell's `<(…)` is: a pipe
  /// there has another end.
  static func isOwnDescriptor(_ path: String) -> Bool {
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

  /// A folder's entry's.
  static func name(of entry: UnsafeMutablePointer<dirent>) -> String {
    withUnsafePointer(to: &entry.pointee.d_name) { pointer in
      pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) {
        String(cString: $0)
      }
    }
  }

  /// All bytes of an ordinary file.
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
        buffer.baseAddress.map { Glue.read(file, $0 + filled, buffer.count - filled) } ?? 0
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

  /// The first bytes of an ordinary file, `count` at most.
  ///
  /// - Throws: ``FormatError/cannotRead(path:code:)``, ``FormatError/notAFile(path:)`` or
  ///   ``FormatError/empty(path:)``.
  static func beginning(of path: String, count: Int) throws(FormatError) -> [UInt8] {
    guard isFile(path) || !exists(path) else { throw .notAFile(path: path) }
    let (file, size) = try openForReading(path)
    defer { close(file) }
    guard size > 0 else { throw .empty(path: path) }
    var bytes = [UInt8](repeating: 0, count: min(count, size))
    let filled = bytes.withUnsafeMutableBytes { buffer in
      buffer.baseAddress.map { Glue.read(file, $0, buffer.count) } ?? 0
    }
    guard filled >= 0 else { throw .cannotRead(path: path, code: errno) }
    bytes.removeLast(bytes.count - filled)
    return bytes
  }

  /// Maps an ordinary file into memory, read-only.
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

  /// Opens an ordinary file, never waiting for anything: what is no file is refused unopened, since to
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
    // Where an ordinary file waits it is for its disk.
    _ = fcntl(file, F_SETFL, 0)
    return (file, status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : 0)
  }

  private static func require(_ byteCount: Int) throws(FormatError) {
    do { try Memory.require(byteCount) } catch { throw .tensor(error) }
  }
}

/// The C functions that share a name with a method of ours.
private enum Glue {
  static func read(_ file: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
    #if canImport(Darwin)
      Darwin.read(file, buffer, count)
    #elseif canImport(Musl)
      Musl.read(file, buffer, count)
    #else
      Glibc.read(file, buffer, count)
    #endif
  }
}

extension FileSystem {
  /// Checks, before work begins, that a file can be written where `path` says.
  ///
  /// - Throws: ``FormatError/cannotWrite(path:code:)`` when the folder is missing or not writable, or
  ///   when a folder is in the file's place; ``FormatError/cannotHoldFile(path:)``.
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
    let place = folder.isEmpty ? "." : folder
    guard stat(place, &status) == 0 else { throw .cannotWrite(path: path, code: errno) }
    guard isDirectory(place) else { throw .cannotWrite(path: path, code: ENOTDIR) }
    guard access(place, W_OK) == 0 else { throw .cannotWrite(path: path, code: errno) }
  }

  /// Removes a file or an empty folder; what cannot be removed stays.
  package static func discard(_ path: String) { remove(path) }

  /// Checks that what is in the place of a file takes bytes one after the other and does not keep a
  /// writer waiting: `/dev/null`, a terminal, a pipe that the process was given open.
  ///
  /// A pipe by name is refused: unless somebody reads it at that moment, to open it is to wait.
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
