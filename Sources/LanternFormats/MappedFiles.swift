import LanternPlatform
import LanternTensor

/// The files that are mapped into memory now, by name: where one was cut short and a read of it raises
/// SIGBUS, a program's handler of that signal can tell which.
package enum MappedFiles {
  private struct Slot {
    var path: UnsafeMutablePointer<CChar>?
    var byteCount = 0
  }

  private static let slotCount = 512
  /// Changed under ``lock``; read by a handler, where nothing may wait for a lock.
  nonisolated(unsafe) private static let slots: UnsafeMutablePointer<Slot> = {
    let slots = UnsafeMutablePointer<Slot>.allocate(capacity: slotCount)
    slots.initialize(repeating: Slot(), count: slotCount)
    return slots
  }()
  private static let lock = Locked(())

  /// Notes a file; nil where there is no more room for notes.
  static func add(_ path: String, byteCount: Int) -> Int? {
    lock { _ in
      let free = (0..<slotCount).first { slots[$0].path == nil }
      if let free { slots[free] = Slot(path: strdup(path), byteCount: byteCount) }
      return free
    }
  }

  /// Forgets a file.
  static func remove(_ note: Int?) {
    guard let note else { return }
    lock { _ in
      let path = slots[note].path
      slots[note] = Slot()
      free(path)
    }
  }

  /// The first file that is shorter now than it was when it was mapped. Does only what a handler of
  /// signals may.
  package static func firstCutShort() -> UnsafePointer<CChar>? {
    for index in 0..<slotCount {
      guard let path = slots[index].path else { continue }
      var status = stat()
      if stat(path, &status) == 0, Int(status.st_size) < slots[index].byteCount {
        return UnsafePointer(path)
      }
    }
    return nil
  }
}
