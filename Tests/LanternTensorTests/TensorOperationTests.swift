import LanternTensor
import TestSupport
import Testing

/// Operations as models call them: shapes that fit, shapes that do not, and the buffers they take.
@Suite struct TensorOperationTests {
  private func counted(_ shape: [Int]) throws -> Tensor {
    try Tensor((0..<shape.reduce(1, *)).map { Float($0 % 7) - 3 }, shape: shape)
  }

  private func matrix(_ outputs: Int, _ inputs: Int) throws -> PackedMatrix {
    try PackedMatrix(counted([outputs, inputs]))
  }

  @Test("operands broadcast as PyTorch's do")
  func broadcasting() throws {
    for (a, b, shape) in [
      ([2, 3], [3], [2, 3]), ([2, 3], [2, 1], [2, 3]), ([2, 1, 3], [4, 1], [2, 4, 3]),
      ([1], [2, 2], [2, 2]), ([], [3], [3]), ([3, 1], [1, 3], [3, 3]),
    ] as [([Int], [Int], [Int])] {
      let (x, y) = (try counted(a), try counted(b))
      let sum = try x + y
      #expect(sum.shape == shape)
      var wanted: [Float] = []
      for place in 0..<shape.reduce(1, *) {
        var (rest, index) = (place, [Int](repeating: 0, count: shape.count))
        for axis in shape.indices.reversed() {
          (rest, index[axis]) = rest.quotientAndRemainder(dividingBy: shape[axis])
        }
        func element(_ values: [Float], _ own: [Int]) -> Float {
          var offset = 0
          for (axis, size) in own.enumerated() {
            offset = offset * size + (size == 1 ? 0 : index[shape.count - own.count + axis])
          }
          return values[offset]
        }
        wanted.append(element(try x.floats(), a) + element(try y.floats(), b))
      }
      #expect(try sum.floats() == wanted, "\(a) \(b)")
    }
    #expect(throws: TensorError.self) { try counted([2, 3]) + counted([2]) }
  }

  @Test("views go into every operation as their copies do")
  func views() throws {
    let x = try counted([2, 6, 5])
    let view = try x.transposed(1, 2)
    let copy = try view.contiguous()
    let weight = try matrix(4, 6)
    expectEqual(
      try view.linear(weight).floats(), try copy.linear(weight).floats(), relative: 0)
    expectEqual(try view.softmax().floats(), try copy.softmax().floats(), relative: 0)
    expectEqual(try (view * view).floats(), try (copy * copy).floats(), relative: 0)
    expectEqual(try view.sum().floats(), try copy.sum().floats(), relative: 0)
    let wide = try counted([1, 4, 12])
    let parts = try (0..<3).map { try wide.sliced(axis: 2, 4 * $0..<4 * $0 + 4) }
    let copies = try parts.map { try $0.contiguous() }
    expectEqual(
      try attention(parts[0], parts[1], parts[2], heads: 2).floats(),
      try attention(copies[0], copies[1], copies[2], heads: 2).floats(), relative: 0)
  }

  @Test("a linear map and a 1×1 convolution of the same weights are the same")
  func pixelConvolution() throws {
    let x = try counted([2, 3, 4, 5])
    let weight = try matrix(6, 5)
    expectEqual(
      try x.conv2d(weight, ConvolutionWindow(1)).floats(), try x.linear(weight).floats(),
      relative: 1e-6)
  }

