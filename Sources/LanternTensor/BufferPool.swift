import LanternPlatform

/// Named apart from the pool's own buffers that are free.
private func libraryFree(_ buffer: UnsafeMutableRawPointer) { free(buffer) }

/// A caching allocator: freed buffers are kept for the next tensor of about the same size. Fresh pages
/// cost more than most kernels, and every denoising step allocates the sizes of the step before.
package final class BufferPool: Sendable {
  /// The pool all tensors share.
  package static let shared = BufferPool()

  private struct State {
    var free: [Int: [UnsafeMutableRawPointer]] = [:]
    var allocated = 0
    var held = 0
    var peak = 0

    /// The smallest free buffer of at least `size`, and at most twice that.
    mutating func takeFree(_ size: Int) -> (base: UnsafeMutableRawPointer, size: Int)? {
      var candidate = size
      while candidate <= 2 * size {
        if let buffer = free[candidate]?.popLast() { return (buffer, candidate) }
        candidate = BufferPool.sizeClass(candidate + 1)
      }
      return nil
    }
  }

  private let state = Locked(State())

  /// Number of buffers ever allocated from the system; constant while the pool suffices.
  package var allocationCount: Int { state { $0.allocated } }

  /// Bytes allocated now.
  package var heldByteCount: Int { state { $0.held } }

  /// Peak of the bytes allocated, in used and free buffers.
  package var peakByteCount: Int { state { $0.peak } }

  /// Resets ``peakByteCount`` to the bytes allocated now.
  package func forgetPeak() { state { $0.peak = $0.held } }

  /// A buffer, and how large it is.
  ///
  /// - Parameters:
  ///   - byteCount: bytes needed.
  ///   - isLongLived: whether it is long-lived, as weights are, and should be no larger than needed.
  /// - Returns: its address and the size to give it back with.
  /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
  func take(_ byteCount: Int, isLongLived: Bool = false) throws(TensorError)
    -> (base: UnsafeMutableRawPointer, size: Int)
  {
    guard byteCount <= Self.largest else { throw .outOfMemory(byteCount: byteCount) }
    let size = isLongLived ? byteCount : Self.sizeClass(byteCount)
    if !isLongLived, let found = state({ $0.takeFree(size) }) { return found }
    var found = Self.allocate(size)
    if found == nil {
      drain()
      found = Self.allocate(size)
    }
    guard let buffer = found else { throw .outOfMemory(byteCount: byteCount) }
    state {
      $0.allocated += 1
      $0.held += size
      $0.peak = max($0.peak, $0.held)
    }
    return (buffer, size)
  }

  /// Takes a buffer back: one of the pool's sizes to be used again, any other for the system.
  func give(_ buffer: UnsafeMutableRawPointer, _ size: Int) {
    guard size == Self.sizeClass(size) else {
      state { $0.held -= size }
      return Self.release(buffer, size)
    }
    state { $0.free[size, default: []].append(buffer) }
  }

  /// Returns free buffers to the system, all or those of at least a size.
  package func drain(atLeast byteCount: Int = 0) {
    let drained = state { state in
      let drained = state.free.filter { $0.key >= byteCount }
      state.free = state.free.filter { $0.key < byteCount }
      state.held -= drained.reduce(0) { $0 + $1.key * $1.value.count }
      return drained
    }
    for (size, buffers) in drained {
      for buffer in buffers { Self.release(buffer, size) }
    }
  }

  /// Allocates from the system. Large buffers are mapped one by one: in the C library's heap, those that weights are
  /// packed from would leave holes between those that they are packed to. They leave room for what is
  /// small.
  private static func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
    guard size >= mappedSize else {
      var buffer: UnsafeMutableRawPointer?
      return posix_memalign(&buffer, alignment, size) == 0 ? buffer : nil
    }
    let protection = PROT_READ | PROT_WRITE
    let mapping = mmap(nil, size, protection, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard let mapping, mapping != MAP_FAILED else { return nil }
    guard Memory.isThere(0) else {
      munmap(mapping, size)
      return nil
    }
    #if os(Linux)
      // Fewer, larger pages: to be given fresh ones takes half as long.
      madvise(mapping, size, Int32(MADV_HUGEPAGE))
    #endif
    return mapping
  }

  private static func release(_ buffer: UnsafeMutableRawPointer, _ size: Int) {
    if size >= mappedSize { munmap(buffer, size) } else { libraryFree(buffer) }
  }

  private static let alignment = 64
  private static let mappedSize = 1 << 20
  private static let largest = Int.max / 4

  /// Rounds up to one of four sizes an octave, so that a buffer wastes at most a fifth of itself.
  static func sizeClass(_ byteCount: Int) -> Int {
    let minimum = max(byteCount, 256)
    let octave = 1 << (Int.bitWidth - 1 - minimum.leadingZeroBitCount)
    let step = octave / 4
    return (minimum + step - 1) / step * step
  }
}
