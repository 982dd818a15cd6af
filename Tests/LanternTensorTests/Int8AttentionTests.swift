import CLanternKernels
import LanternTensor
import TestSupport
import Testing

/// Attention to keys and values of int8, by every instruction set.
@Suite struct Int8AttentionTests {
  private let heads = 4
  private let keyHeads = 2
  private let batch = 2

  /// Rows as the kernels keep them, and what they stand for.
  private struct Stored {
    var codes: [Int8]
    var scales: [Float]
    let headSize: Int

    init(_ values: [Float], headSize: Int, by kernels: lk_kernels) {
      let rows = values.count / headSize
      self.headSize = headSize
      codes = [Int8](repeating: 99, count: values.count + 16)
      scales = [Float](repeating: 99, count: rows + 1)
      let x = Misaligned(values)
      codes.withUnsafeMutableBufferPointer { codes in
        scales.withUnsafeMutableBufferPointer { scales in
          kernels.quantize(
            x.pointer, Int64(rows), Int64(headSize), codes.baseAddress, scales.baseAddress)
        }
      }
    }

    /// The numbers that they stand for.
    var values: [Float] {
      codes.indices.dropLast(16).map { Float(codes[$0]) * scales[$0 / headSize] }
    }
  }

  @Test(
    "a head's largest number is 127, others are rounded to nearest even, and nothing is written behind them",
    arguments: [1, 7, 16, 24, 67])
  func rounding(headSize: Int) {
    for kernels in kernelSets {
      var numbers = Numbers(headSize)
      var x = numbers.floats(5 * headSize, -3, 3)
      x.replaceSubrange(0..<headSize, with: repeatElement(0, count: headSize))
      let stored = Stored(x, headSize: headSize, by: kernels)
      for row in 0..<5 {
        let part = x[(row * headSize)..<((row + 1) * headSize)]
        let largest = part.map(abs).max() ?? 0
        #expect(stored.scales[row] == largest / 127, "\(kernels.title) \(row)")
        let factor = largest > 0 ? 127 / largest : 0
        let wanted = part.map { Int8(($0 * factor).rounded(.toNearestOrEven)) }
        #expect(
          Array(stored.codes[(row * headSize)..<((row + 1) * headSize)]) == wanted,
          "\(kernels.title) \(row)")
      }
      #expect(stored.codes.suffix(16).allSatisfy { $0 == 99 } && stored.scales.last == 99)
      for odd in [Float.nan, .infinity, -.infinity] {
        x[3 * headSize] = odd
        let values = Stored(x, headSize: headSize, by: kernels).values
        #expect(values[3 * headSize].isNaN, "\(kernels.title) \(odd)")
        #expect(values[..<(3 * headSize)] == stored.values[..<(3 * headSize)])
      }
    }
  }

  /// Of many queries where they are more than four.
  @Test(
    "int8 keys and values are those numbers that they stand for, of few queries and of many",
    arguments: [(1, 64), (3, 40), (70, 64), (9, 13)], [(LK_MASK_CAUSAL, 0), (LK_MASK_CAUSAL, 9)])
  func numbers(sizes: (queries: Int, headSize: Int), mask: (kind: lk_mask, window: Int)) {
    let (queries, headSize, keys) = (sizes.queries, sizes.headSize, 300)
    var numbers = Numbers(headSize)
    let q = Misaligned(numbers.floats(batch * queries * heads * headSize, -3, 3))
    let wide = (0..<2).map { _ in numbers.floats(batch * keys * keyHeads * headSize, -3, 3) }
    for (kernels, arithmetic) in kernelSets.flatMap({ [($0, LK_F32), ($0, LK_I16)] }) {
      let stored = wide.map { Stored($0, headSize: headSize, by: kernels) }
      func attend(
        _ k: UnsafeRawPointer?, _ v: UnsafeRawPointer?, _ type: lk_dtype,
        _ kScales: UnsafePointer<Float>?, _ vScales: UnsafePointer<Float>?
      ) -> Misaligned {
        let y = Misaligned(count: q.count)
        let (row, keyRow) = (heads * headSize, keyHeads * headSize)
        var arguments = lk_attention_args(
          batch: Int64(batch), heads: Int64(heads), key_heads: Int64(keyHeads),
          queries: Int64(queries), keys: Int64(keys), head_size: Int64(headSize), q: q.pointer,
          k: k, v: v, stored: type, k_scales: kScales, v_scales: vScales,
          q_batch_stride: Int64(queries * row), q_stride: Int64(row),
          k_batch_stride: Int64(keys * keyRow), k_stride: Int64(keyRow),
          v_batch_stride: Int64(keys * keyRow), v_stride: Int64(keyRow), scale: 0.3, soft_cap: 0,
          bias: nil, bias_stride: 0, bias_origin: 0,
          mask: mask.kind, window: Int64(mask.window), arithmetic: arithmetic, in_place: false,
          sequences: nil, scratch: nil, y: y.pointer, y_batch_stride: Int64(queries * row),
          y_stride: Int64(row))
        let scratch = UnsafeMutableRawPointer.allocate(
          byteCount: lk_attention_scratch_bytes(&arguments), alignment: 64)
        defer { scratch.deallocate() }
        arguments.scratch = scratch
        kernels.attention(&arguments)
        return y
      }
      let (k, v) = (stored[0].values, stored[1].values)
      let wanted = k.withUnsafeBytes { k in
        v.withUnsafeBytes { v in attend(k.baseAddress, v.baseAddress, LK_F32, nil, nil) }
      }
      let found = stored[0].codes.withUnsafeBytes { k in
        stored[1].codes.withUnsafeBytes { v in
          stored[0].scales.withUnsafeBufferPointer { kScales in
            stored[1].scales.withUnsafeBufferPointer { vScales in
              attend(
                k.baseAddress, v.baseAddress, LK_I8, kScales.baseAddress, vScales.baseAddress)
            }
          }
        }
      }
      // Of many they are packed as those numbers; of few a scale stands outside of the sum.
      if queries > 4 {
        #expect(found.values == wanted.values && found.isGuarded, "\(kernels.title) \(arithmetic)")
      } else {
        expectNear(found, wanted.values.map(Double.init), 1e-5, "\(kernels.title) \(arithmetic)")
      }
    }
  }

  @Test("what does not fit int8 keys and values is refused")
  func refusals() throws {
    let x = try Tensor((0..<24).map { Float($0) }, shape: [1, 3, 8])
    let (codes, scales) = try x.quantized(heads: 2)
    #expect(codes.shape == [1, 3, 8] && scales.shape == [1, 3, 2])
    let both = KeyValueScales(keys: scales, values: scales)
    _ = try attention(x, codes, codes, scales: both, heads: 2)
    #expect(throws: TensorError.self) { try attention(x, codes, codes, heads: 2) }
    #expect(throws: TensorError.self) { try attention(x, x, x, scales: both, heads: 2) }
    #expect(throws: TensorError.self) { try attention(x, codes, codes, scales: both, heads: 4) }
    #expect(throws: TensorError.self) { try x.quantized(heads: 3) }
    let part = KeyValueScales(keys: try scales.sliced(axis: 2, 0..<1), values: scales)
    #expect(throws: TensorError.self) { try attention(x, codes, codes, scales: part, heads: 2) }
    // A sequence has scales where the shared keys have them.
    #expect(throws: TensorError.self) {
      try attention(
        x.sliced(axis: 1, 0..<1), codes, codes, scales: both, heads: 2, mask: .causal,
        sequences: [(codes, codes, nil)])
    }
  }
}
