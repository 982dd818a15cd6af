import LanternTensor
import Testing

/// The formats that files have are tested with their readers.
@Suite struct StoredTensorTests {
  /// A nibble each, less 8, times a byte before three bytes of them: low nibbles first.
  private let nibbles = BlockFormat(
    "nibbles", blockElements: 6, blockBytes: 4, exactAs: .float32
  ) { blocks, count, floats in
    for block in 0..<count {
      let bytes = UnsafeRawBufferPointer(start: blocks + 4 * block, count: 4)
      for index in 0..<3 {
        floats[6 * block + index] = Float(Int(bytes[0]) * (Int(bytes[1 + index] & 15) - 8))
        floats[6 * block + 3 + index] = Float(Int(bytes[0]) * (Int(bytes[1 + index] >> 4) - 8))
      }
    }
  }

  private func storage(_ bytes: [UInt8]) throws -> Storage {
    let storage = try Storage(byteCount: bytes.count)
    UnsafeMutableRawBufferPointer(start: storage.base, count: bytes.count).copyBytes(from: bytes)
    return storage
  }

  @Test("blocks of several elements are decoded, wherever they lie, as often as there are any")
  func blocks() throws {
    let rows = 2001
    let bytes = (0..<8 * rows).map { UInt8(truncatingIfNeeded: $0 &* 37 ^ $0 >> 3) }
    let stored = try StoredTensor(storage([1, 2, 3] + bytes), [rows, 12], as: nibbles, at: 3)
    let wanted = (0..<12 * rows).map { index -> Float in
      let (block, place) = (index / 6, index % 6)
      let byte = bytes[4 * block + 1 + place % 3]
      return Float(bytes[4 * block]) * (Float(place < 3 ? byte & 15 : byte >> 4) - 8)
    }
    let tensor = try stored.tensor()
    #expect(tensor.shape == [rows, 12] && tensor.dtype == .float32)
    #expect(try tensor.floats() == wanted)
  }

  @Test("blocks that are not whole, strides through blocks and missing bytes are refused")
  func refused() throws {
    let eight = try storage([UInt8](repeating: 0, count: 8))
    #expect(try StoredTensor(eight, [2, 6], as: nibbles, at: 0).tensor().elementCount == 12)
    #expect(throws: TensorError.self) { try StoredTensor(eight, [3, 4], as: nibbles, at: 0) }
    #expect(throws: TensorError.self) {
      try StoredTensor(eight, [2, 6], strides: [6, 1], as: nibbles, at: 0)
    }
    #expect(throws: TensorError.self) { try StoredTensor(eight, [2, 6], as: nibbles, at: 1) }
    #expect(throws: TensorError.self) { try StoredTensor(eight, [3], as: .f32, at: 0) }
    #expect(try StoredTensor(eight, [0, 6], as: nibbles, at: 8).tensor().elementCount == 0)
  }

  @Test("elements that lie as a tensor's are a view, and a copy where they lie askew")
  func views() throws {
    let storage = try storage([0, 0, 0, 0, 0x80, 0x3F, 0, 0, 0, 0x40, 0, 0])
    let view = try StoredTensor(storage, [2], as: .f32, at: 0).tensor()
    #expect(view.bytes == storage.base)
    #expect(try StoredTensor(storage, [2], as: .f32, at: 2).tensor().floats() == [1, 2])
  }

  @Test("every format has a name of its own and decodes as many bytes as it says")
  func rows() throws {
    #expect(Set(BlockFormat.all.map(\.name)).count == BlockFormat.all.count)
    for format in BlockFormat.all {
      let zeros = try storage([UInt8](repeating: 0, count: 3 * format.blockBytes))
      let shape = [3, format.blockElements]
      let tensor = try StoredTensor(zeros, shape, as: format, at: 0).tensor()
      #expect(tensor.shape == shape && tensor.dtype == format.dtype, "\(format.name)")
      #expect(
        try tensor.converted(to: .float32).floats().allSatisfy { $0 == 0 }, "\(format.name)")
      #expect(throws: TensorError.self, "\(format.name)") {
        try StoredTensor(zeros, [4, format.blockElements], as: format, at: 0)
      }
    }
  }
}
