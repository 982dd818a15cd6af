import Foundation
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// What a checkpoint may claim, and a program that reads it must not believe.
@Suite struct HostileCheckpointTests {
  private func file(_ checkpoint: Checkpoint, shift: Int = 0) throws -> TorchFile {
    let bytes = checkpoint.bytes(shift: shift)
    let storage = try Storage(byteCount: bytes.count)
    storage.base.copyMemory(from: bytes, byteCount: bytes.count)
    return try TorchFile(storage, path: "x.pt")
  }

  private func file(
    _ tensor: [UInt8], storage: [Float] = [1, 2, 3, 4, 5, 6, 7, 8], shift: Int = 0
  ) throws -> TorchFile {
    let bytes = storage.withUnsafeBytes { Array($0) }
    return try file(
      Checkpoint(members: [Checkpoint.text("x"), tensor], storage: bytes), shift: shift)
  }

  /// A tensor of eight numbers' storage, as a pickle claims it.
  struct Layout: Sendable {
    let shape: [Int]
    let strides: [Int]
    var offset = 0
  }

  private static let far = 1 << 54
  private static let layouts: [Layout] = [
    Layout(shape: [1], strides: [1], offset: 8), Layout(shape: [1], strides: [1], offset: far),
    Layout(shape: [9], strides: [1]), Layout(shape: [2], strides: [8]),
    Layout(shape: [2], strides: [far]), Layout(shape: [2, 2], strides: [far, far], offset: far),
    Layout(shape: [1 << 20, 1 << 20], strides: [1 << 35, 1 << 35]),
  ]

  @Test("a tensor without elements lies nowhere, whatever its offset", arguments: [0, 9, 1 << 54])
  func emptyTensor(_ offset: Int) throws {
    let file = try file(Checkpoint.tensor([2, 0, 3], [3, 3, 1], offset: offset))
    #expect(try file.tensor("x")?.shape == [2, 0, 3])
    #expect(try file.tensor("x")?.floats() == [])
  }

