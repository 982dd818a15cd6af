import CLanternKernels
import Testing

/// Integers are added up exactly: what instruction set does it is not seen.
@Suite struct IntegerBitsTests {
  /// Sets with 16-bit products of integers, portable first.
  private var sets: [lk_kernels] { kernelSets.filter { !$0.has_f16_products } }

  @Test(
    "products of integers have the same bits with every instruction set, whatever rows and blocks of k",
    arguments: [1, 3, 12, 13, 16, 17, 33, 48, 113])
  func products(rows: Int) {
    var numbers = Numbers(rows)
    for (n, k) in [(33, 64), (70, 325), (17, 1290), (64, 1601)] {
      let (x, weight) = (numbers.floats(rows * k), numbers.floats(n * k))
      for type in [LK_I16, LK_I8, LK_I4] {
        let wanted = multiplied(x, by: weight, n, k, as: type, sets[0])
        for kernels in sets.dropFirst() {
          let found = multiplied(x, by: weight, n, k, as: type, kernels)
          let isSame = found.values.map(\.bitPattern) == wanted.values.map(\.bitPattern)
          #expect(isSame, "\(kernels.title) \(rows)×\(n)×\(k) \(type)")
        }
      }
    }
  }

  @Test(
    "attention by tiles has the bits of attention by vectors",
    arguments: [(96, 256), (128, 300), (130, 611), (400, 290)])
  func attention(headSize: Int, keys: Int) throws {
    let both = sets.filter { [LK_AVX512_VNNI, LK_AMX].contains($0.isa) }
    guard both.count == 2 else { return }
    var numbers = Numbers(keys)
    for (queries, mask, window) in [
      (5, LK_MASK_NONE, 0), (60, LK_MASK_CAUSAL, 0), (131, LK_MASK_CAUSAL, 70),
    ] {
      let q = numbers.floats(queries * headSize, -3, 3)
      let (k, v) = (numbers.floats(keys * headSize, -3, 3), numbers.floats(keys * headSize))
      let found = both.map { kernels in
        let (q, k, v, y) = (Misaligned(q), Misaligned(k), Misaligned(v), Misaligned(count: q.count))
        let (rows, columns) = (Int64(queries * headSize), Int64(keys * headSize))
        var arguments = lk_attention_args(
          batch: 1, heads: 1, key_heads: 1, queries: Int64(queries), keys: Int64(keys),
          head_size: Int64(headSize), q: q.pointer, k: k.pointer, v: v.pointer, stored: LK_F32,
          k_scales: nil, v_scales: nil, q_batch_stride: rows, q_stride: Int64(headSize),
          k_batch_stride: columns, k_stride: Int64(headSize), v_batch_stride: columns,
          v_stride: Int64(headSize), scale: 0.1, soft_cap: 0, bias: nil, bias_stride: 0,
          bias_origin: 0, mask: mask, window: Int64(window), arithmetic: LK_I16, in_place: false,
          sequences: nil, scratch: nil, y: y.pointer, y_batch_stride: rows,
          y_stride: Int64(headSize))
        withScratch(&arguments) { kernels.attention(&$0) }
        return y.values.map(\.bitPattern)
      }
      let isSame = found[0] == found[1]
      #expect(isSame, "\(queries) queries")
    }
  }
}
