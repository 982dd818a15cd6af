extension FileSystem {
  /// Writes all of `bytes` to an open file, however few it takes at a time. What takes none for now,
  /// as a full pipe that does not block, is waited for.
  ///
  /// - Returns: 0, or the `errno` that says why not all was written.
  package static func write(_ bytes: UnsafeRawBufferPointer, to file: Int32) -> Int32 {
    guard let base = bytes.baseAddress else { return 0 }
    var written = 0
    while written < bytes.count {
      // Linux writes at most 2 GiB at a time, macOS refuses more.
      let count = writeOnce(file, base + written, min(bytes.count - written, 1 << 30))
      if count > 0 {
        written += count
        continue
      }
      switch count == 0 ? EIO : errno {
      case EINTR: continue
      case EAGAIN, EWOULDBLOCK:
        var wanted = pollfd(fd: file, events: Int16(POLLOUT), revents: 0)
        guard poll(&wanted, 1, -1) >= 0 || errno == EINTR else { return errno }
      case let code: return code
      }
    }
    return 0
  }

  /// Makes a file's bytes outlast a power cut, where its file system can.
  ///
  /// - Returns: 0, or the `errno` that says why some may be lost.
  package static func sync(_ file: Int32) -> Int32 {
    #if canImport(Darwin)
      // fsync leaves them in the drive's memory.
      if fcntl(file, F_FULLFSYNC) != -1 { return 0 }
    #endif
    while fsync(file) != 0 {
      let code = errno
      if code == EINTR { continue }
      return [EINVAL, ENOTSUP, EROFS].contains(code) ? 0 : code
    }
    return 0
  }

  /// Makes a folder's names outlast a power cut. One that may be written to and not read cannot be
  /// synced.
  ///
  /// - Returns: 0, or the `errno` that says why some may be lost.
  package static func sync(folder path: String) -> Int32 {
    let file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard file >= 0 else { return errno == EACCES ? 0 : errno }
    defer { close(file) }
    return sync(file)
  }
}

private func writeOnce(_ file: Int32, _ base: UnsafeRawPointer, _ count: Int) -> Int {
  write(file, base, count)
}
