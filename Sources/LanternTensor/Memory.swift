import LanternPlatform

/// Whether the system would give memory, asked before it is taken.
///
/// Swift ends the process where its own arrays, texts and dictionaries are refused memory. So whatever
/// makes them as large as a file or a request wants asks here first, and gets an error that can be
/// told. Buffers of tensors come from ``BufferPool``, which throws by itself and always leaves
/// ``reserve`` for the small things that nobody asks for.
package enum Memory {
  /// Bytes that stay free: what a program's small things take.
  static let reserve = 16 << 20
  /// Less than this is a small thing.
  private static let small = 64 << 10

  /// Checks that `byteCount` bytes could be had now, and ``reserve`` beside them.
  ///
  /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
  package static func require(_ byteCount: Int) throws(TensorError) {
    guard byteCount > small else { return }
    guard isThere(byteCount) else { throw .outOfMemory(byteCount: byteCount) }
  }

  /// Whether a program has the room that its small things take.
  package static var isEnoughToBegin: Bool { isThere(0) }

  /// Whether `byteCount` bytes could be had now, and ``reserve`` beside them.
  static func isThere(_ byteCount: Int) -> Bool {
    let (total, overflow) = byteCount.addingReportingOverflow(reserve)
    guard !overflow, total > 0 else { return false }
    // Addresses only: no page is touched.
    let mapping = mmap(nil, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard let mapping, mapping != MAP_FAILED else { return false }
    munmap(mapping, total)
    return true
  }
}
