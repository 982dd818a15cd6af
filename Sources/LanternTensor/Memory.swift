import LanternPlatform

/// A check that the system has memory, before it is allocated.
///
/// Swift ends the process where an allocation of its own arrays, strings and dictionaries fails. So code
/// that makes them as large as a file or a request says checks here first, and throws an error
/// instead. Buffers of tensors come from ``BufferPool``, which throws by itself and always leaves
/// ``reserve`` for small allocations, which are not checked.
package enum Memory {
  /// Bytes that stay free for a program's small allocations.
  static let reserve = 16 << 20
  /// Allocations up to this are small.
  private static let small = 64 << 10

  /// Checks that `byteCount` bytes could be allocated now, and ``reserve`` as well.
  ///
  /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
  package static func require(_ byteCount: Int) throws(TensorError) {
    guard byteCount > small else { return }
    guard isThere(byteCount) else { throw .outOfMemory(byteCount: byteCount) }
  }

  /// Whether there is memory for a program's small allocations.
  package static var isEnoughToBegin: Bool { isThere(0) }

  /// Whether `byteCount` bytes could be allocated now, and ``reserve`` as well.
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
