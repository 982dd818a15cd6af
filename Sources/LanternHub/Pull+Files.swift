import AsyncHTTPClient
import Lantern
import LanternFormats
import LanternPlatform
import NIOCore
import NIOHTTP1

/// Files of a pull: their bytes, then their names.
extension Pull {
  /// Whether a file's bytes are in the cache.
  func isCached(_ file: RemoteFile) -> Bool {
    var status = stat()
    return stat(cache.blob(file.etag, of: repository), &status) == 0
      && status.st_mode & S_IFMT == S_IFREG && Int(status.st_size) == file.byteCount
  }

  /// Brings a file's bytes into the cache.
  ///
  /// - Returns: whether they were there.
  /// - Throws: ``HubError``, `FormatError` or `CancellationError`.
  func fetch(_ file: RemoteFile, _ model: RemoteModel, _ meter: inout PullMeter) async throws
    -> Bool
  {
    if isCached(file) { return true }
    let blob = cache.blob(file.etag, of: repository)
    try FileSystem.makeFolder(FileSystem.split(blob).folder)
    let lock = try await BlobLock(cache.lock(file.etag, of: repository)) {
      onEvent(.note("another program fetches \(file.path): waiting for it"))
    }
    defer { withExtendedLifetime(lock) {} }
    if isCached(file) { return true }
    if !file.isChecked {
      onEvent(.note("\(file.path): its ETag is no digest, and its bytes cannot be checked"))
    }
    let partial = try PartialBlob(of: blob, file)
    let old = partial.count
    while true {
      let hasOld = partial.hasOld
      try await receive(file, url(file.path, model), into: partial) { meter.show($0 - old) }
      guard let flaw = partial.flaw() else { break }
      guard hasOld else {
        partial.discard()
        throw flaw
      }
      onEvent(.note("\(file.path): what was there from before was damaged; it is fetched anew"))
      try partial.clear()
    }
    try partial.become(blob)
    meter.finish(file.byteCount - old)
    return false
  }

  /// Receives the bytes that are missing, however often the connection is cut.
  private func receive(
    _ file: RemoteFile, _ url: HubURL, into partial: PartialBlob, onBytes: (Int) -> Void
  ) async throws {
    var failures = 0
    while partial.count < file.byteCount {
      let before = partial.count
      let cut: String?
      do {
        cut = try await receiveOnce(file, url, into: partial, onBytes)
      } catch HubError.unreachable(_, let reason) {
        cut = reason
      } catch let error as HubError {
        if case .wrongSize = error { partial.discard() }
        throw error
      }
      guard let cut else { continue }
      failures = partial.count > before ? 1 : failures + 1
      guard failures < HubSettings.attempts else {
        throw HubError.unreachable(url: url.text, reason: cut)
      }
      try await connection.pause(before: failures, "\(file.path): \(cut)")
    }
  }

  /// Receives bytes over one connection.
  ///
  /// - Returns: nil when it ended as it should; why it did not otherwise.
  private func receiveOnce(
    _ file: RemoteFile, _ url: HubURL, into partial: PartialBlob, _ onBytes: (Int) -> Void
  ) async throws -> String? {
    let range = partial.count > 0 ? [("Range", "bytes=\(partial.count)-")] : []
    let answer = try await connection.send(.GET, url, range, leavesSite: true)
    switch answer.status {
    // All of it, whatever part was wanted.
    case 200: try partial.clear()
    case 206:
      let part = ContentRange(answer.header("content-range") ?? "")
      guard part?.start == partial.count, part?.total ?? file.byteCount == file.byteCount else {
        try partial.clear()
        return "other bytes came than were wanted"
      }
    case 416:
      try partial.clear()
      return "the server does not have the bytes that were wanted"
    default:
      guard answer.url.origin == url.origin else {
        throw HubError.status(url: answer.url.origin, status: answer.status)
      }
      throw connection.refusal(answer, of: name, path: file.path)
    }
    do {
      for try await buffer in answer.body {
        let count = partial.count + buffer.readableBytes
        guard count <= file.byteCount else {
          throw HubError.wrongSize(path: file.path, expected: file.byteCount, found: count)
        }
        try buffer.withUnsafeReadableBytes { try partial.append($0) }
        onBytes(partial.count)
        try Task.checkCancellation()
      }
    } catch let error as any LanternError {
      throw error
    } catch {
      if Task.isCancelled { throw CancellationError() }
      return connection.reason(error)
    }
    return partial.count < file.byteCount ? "the connection was cut" : nil
  }

  /// Gives a file its name in a commit: a relative link to its bytes, which appears in one instant.
  func link(_ file: RemoteFile, at commit: String) throws(FormatError) {
    let path = FileSystem.join(cache.snapshot(commit, of: repository), file.path)
    try FileSystem.makeFolder(FileSystem.split(path).folder)
    let up = String(repeating: "../", count: file.path.split(separator: "/").count + 1)
    let temporary = "\(path).\(getpid()).link"
    FileSystem.discard(temporary)
    guard symlink("\(up)blobs/\(file.etag)", temporary) == 0, rename(temporary, path) == 0 else {
      let code = errno
      FileSystem.discard(temporary)
      throw .cannotWrite(path: path, code: code)
    }
  }

  /// Says which commit the revision is.
  func moveRevision(to commit: String) throws(FormatError) {
    guard !HubReference.isCommit(name.revision) else { return }
    let path = cache.revision(name.revision, of: repository)
    try FileSystem.makeFolder(FileSystem.split(path).folder)
    try AtomicFile.write(Array(commit.utf8), to: path)
  }

  /// Tells programs that back disks up that the cache can be fetched again (https://bford.info/cachedir).
  func tagCache() throws(FormatError) {
    try FileSystem.makeFolder(cache.root)
    let path = FileSystem.join(cache.root, "CACHEDIR.TAG")
    guard !FileSystem.exists(path) else { return }
    let text = """
      Signature: 8a477f597d28d172789f06886806bc55
      # This file is a cache directory tag created by lantern.
      # For information about cache directory tags, see:
      #\thttps://bford.info/cachedir/

      """
    try AtomicFile.write(Array(text.utf8), to: path)
  }
}

/// The part of a file that an answer has: `bytes 5-9/10`.
private struct ContentRange {
  let start: Int
  /// Bytes of the whole file; nil where the server does not say.
  let total: Int?

  init?(_ text: String) {
    let parts = text.split(separator: " ")
    guard parts.count == 2, parts[0].lowercased() == "bytes" else { return nil }
    let sides = parts[1].split(separator: "/")
    guard sides.count == 2, let start = sides[0].split(separator: "-").first.flatMap({ Int($0) })
    else { return nil }
    self.start = start
    total = Int(sides[1])
  }
}
