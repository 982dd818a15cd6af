import LanternPlatform

/// Atomic writes: a file appears whole or not at all, a power cut included. It is written under another
/// name in the same folder, synced, then renamed.
///
/// The other name is `.<name>.<process>.partial`. Its writer holds a lock on it (flock), so that one
/// left behind by a process that was killed is known, and removed by the next write to its folder.
/// A symbolic link is followed. A device, as `/dev/null`, or a pipe that the process was given open,
/// as `/dev/stdout`, is written to directly.
package enum AtomicFile {
  /// How an existing file is treated.
  package enum Mode: Sendable {
    /// It is replaced, in one instant.
    case replace
    /// It stays: the write fails with `EEXIST`, of two that create one name at once one fails.
    case create
  }

  /// The sink of a file that is being written.
  package struct Writer: ~Copyable {
    fileprivate let file: Int32
    fileprivate let path: String

    /// Writes all of `bytes`.
    ///
    /// - Throws: ``FormatError/cannotWrite(path:code:)``.
    package borrowing func write(_ bytes: UnsafeRawBufferPointer) throws(FormatError) {
      let code = FileSystem.write(bytes, to: file)
      guard code == 0 else { throw .cannotWrite(path: path, code: code) }
    }
  }

  /// Writes `bytes` as the file at `path`.
  ///
  /// - Throws: ``FormatError/cannotWrite(path:code:)``; what was at `path` before is then unchanged.
  package static func write(_ bytes: [UInt8], to path: String, _ mode: Mode = .replace)
    throws(FormatError)
  {
    try write(to: path, mode) { writer throws(FormatError) in
      try bytes.withBytes { buffer throws(FormatError) in try writer.write(buffer) }
    }
  }

  /// Writes the bytes that `body` puts into the sink as the file at `path`.
  ///
  /// - Throws: ``FormatError/cannotWrite(path:code:)``, or what `body` throws; what was at `path`
  ///   before is then unchanged.
  package static func write(
    to path: String, _ mode: Mode = .replace,
    _ body: (borrowing Writer) throws(FormatError) -> Void
  ) throws(FormatError) {
    var status = stat()
    let exists = stat(path, &status) == 0
    if !exists, errno != ENOENT { throw .cannotWrite(path: path, code: errno) }
    if exists, mode == .create { throw .cannotWrite(path: path, code: EEXIST) }
    if exists, status.st_mode & S_IFMT == S_IFDIR { throw .cannotWrite(path: path, code: EISDIR) }
    if exists, status.st_mode & S_IFMT != S_IFREG {
      try FileSystem.checkCanBeWrittenTo(path, status)
      return try writeDirectly(to: path, body)
    }
    if exists, access(path, W_OK) != 0 { throw .cannotWrite(path: path, code: errno) }
    let target = exists ? resolved(path) : path
    let (folder, name) = FileSystem.split(target)
    guard !name.isEmpty else { throw .cannotWrite(path: path, code: EISDIR) }
    PartialFile.removeStrays(in: folder)
    var partial = try PartialFile(in: folder, for: name, path: path)
    // The successor of a private file is private too.
    if exists { _ = fchmod(partial.file, status.st_mode & 0o777) }
    try body(Writer(file: partial.file, path: path))
    try partial.become(target, mode, path: path)
  }

  private static func writeDirectly(
    to path: String, _ body: (borrowing Writer) throws(FormatError) -> Void
  ) throws(FormatError) {
    // Opening never waits; writing does, for the reader.
    let file = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw .cannotWrite(path: path, code: errno) }
    _ = fcntl(file, F_SETFL, 0)
    do {
      try body(Writer(file: file, path: path))
    } catch {
      close(file)
      throw error
    }
    guard close(file) == 0 || errno == EINTR else { throw .cannotWrite(path: path, code: errno) }
  }

  private static func resolved(_ path: String) -> String {
    guard let found = realpath(path, nil) else { return path }
    defer { free(found) }
    return String(cString: found)
  }
}

