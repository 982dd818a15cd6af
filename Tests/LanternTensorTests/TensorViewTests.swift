import LanternTensor
import TestSupport
import Testing

/// Shapes and views: what moves no byte, or only moves bytes.
@Suite struct TensorViewTests {
  /// Every shape of up to three axes of up to three.
  private static let shapes: [[Int]] = {
    var shapes: [[Int]] = [[]]
    for _ in 0..<3 { shapes += shapes.flatMap { shape in (1...3).map { shape + [$0] } } }
    return Array(Set(shapes)).sorted { $0.lexicographicallyPrecedes($1) }
  }()

  /// A tensor that holds 0, 1, 2, ….
  private func counted(_ shape: [Int]) throws -> Tensor {
    try Tensor((0..<shape.reduce(1, *)).map(Float.init), shape: shape)
  }

  /// Where each element of a contiguous tensor of this shape lies, as indices.
  private func places(_ shape: [Int]) -> [[Int]] {
    shape.reduce([[]]) { places, size in places.flatMap { place in (0..<size).map { place + [$0] } }
    }
  }

  @Test("transposing and permuting put each element at its permuted place, without a copy")
  func permuting() throws {
    for shape in Self.shapes where shape.count == 3 {
      let x = try counted(shape)
      let values = try x.floats()
      for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let y = try x.permuted(order)
        #expect(y.shape == order.map { shape[$0] })
        let wanted = places(y.shape).map { place in
          var source = [0, 0, 0]
          for (axis, from) in order.enumerated() { source[from] = place[axis] }
          return values[(source[0] * shape[1] + source[1]) * shape[2] + source[2]]
        }
        #expect(try y.floats() == wanted)
        #expect(y.bytes == x.bytes)
        #expect(try y.contiguous().isContiguous)
        #expect(try y.contiguous().floats() == wanted)
      }
      let turned = try x.permuted([2, 1, 0]).floats()
      #expect(try x.transposed(0, 2).floats() == turned)
      #expect(try x.transposed(-1, 0).floats() == turned)
    }
  }

  @Test("slices are views of their range on every axis")
  func slicing() throws {
    for shape in Self.shapes {
      let x = try counted(shape)
      let values = try x.floats()
      for axis in shape.indices {
        for low in 0...shape[axis] {
          for high in low...shape[axis] {
            let y = try x.sliced(axis: axis, low..<high)
            let wanted = zip(places(shape), values).filter { (low..<high).contains($0.0[axis]) }
            #expect(try y.floats() == wanted.map(\.1))
            let back = try x.sliced(axis: axis - shape.count, low..<high)
            #expect(try back.floats() == wanted.map(\.1))
          }
        }
        for cut in 0...shape[axis] {
          let parts = [
            try x.sliced(axis: axis, 0..<cut), try x.sliced(axis: axis, cut..<shape[axis]),
          ]
          let whole = try Tensor.concatenated(parts, axis: axis)
          #expect(try whole.shape == shape && whole.floats() == values)
        }
      }
    }
  }

  @Test("reshaping keeps the order of elements, also of a transposed view")
  func reshaping() throws {
    let x = try counted([2, 3, 4])
    #expect(try x.reshaped([4, -1]).shape == [4, 6])
    #expect(try x.reshaped([24]).bytes == x.bytes)
    let turned = try x.transposed(0, 2)
    #expect(try turned.reshaped([-1]).floats() == turned.floats())
    #expect(try x.sliced(axis: 1, 0..<0).reshaped([0, 7]).elementCount == 0)
  }

  @Test("rows of a table, repeated pixels and types")
  func movement() throws {
    let table = try counted([4, 2])
    #expect(try table.rows([3, 0, 3]).floats() == [6, 7, 0, 1, 6, 7])
    let picture = try counted([1, 1, 2, 1])
    #expect(try picture.upsampledNearest(by: 2).floats() == [0, 0, 1, 1, 0, 0, 1, 1])
    let x = try Tensor([1.5, -2, 65519, 1e-8], shape: [2, 2])
    #expect(try x.converted(to: .float16).floats() == [1.5, -2, 65504, 0])
    #expect(try x.converted(to: .bfloat16).converted(to: .float32).floats()[0] == 1.5)
  }

  @Test("what does not fit is refused by name, never a trap")
  func errors() throws {
    let x = try counted([2, 3])
    #expect(throws: TensorError.size(shape: [2, -3])) { try Tensor([] as [Float], shape: [2, -3]) }
    #expect(throws: TensorError.self) { try Tensor([1, 2] as [Float], shape: [3]) }
    #expect(throws: TensorError.self) { try Tensor(repeating: 0, shape: [.max, 2]) }
    #expect(throws: TensorError.self) { try Tensor(repeating: 0, shape: [1 << 60]) }
    #expect(throws: TensorError.axis(op: "transposed", axis: 2, rank: 2)) { try x.transposed(0, 2) }
    #expect(throws: TensorError.self) { try x.permuted([0, 0]) }
    #expect(throws: TensorError.self) { try x.permuted([0]) }
    #expect(throws: TensorError.self) { try x.sliced(axis: 0, 1..<3) }
    #expect(throws: TensorError.self) { try x.sliced(axis: 5, 0..<1) }
    #expect(throws: TensorError.self) { try x.reshaped([4]) }
    #expect(throws: TensorError.self) { try x.reshaped([-1, -1]) }
    #expect(throws: TensorError.self) { try x.reshaped([-1, 0]) }
    #expect(throws: TensorError.self) { try x.rows([2]) }
    #expect(throws: TensorError.self) { try x.rows([-1]) }
    #expect(throws: TensorError.self) { try x.upsampledNearest(by: 2) }
    #expect(throws: TensorError.self) { try Tensor.concatenated([], axis: 0) }
    #expect(throws: TensorError.self) {
      try Tensor.concatenated([x, Tensor(repeating: 0, shape: [2, 4])], axis: 0)
    }
    #expect(throws: TensorError.self) { try x.integers() }
    let numbers = try Tensor([1, 2] as [Int32], shape: [2])
    #expect(throws: TensorError.self) { try numbers.applying(.silu) }
  }
}
