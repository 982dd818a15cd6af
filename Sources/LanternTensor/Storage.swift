import LanternPlatform

/// The bytes behind one or more tensors: a pooled buffer, or a file mapped into memory.
///
/// Unchecked `Sendable`: written only while a ``Draft`` owns it alone, never after.
package final class Storage: @unchecked Sendable {
  package let base: UnsafeMutableRawPointer
  package let byteCount: Int
  let isMapped: Bool
  /// Of the buffer behind it.
  private let capacity: Int
  private let whenUnmapped: (@Sendable () -> Void)?

  /// Takes a buffer of at least `byteCount` bytes, aligned to 64, from the shared pool.
  ///
  /// - Parameters:
  ///   - byteCount: what is needed.
  ///   - isLongLived: whether it is long-lived, as weights are.
  /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
  package init(byteCount: Int, isLongLived: Bool = false) throws(TensorError) {
    (self.base, self.capacity) = try BufferPool.shared.take(byteCount, isLongLived: isLongLived)
    self.byteCount = byteCount
    self.isMapped = false
    self.whenUnmapped = nil
  }

  /// Owns a mapping made by `mmap`, and unmaps it when the last tensor on it is gone.
  package init(
    mapped base: UnsafeMutableRawPointer, byteCount: Int,
    whenUnmapped: @escaping @Sendable () -> Void
  ) {
    self.base = base
    self.byteCount = byteCount
    self.capacity = byteCount
    self.isMapped = true
    self.whenUnmapped = whenUnmapped
  }

  /// Tells the system that a mapped file's pages are not needed for now, so they stop counting as
  /// this process's memory. They are read again from the file when touched.
  ///
  /// - Parameter range: which bytes, all by default; pages that lie in it only in part stay.
  package func releasePages(_ range: Range<Int>? = nil) {
    guard isMapped else { return }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let range = range ?? 0..<byteCount
    let begin = (range.lowerBound + page - 1) / page * page
    let end = range.upperBound == byteCount ? byteCount : range.upperBound / page * page
    if begin < end { _ = madvise(base + begin, end - begin, Int32(MADV_DONTNEED)) }
  }

  deinit {
    if isMapped {
      munmap(base, byteCount)
      whenUnmapped?()
    } else {
      BufferPool.shared.give(base, capacity)
    }
  }
}