/// A temporary file, open and locked; removed unless it is renamed to its target.
private struct PartialFile: ~Copyable {
  let file: Int32
  private let name: String
  private let folder: String
  private var isGone = false

  private static let suffix = ".partial"

  /// Makes the file, empty.
  ///
  /// - Parameters:
  ///   - folder: where it is to be.
  ///   - target: the name that it is to have.
  ///   - path: what errors call it.
  /// - Throws: ``FormatError/cannotWrite(path:code:)``.
  init(in folder: String, for target: String, path: String) throws(FormatError) {
    // Names may take 255 bytes; this much of one is at most 160.
    let stem = String(String.UnicodeScalarView(target.unicodeScalars.prefix(40)))
    for attempt in 0..<1000 {
      let number = attempt == 0 ? "" : ".\(attempt)"
      let name = FileSystem.join(folder, ".\(stem).\(getpid())\(number)\(Self.suffix)")
      let file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if file < 0 {
        guard errno == EEXIST else { throw .cannotWrite(path: path, code: errno) }
        continue
      }
      // Another write may take the file for a leftover before it is locked. Where there are no locks,
      // nobody takes it for one.
      let isTaken = flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
      if !isTaken, Self.isStill(file, at: name) != false {
        self.file = file
        self.name = name
        self.folder = folder
        return
      }
      close(file)
    }
    throw .cannotWrite(path: path, code: EEXIST)
  }

  deinit {
    if !isGone { unlink(name) }
    close(file)
  }

  /// Gives the file its name, synced before and after; the lock is held until then.
  ///
  /// - Throws: ``FormatError/cannotWrite(path:code:)``.
  mutating func become(_ target: String, _ mode: AtomicFile.Mode, path: String)
    throws(FormatError)
  {
    func check(_ code: Int32) throws(FormatError) {
      guard code == 0 else { throw .cannotWrite(path: path, code: code) }
    }
    try check(FileSystem.sync(file))
    switch mode {
    case .replace: try check(renamed(to: target))
    case .create:
      let code = link(name, target) == 0 ? 0 : errno
      if [EPERM, ENOTSUP, EOPNOTSUPP, ENOSYS, EMLINK].contains(code) {
        // A file system without links: an empty file holds the name for an instant.
        let claim = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        try check(claim < 0 ? errno : 0)
        close(claim)
        let code = renamed(to: target)
        if code != 0 { unlink(target) }
        try check(code)
      } else {
        try check(code)
      }
    }
    try check(FileSystem.sync(folder: folder))
  }

  private mutating func renamed(to target: String) -> Int32 {
    guard rename(name, target) == 0 else { return errno }
    isGone = true
    return 0
  }

  /// Removes what killed processes left in a folder: files of ours, under such a name, that nobody
  /// has locked.
  static func removeStrays(in folder: String) {
    guard let stream = opendir(folder) else { return }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      guard entry.pointee.d_name.0 == CChar(bitPattern: UInt8(ascii: ".")) else { continue }
      let name = FileSystem.name(of: entry)
      let parts = name.split(separator: ".")
      guard name.hasSuffix(suffix), parts.count > 2,
        parts.dropLast().last.flatMap({ Int($0) }) != nil
      else { continue }
      removeStray(FileSystem.join(folder, name))
    }
  }

  private static func removeStray(_ path: String) {
    let file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_uid == geteuid(), flock(file, LOCK_EX | LOCK_NB) == 0,
      isStill(file, at: path) == true
    else { return }
    unlink(path)
  }

  /// Whether `path` is a name of the open `file`; nil where the system does not say.
  private static func isStill(_ file: Int32, at path: String) -> Bool? {
    var (one, other) = (stat(), stat())
    guard fstat(file, &one) == 0 else { return nil }
    guard lstat(path, &other) == 0 else { return errno == ENOENT ? false : nil }
    return one.st_dev == other.st_dev && one.st_ino == other.st_ino
  }
}