  @Test("operands of a wrong shape or type are refused by operation")
  func errors() throws {
    let x = try counted([2, 3])
    let picture = try counted([1, 2, 2, 3])
    let weight = try matrix(4, 5)
    #expect(
      throws: TensorError.shape(op: "linear", expected: "[…, 5]", found: [2, 3])
    ) { try x.linear(weight) }
    #expect(throws: TensorError.self) { try picture.conv2d(weight, ConvolutionWindow(1)) }
    #expect(throws: TensorError.self) { try x.conv2d(weight, ConvolutionWindow(1)) }
    #expect(throws: TensorError.self) {
      try picture.conv2d(matrix(4, 75), ConvolutionWindow(5))
    }
    #expect(throws: TensorError.self) { try x.matmul(x) }
    #expect(throws: TensorError.self) {
      try picture.groupNorm(groups: 2, weight: x, bias: x, eps: 1e-5)
    }
    #expect(throws: TensorError.self) {
      try picture.groupNorm(groups: 0, weight: x, bias: x, eps: 1e-5)
    }
    for factors in [[2], [3, 3], [2, 2], [1, 2, 3]] {
      let other = try counted(factors)
      #expect(throws: TensorError.self) { try x.layerNorm(weight: other, bias: nil, eps: 1e-5) }
      #expect(throws: TensorError.self) { try x.layerNorm(weight: nil, bias: other, eps: 1e-5) }
    }
    let gated = try PackedMatrix(gated: counted([4, 3]))
    #expect(gated.outputs == 2 && gated.inputs == 3)
    #expect(throws: TensorError.self) { try counted([2, 3]).linear(gated) }
    #expect(throws: TensorError.self) { try counted([2, 3]).gatedLinear(matrix(4, 3)) }
    #expect(throws: TensorError.self) { try counted([2, 4]).gatedLinear(gated) }
    #expect(throws: TensorError.self) {
      try counted([2, 3]).gatedLinear(gated, bias: counted([2]))
    }
    #expect(throws: TensorError.self) { try PackedMatrix(gated: counted([3, 3])) }
    let q = try counted([1, 2, 4])
    #expect(throws: TensorError.self) { try attention(q, q, q, heads: 3) }
    #expect(throws: TensorError.self) { try attention(q, q, q, heads: 0) }
    #expect(throws: TensorError.self) { try attention(q, counted([1, 1, 4]), q, heads: 2) }
    #expect(throws: TensorError.self) {
      try attention(q, counted([1, 1, 4]), counted([1, 1, 4]), heads: 2, mask: .causal)
    }
    for mask in [AttentionMask.slidingWindow(0), .slidingWindow(-1)] {
      #expect(throws: TensorError.self) { try attention(q, q, q, heads: 2, mask: mask) }
    }
    #expect(throws: TensorError.self) { try attention(x, q, q, heads: 1) }
    let numbers = try Tensor([1, 2, 3] as [Int32], shape: [3])
    #expect(throws: TensorError.self) { try numbers.sum() }
    #expect(throws: TensorError.self) { try numbers + numbers }
    #expect(throws: TensorError.self) { try PackedMatrix(numbers.reshaped([1, 3])) }
  }

  @Test("errors say which operation, what it wanted and what it got")
  func descriptions() {
    let error = TensorError.shape(op: "conv2d", expected: "[_, _, _, 320]", found: [1, 64, 64, 4])
    #expect("\(error)" == "conv2d: expected shape [_, _, _, 320], got [1, 64, 64, 4]")
    #expect("\(TensorError.outOfMemory(byteCount: 3 << 20))".contains("4 MiB"))
  }

  @Test("a result takes the place of what nobody else holds, and of nothing that somebody does")
  func inPlace() throws {
    let (weight, bias) = (try counted([4]), try counted([4]))
    func normalised(_ x: consuming Tensor) throws -> Tensor {
      try (consume x).groupNorm(groups: 2, weight: weight, bias: bias, eps: 1e-5)
    }
    let kept = try counted([1, 3, 3, 4])
    let before = try kept.floats()
    let other = try normalised(copy kept)
    let wanted = try other.floats()
    #expect(try kept.floats() == before)
    #expect(other.floatPointer != kept.floatPointer)
    #expect(wanted != before)
    // A view of part of a buffer is not all of it.
    let both = try Tensor.concatenated([kept, kept], axis: 0)
    #expect(try normalised(both.sliced(axis: 0, 1..<2)).floats() == wanted)
    #expect(try both.floats() == before + before)
    let free = try counted([1, 3, 3, 4])
    let address = free.floatPointer
    let normal = try normalised(consume free)
    #expect(try normal.floats() == wanted)
    #expect(normal.floatPointer == address)
    let residual = try counted([3, 2])
    let x = try counted([3, 5])
    let sum = try x.linear(matrix(2, 5), residual: copy residual)
    #expect(try residual.floats() == counted([3, 2]).floats())
    #expect(sum.floatPointer != residual.floatPointer)
    let freeResidual = try counted([3, 2])
    let residualAddress = freeResidual.floatPointer
    let inPlace = try x.linear(matrix(2, 5), residual: consume freeResidual)
    #expect(try inPlace.floats() == sum.floats())
    #expect(inPlace.floatPointer == residualAddress)
  }

  /// A convolution by its definition.
  private func convolved(_ x: Tensor, _ kernel: Tensor, _ window: ConvolutionWindow) throws
    -> [Float]
  {
    let (pixels, weights) = (try x.floats(), try kernel.floats())
    let (height, width, channels) = (x.shape[1], x.shape[2], x.shape[3])
    let up = window.upsampling
    var y: [Float] = []
    for row in 0..<window.outputSize(height, 3) {
      for column in 0..<window.outputSize(width, 3) {
        for output in 0..<kernel.shape[0] {
          var sum = 0.0
          for tap in 0..<9 {
            let v = row * window.stride + tap / 3 - window.before
            let u = column * window.stride + tap % 3 - window.before
            guard v >= 0, u >= 0, v < height * up, u < width * up else { continue }
            let pixel = (v / up * width + u / up) * channels
            for i in 0..<channels {
              sum += Double(pixels[pixel + i]) * Double(weights[(output * 9 + tap) * channels + i])
            }
          }
          y.append(Float(sum))
        }
      }
    }
    return y
  }

  @Test("3×3 kernels do for every window, transformed for Winograd's algorithm or not")
  func windows() throws {
    let kernel = try counted([20, 3, 3, 32])
    let x = try counted([1, 9, 10, 32])
    for window in [
      ConvolutionWindow(3, padding: .all(1)), ConvolutionWindow(3, padding: .all(1), upsampling: 2),
      ConvolutionWindow(3, stride: 2, padding: .all(1)), ConvolutionWindow(3),
      ConvolutionWindow(3, padding: .bottomRight),
    ] {
      let wanted = try convolved(x, kernel, window)
      for (form, tolerance) in [
        (PackedMatrix.Form.float32, 2e-6 as Float), (.float16, 2e-3), (.bfloat16, 1e-2),
        (.int16, 1e-3), (.int8, 2e-2), (.int4, 0.3),
      ] {
        let title = "\(form) \(window)"
        let packed = try PackedMatrix(kernel, as: form)
        #expect(packed.inputs == 9 * 32 && packed.outputs == 20 && packed.form == form)
        expectEqual(
          try x.conv2d(packed, window).floats(), wanted, relative: tolerance, "late, \(title)")
        let transformed = try PackedMatrix(winograd: kernel, as: form)
        #expect(transformed.inputs == 9 * 32 && transformed.form == form)
        if window.fitsWinograd {
          expectEqual(
            try x.conv2d(transformed, window).floats(), wanted, relative: tolerance, title)
        } else {
          #expect(throws: TensorError.self) { try x.conv2d(transformed, window) }
        }
      }
    }
    let transformed = try PackedMatrix(winograd: kernel, as: .float32)
    #expect(throws: TensorError.self) { try counted([2, 9 * 32]).linear(transformed) }
    #expect(throws: TensorError.self) {
      try PackedMatrix(winograd: counted([20, 1, 1, 18]), as: .float32)
    }
    let gated = try PackedMatrix(gated: counted([8, 32]), as: .int16)
    #expect(throws: TensorError.self) { try x.conv2d(gated, ConvolutionWindow(1)) }
  }

  @Test("pictures of more tiles than are transformed at once, with any number of threads")
  func manyTiles() throws {
    let window = ConvolutionWindow(3, padding: .all(1))
    let kernel = try counted([16, 3, 3, 16])
    let x = try counted([2, 64, 34, 16])
    let transformed = try PackedMatrix(winograd: kernel, as: .float32)
    let wanted = try x.conv2d(transformed, window).floats()
    let late = try PackedMatrix(kernel)
    let alone = try withThreads(1) { try x.conv2d(late, window).floats() }
    expectEqual(alone, wanted, relative: 2e-6)
    for threads in [2, 3, 7] as [Int32] {
      #expect(try withThreads(threads) { try x.conv2d(late, window).floats() } == alone)
    }
  }

  @Test("the largest sums that products of whole numbers come to fit 32 bits")
  func largestSums() throws {
    // All of a tile's weight falls on one of its places, and every product is the largest there is.
    let kernel = try Tensor(repeating: 1, shape: [16, 3, 3, 512])
    let x = try Tensor(repeating: 1, shape: [1, 10, 10, 512])
    for packed in try [
      PackedMatrix(kernel, as: .int16), PackedMatrix(kernel, as: .int8),
      PackedMatrix(kernel, as: .int4), PackedMatrix(winograd: kernel, as: .int16),
    ] {
      let y = try x.conv2d(packed, ConvolutionWindow(3, padding: .all(1)))
      let inside = try y.sliced(axis: 1, 1..<9).sliced(axis: 2, 1..<9).contiguous().floats()
      expectEqual(inside, [Float](repeating: 9 * 512, count: inside.count), relative: 2e-3)
    }
  }

  @Test("each precision says how matrices and 3×3 kernels are stored")
  func precisions() {
    #expect(Precision.exact.form(of: .float16, inputs: 9, outputs: 9) == .float16)
    #expect(Precision.exact.form(of: .bfloat16, inputs: 9, outputs: 9) == .bfloat16)
    let forms = Precision.allCases.map { $0.form(of: .float32, inputs: 64, outputs: 64) }
    #expect(forms == [.float32, .int16, .int8, .int4])
    // What reads or makes the few channels of a latent keeps its bits.
    let thin = Precision.allCases.map { $0.form(of: .float32, inputs: 320, outputs: 4) }
    #expect(thin == [.float32, .int16, .int16, .int16])
    // Large kernels, of small pictures, are transformed as they are used; of few channels, not at all.
    #expect(Precision.fast.winogradForm(inputs: 1280, outputs: 640) == nil)
    #expect(Precision.fast.winogradForm(inputs: 4, outputs: 320) == nil)
    let transformed = Precision.allCases.map { $0.winogradForm(inputs: 320, outputs: 640) }
    #expect(transformed == [.float32, .int16, .int16, .int16])
    #expect(Precision.int4.ofSmallParts == .fast && Precision.exact.ofSmallParts == .exact)
  }
}
