import LanternFormats
import LanternPlatform

/// The lock (`flock`) that `huggingface_hub` has on a file while it is fetched: other programs wait, and it
/// waits for them. It ends with the process, however that ends.
final class BlobLock {
  private let file: Int32

  /// Locks a file of this name, which is made.
  ///
  /// - Parameters:
  ///   - path: the lock's, by ``HubCache``.
  ///   - onWait: called once where another program has it.
  /// - Throws: `FormatError.cannotWrite`, or `CancellationError`.
  init(_ path: String, onWait: () -> Void) async throws {
    try FileSystem.makeFolder(FileSystem.split(path).folder)
    // As Python's: others who share the cache may wait too.
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o664)
    guard file >= 0 else { throw FormatError.cannotWrite(path: path, code: errno) }
    self.file = file
    var hasWaited = false
    while flock(file, LOCK_EX | LOCK_NB) != 0 {
      let code = errno
      if code == EINTR { continue }
      // Some network file systems have no such locks: nothing is known of others then.
      guard code == EWOULDBLOCK else { return }
      if !hasWaited { onWait() }
      hasWaited = true
      try await Task.sleep(nanoseconds: 100_000_000)
    }
  }

  deinit { close(file) }
}