  @Test(
    "an offset, a size or a stride that leads out of the storage is told",
    arguments: layouts)
  func outside(_ layout: Layout) {
    let (shape, strides, offset) = (layout.shape, layout.strides, layout.offset)
    let error = #expect(throws: FormatError.self) {
      try file(Checkpoint.tensor(shape, strides, offset: offset))
    }
    guard case .tensorOutOfRange(name: "x", _, _, _, _)? = error else {
      Issue.record("\(shape), \(strides), \(offset): \(error.map { "\($0)" } ?? "read")")
      return
    }
  }

  @Test(
    "a shape that no memory holds is refused, a size of 0 in it or not",
    arguments: [
      [1 << 40, 1 << 40], [0, 1 << 40, 1 << 40], [1 << 40, 1 << 40, 0], [1 << 31, 1 << 31],
    ] as [[Int]])
  func absurdShape(_ shape: [Int]) {
    let strides = Array(repeating: 0, count: shape.count)
    #expect(throws: FormatError.badShape(name: "x", shape: shape, file: "x.pt")) {
      try file(Checkpoint.tensor(shape, strides))
    }
  }

  @Test("one number may be repeated a little, not a billion times")
  func repeated() throws {
    let some = try file(Checkpoint.tensor([3, 2], [0, 1]))
    #expect(try some.tensor("x")?.floats() == [1, 2, 1, 2, 1, 2])
    let error = #expect(throws: FormatError.self) {
      try file(Checkpoint.tensor([1 << 30], [0]))
    }
    #expect(error.map { "\($0)" }?.contains("repeat its bytes") == true)
  }

  @Test("tensors may lie askew, in order or turned", arguments: 0...4)
  func askew(_ shift: Int) throws {
    let plain = try file(Checkpoint.tensor([2, 3], [3, 1], offset: 1), shift: shift)
    #expect(try plain.tensor("x")?.floats() == [2, 3, 4, 5, 6, 7])
    let turned = try file(Checkpoint.tensor([3, 2], [1, 3], offset: 2), shift: shift)
    #expect(try turned.tensor("x")?.floats() == [3, 6, 4, 7, 5, 8])
  }

  @Test("as many axes as a file may have, none of which can be joined")
  func manyAxes() throws {
    let shape = Array(repeating: 2, count: 8)
    let strides = (0..<8).map { 1 << $0 }
    let file = try file(Checkpoint.tensor(shape, strides), storage: (0..<256).map { Float($0) })
    let expected = (0..<256).map { (index: Int) -> Float in
      Float(UInt8(index).bitsReversed)
    }
    #expect(try file.tensor("x")?.floats() == expected)
  }

  @Test("two tensors of one name")
  func twice() {
    let pair = [Checkpoint.text("x"), Checkpoint.tensor([1], [1])]
    #expect(throws: FormatError.duplicateTensor(name: "x", file: "x.pt")) {
      try file(Checkpoint(members: pair + pair, storage: [0, 0, 0, 0]))
    }
  }

  @Test("an archive with two pickles, or with a file twice, says neither")
  func ambiguous() {
    var checkpoint = Checkpoint(members: [])
    checkpoint.add("b/data.pkl", Array("}.".utf8))
    #expect(throws: FormatError.self) { try file(checkpoint) }
    var doubled = Checkpoint(members: [])
    doubled.add("a/data/0", [])
    #expect(throws: FormatError.self) { try file(doubled) }
  }

  @Test(
    "a pickle may nest a million deep: nothing is recursive",
    arguments: ["\u{85}", "(t", "]a", "]q\u{0}(h\u{0}e", "}(K\u{0}"], [false, true])
  func deep(_ instructions: String, inList: Bool) {
    var checkpoint = Checkpoint()
    let step = Array(instructions.unicodeScalars.map { UInt8($0.value) })
    checkpoint.pickle = Array((inList ? "](]" : "]").utf8)
    checkpoint.pickle += Array(repeatElement(step, count: 1_000_000).joined())
    #expect(throws: FormatError.self) { try file(checkpoint) }
  }

  @Test("a list may hold itself, and what hangs together is let go of")
  func cycle() throws {
    var checkpoint = Checkpoint()
    // x = []; for each step: y = [x]; x.append(y); x = y
    checkpoint.pickle = Array("]q\0".utf8)
    for _ in 0..<100_000 { checkpoint.pickle += Array("]q\u{1}h\0ah\0h\u{1}aq\0".utf8) }
    #expect(throws: FormatError.self) { try file(checkpoint) }
  }

  @Test("a whole number of 64 bits and more beside tensors is no reason to refuse them")
  func longNumber() throws {
    let long: [UInt8] = [0x8A, 8, 255, 255, 255, 255, 255, 255, 255, 255]
    let members = [
      Checkpoint.text("seed"), long, Checkpoint.text("x"), Checkpoint.tensor([1], [1]),
    ]
    #expect(try file(Checkpoint(members: members, storage: [0, 0, 0, 0])).names == ["x"])
  }

  @Test("reading takes time in proportion to what is read")
  func linear() throws {
    try expectLinear(2_000, "tensors") { count throws in
      let members = (0..<count).flatMap {
        [Checkpoint.text("layers.\($0).weight"), Checkpoint.tensor([1], [1])]
      }
      let file = try file(Checkpoint(members: members, storage: [0, 0, 0, 0]))
      for name in file.names { _ = try file.tensor(name) }
    }
    try expectLinear(20_000, "one long name, and tensors under it again and again") {
      count throws in
      let name = Checkpoint.text(String(repeating: "x", count: count)) + Array("q\0".utf8)
      let tensor = Checkpoint.tensor([1], [1]) + Array("q\u{1}".utf8)
      let again = Array(repeating: Array("h\0h\u{1}".utf8), count: count / 4)
      let checkpoint = Checkpoint(members: [name, tensor] + again, storage: [0, 0, 0, 0])
      #expect(throws: FormatError.self) { try file(checkpoint) }
    }
    try expectLinear(20_000, "one long name, and classes called so again and again") {
      count throws in
      var checkpoint = Checkpoint()
      checkpoint.pickle = Checkpoint.text(String(repeating: "x", count: count)) + Array("q\0".utf8)
      let again: [UInt8] = Array("h\0h\0".utf8) + [0x93, UInt8(ascii: "0")]
      for _ in 0..<count / 5 { checkpoint.pickle += again }
      #expect(throws: FormatError.self) { try file(checkpoint) }
    }
    try expectLinear(100_000, "values") { count throws in
      var checkpoint = Checkpoint()
      checkpoint.pickle = Array("](".utf8) + [UInt8](repeating: UInt8(ascii: ")"), count: count)
      #expect(throws: FormatError.self) { try file(checkpoint) }
    }
  }

  @Test("every bit of a small checkpoint turned, and every byte cleared: an error or other tensors")
  func everyByte() throws {
    let members = [
      Checkpoint.text("a"), Checkpoint.tensor([2, 2], [1, 2]), Checkpoint.text("b"),
      Checkpoint.tensor([0], [1], offset: 5),
    ]
    let whole = Checkpoint(members: members, storage: Array(repeating: 1, count: 16)).bytes()
    let storage = try Storage(byteCount: whole.count)
    for index in whole.indices {
      for value in [0, 255] + (0..<8).map({ whole[index] ^ (1 << $0) }) {
        storage.base.copyMemory(from: whole, byteCount: whole.count)
        storage.base.storeBytes(of: value, toByteOffset: index, as: UInt8.self)
        guard let file = try? TorchFile(storage, path: "x.pt") else { continue }
        for name in file.names { _ = try? file.tensor(name) }
      }
    }
  }
}

extension UInt8 {
  fileprivate var bitsReversed: UInt8 {
    (0..<8).reduce(0) { (bits: UInt8, bit: UInt8) in bits << 1 | (self >> bit & 1) }
  }
}
