import LanternPlatform
import LanternTensor
import Testing

@Suite struct MemoryTests {
  @Test("what no machine has is refused by an error", arguments: [1 << 50, 1 << 60, Int.max])
  func refused(_ byteCount: Int) {
    #expect(throws: TensorError.outOfMemory(byteCount: byteCount)) {
      try Memory.require(byteCount)
    }
    #expect(throws: TensorError.self) { try Tensor(repeating: 0, shape: [byteCount / 8]) }
  }

  @Test("a little is always there", arguments: [-1, 0, 1, 1 << 10, 1 << 20])
  func granted(_ byteCount: Int) throws { try Memory.require(byteCount) }

  @Test("a size of 0 does not excuse the others: strides would overflow")
  func shapes() {
    for shape in [[0, 1 << 40, 1 << 40], [1 << 40, 1 << 40, 0], [1 << 40, 0, 1 << 40]] {
      #expect(throws: TensorError.size(shape: shape)) { try Tensor([Float](), shape: shape) }
    }
  }

  @Test("a view of more axes than the kernel takes is an error where it cannot be joined")
  func manyAxes() throws {
    for rank in [8, 16, 17, 20] {
      let shape = Array(repeating: 2, count: rank)
      let x = try Tensor(repeating: 1, shape: shape).permuted(Array((0..<rank).reversed()))
      if rank <= 16 {
        #expect(try x.contiguous().shape == shape)
      } else {
        #expect(throws: TensorError.self) { try x.contiguous() }
      }
    }
  }

  @Test("work runs on a stack of its own")
  func deepStack() {
    func depth(_ count: Int) -> Int {
      withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 1) { room in
        room[0] = UInt8(count & 1)
        return count == 0 ? Int(room[0]) : depth(count - 1) + 1
      }
    }
    var found = 0
    DeepStack.run { found = depth(4000) }
    #expect(found == 4000)
  }
}
