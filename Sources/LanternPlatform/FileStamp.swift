/// The identity of a state of a file, without reading it: device and inode, size, and time of the last
/// change.
package struct FileStamp {
  private let device: UInt64
  private let inode: UInt64
  /// Its size.
  package let byteCount: Int64
  private let seconds: Int
  private let nanoseconds: Int

  /// Whether the file of this stamp has been written to since: the same file is there in another state.
  /// One that was replaced or taken away is as it was for those who have it mapped.
  package func isWrittenTo(at path: String) -> Bool {
    guard let now = FileStamp(of: path), (now.device, now.inode) == (device, inode) else {
      return false
    }
    return (now.byteCount, now.seconds, now.nanoseconds) != (byteCount, seconds, nanoseconds)
  }

  /// Whether two paths lead to one file.
  package static func areOne(_ a: String, _ b: String) -> Bool {
    guard let a = FileStamp(of: a), let b = FileStamp(of: b) else { return false }
    return (a.device, a.inode) == (b.device, b.inode)
  }

  /// The stamp of what is at `path` now; nil where no file is accessible.
  package init?(of path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    #if canImport(Darwin)
      let time = status.st_mtimespec
    #else
      let time = status.st_mtim
    #endif
    device = UInt64(truncatingIfNeeded: status.st_dev)
    inode = UInt64(status.st_ino)
    byteCount = Int64(status.st_size)
    (seconds, nanoseconds) = (Int(time.tv_sec), Int(time.tv_nsec))
  }
}
