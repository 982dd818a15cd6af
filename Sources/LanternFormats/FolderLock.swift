import LanternPlatform

/// An advisory lock on a folder (`flock`), held as long as this object lives: this process alone writes
/// into it. The lock leaves no file behind and ends with the process, however that ends.
package struct FolderLock: ~Copyable {
  private let folder: Int32

  /// Locks a folder that is there.
  ///
  /// - Throws: ``FormatError/inUse(path:)`` while another process, or another lock of this one, has it;
  ///   ``FormatError/cannotRead(path:code:)``.
  package init(_ path: String) throws(FormatError) {
    let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw .cannotRead(path: path, code: errno) }
    while flock(folder, LOCK_EX | LOCK_NB) != 0 {
      let code = errno
      if code == EINTR { continue }
      close(folder)
      if code == EWOULDBLOCK { throw .inUse(path: path) }
      // Some network file systems have no such locks: nothing is known of others then.
      guard code == ENOLCK || code == EOPNOTSUPP || code == ENOSYS else {
        throw .cannotRead(path: path, code: code)
      }
      self.folder = -1
      return
    }
    self.folder = folder
  }

  deinit { if folder >= 0 { close(folder) } }
}
