import LanternFormats
import LanternPlatform

/// A file on its way into the cache, `ETAG.incomplete`: what came is kept for the next attempt, of this
/// process or of another, and gets its name when its digest is right.
final class PartialBlob {
  /// Bytes that are there.
  private(set) var count = 0
  /// Whether some of them are from before.
  private(set) var hasOld = false

  private let file: Int32
  private let path: String
  private let remote: RemoteFile
  private var digest: BlobDigest

  /// Opens what is there, or makes it.
  ///
  /// - Parameters:
  ///   - blob: where the file will be.
  ///   - remote: what it is.
  /// - Throws: `FormatError.cannotWrite`.
  init(of blob: String, _ remote: RemoteFile) throws(FormatError) {
    (path, self.remote) = (blob + ".incomplete", remote)
    digest = BlobDigest(remote)
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
    guard file >= 0 else { throw .cannotWrite(path: path, code: errno) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw .cannotHoldFile(path: path)
    }
    let found = Int(status.st_size)
    hasOld = found > 0 && found <= remote.byteCount && readBack(found)
    if !hasOld { try clear() }
  }

  deinit { if file >= 0 { close(file) } }

  /// Bytes of such a file that are there already.
  static func byteCount(of blob: String, _ remote: RemoteFile) -> Int {
    var status = stat()
    guard lstat(blob + ".incomplete", &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      Int(status.st_size) <= remote.byteCount
    else { return 0 }
    return Int(status.st_size)
  }

  /// Adds what is there to the digest.
  private func readBack(_ wanted: Int) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while count < wanted {
      let got = buffer.withUnsafeMutableBytes {
        pread(file, $0.baseAddress, $0.count, off_t(count))
      }
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { return false }
      buffer.withUnsafeBytes { digest.update(UnsafeRawBufferPointer(rebasing: $0[..<got])) }
      count += got
    }
    return lseek(file, off_t(count), SEEK_SET) == count
  }

  /// Adds bytes.
  ///
  /// - Throws: `FormatError.cannotWrite`.
  func append(_ bytes: UnsafeRawBufferPointer) throws(FormatError) {
    let code = FileSystem.write(bytes, to: file)
    guard code == 0 else {
      // What arrived in part is not in the digest.
      _ = ftruncate(file, off_t(count))
      throw .cannotWrite(path: path, code: code)
    }
    digest.update(bytes)
    count += bytes.count
  }

  /// Throws away what is there.
  ///
  /// - Throws: `FormatError.cannotWrite`.
  func clear() throws(FormatError) {
    guard ftruncate(file, 0) == 0, lseek(file, 0, SEEK_SET) == 0 else {
      throw .cannotWrite(path: path, code: errno)
    }
    (count, hasOld, digest) = (0, false, BlobDigest(remote))
  }

  /// Whether all bytes are there and right; an error says why not.
  func flaw() -> HubError? {
    guard count == remote.byteCount else {
      return .wrongSize(path: remote.path, expected: remote.byteCount, found: count)
    }
    guard let found = digest.hex, found != remote.etag else { return nil }
    return .wrongDigest(path: remote.path, expected: remote.etag, found: found)
  }

  /// Gives the file its name.
  ///
  /// - Throws: `FormatError.cannotWrite`.
  func become(_ blob: String) throws(FormatError) {
    var code = FileSystem.sync(file)
    if code == 0, rename(path, blob) != 0 { code = errno }
    if code == 0 { code = FileSystem.sync(folder: FileSystem.split(blob).folder) }
    guard code == 0 else { throw .cannotWrite(path: blob, code: code) }
  }

  /// Removes the file, whose bytes are of no use.
  func discard() { FileSystem.discard(path) }
}

/// The digest that an ETag is: SHA-256 of 64 digits, git's SHA-1 of 40; others say nothing of the bytes.
private enum BlobDigest {
  case sha256(RunningDigest<SHA256>)
  case git(RunningDigest<SHA1>)
  case unknown

  init(_ remote: RemoteFile) {
    switch (remote.isChecked, remote.etag.utf8.count) {
    case (true, 64): self = .sha256(RunningDigest())
    case (true, _):
      var digest = RunningDigest<SHA1>()
      // What git puts before the bytes of a file.
      Array("blob \(remote.byteCount)\0".utf8).withUnsafeBytes { digest.update($0) }
      self = .git(digest)
    default: self = .unknown
    }
  }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    switch self {
    case .sha256(var digest):
      self = .unknown
      digest.update(bytes)
      self = .sha256(digest)
    case .git(var digest):
      self = .unknown
      digest.update(bytes)
      self = .git(digest)
    case .unknown: break
    }
  }

  var hex: String? {
    switch self {
    case .sha256(let digest): digest.hex
    case .git(let digest): digest.hex
    case .unknown: nil
    }
  }
}
