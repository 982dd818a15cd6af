import CLanternKernels
import Foundation
import Testing

/// Attention and norms of every instruction set against double precision.
@Suite struct AttentionKernelTests {
  @Test(
    "attention of odd head sizes, of few queries and of many, to all keys, causal and in windows, grouped",
    arguments: [1, 3, 8, 40, 64, 80, 160, 520])
  func attention(headSize: Int) {
    for keyHeads in headSize == 40 ? [4, 2, 1] : [2] { attention(headSize, keyHeads, cap: 0) }
  }

  @Test(
    "soft caps of scores, before the mask, of few queries and of many, in every instruction set",
    arguments: [3, 8, 160])
  func softCaps(headSize: Int) { attention(headSize, 2, cap: 6) }

  @Test(
    "biases by distance, of each head its own, of few queries and of many, in every instruction set",
    arguments: [3, 8, 40])
  func biases(headSize: Int) {
    attention(headSize, 2, cap: 0, isBiased: true)
    attention(headSize, 2, cap: 6, isBiased: true)
  }

  private func attention(_ headSize: Int, _ keyHeads: Int, cap: Float, isBiased: Bool = false) {
    let (batch, heads) = (2, headSize == 40 ? 4 : 2)
    // Keys come in blocks of 256, queries in blocks of 56 or fewer.
    let long: [(lk_mask, Int, Int, Int)] =
      [8, 40, 80].contains(headSize) && keyHeads == 2
      ? [
        (LK_MASK_NONE, 0, 60, 600), (LK_MASK_CAUSAL, 0, 70, 300), (LK_MASK_CAUSAL, 0, 1, 600),
        (LK_MASK_NONE, 0, 4, 513), (LK_MASK_CAUSAL, 0, 3, 520), (LK_MASK_CAUSAL, 0, 5, 520),
        // Windows that begin in a block before, in a later one, within a vector and at its end.
        (LK_MASK_CAUSAL, 5, 300, 300), (LK_MASK_CAUSAL, 40, 60, 600),
        (LK_MASK_CAUSAL, 270, 70, 570),
        (LK_MASK_CAUSAL, 1, 20, 280), (LK_MASK_CAUSAL, 600, 70, 300), (LK_MASK_CAUSAL, 300, 4, 600),
        (LK_MASK_CAUSAL, 3, 1, 270),
      ] : []
    for (mask, window, queries, keys) in [
      (LK_MASK_NONE, 0, 9, 77), (LK_MASK_CAUSAL, 0, 9, 9), (LK_MASK_CAUSAL, 0, 9, 20),
      (LK_MASK_NONE, 0, 2, 33), (LK_MASK_CAUSAL, 0, 4, 4), (LK_MASK_CAUSAL, 0, 1, 1),
      (LK_MASK_NONE, 0, 4, 5), (LK_MASK_CAUSAL, 4, 9, 20), (LK_MASK_CAUSAL, 3, 2, 20),
    ] + long {
      var numbers = Numbers(headSize + keys)
      let (features, keyFeatures) = (heads * headSize, keyHeads * headSize)
      let q = numbers.floats(batch * queries * features, -3, 3)
      let k = numbers.floats(batch * keys * keyFeatures, -3, 3)
      let v = numbers.floats(batch * keys * keyFeatures)
      let scale = 1 / Float(headSize).squareRoot()
      let distances = keys + queries - 1
      let biases = numbers.floats(heads * distances, isBiased ? -2 : 0, isBiased ? 2 : 0)
      var wanted = [Double](repeating: 0, count: q.count)
      for at in 0..<batch * heads * queries {
        let (b, head, i) = (at / queries / heads, at / queries % heads, at % queries)
        let length = mask == LK_MASK_CAUSAL ? i + 1 + keys - queries : keys
        let first = window == 0 ? 0 : max(0, length - window)
        let row = (b * queries + i) * features + head * headSize
        let other = (b * keys + first) * keyFeatures + head * keyHeads / heads * headSize
        let attended = attended(
          by: q[row..<(row + headSize)], keys: k[other...], values: v[other...],
          stride: keyFeatures, count: length - first, scale: Double(scale), cap: Double(cap),
          // Distance 0 is at keys - 1, and the query at i + keys - queries.
          biases: biases[(head * distances + queries - 1 - i + first)...])
        wanted.replaceSubrange(row..<(row + headSize), with: attended)
      }
      for (kernels, arithmetic) in kernelSets.flatMap({ [($0, LK_F32), ($0, LK_I16)] }) {
        let (q, k, v, y) = (Misaligned(q), Misaligned(k), Misaligned(v), Misaligned(count: q.count))
        let bias = Misaligned(biases)
        var arguments = lk_attention_args(
          batch: Int64(batch), heads: Int64(heads), key_heads: Int64(keyHeads),
          queries: Int64(queries), keys: Int64(keys), head_size: Int64(headSize), q: q.pointer,
          k: k.pointer, v: v.pointer, stored: LK_F32, k_scales: nil, v_scales: nil,
          q_batch_stride: Int64(queries * features), q_stride: Int64(features),
          k_batch_stride: Int64(keys * keyFeatures), k_stride: Int64(keyFeatures),
          v_batch_stride: Int64(keys * keyFeatures), v_stride: Int64(keyFeatures), scale: scale,
          soft_cap: cap, bias: isBiased ? bias.pointer : nil, bias_stride: Int64(distances),
          bias_origin: Int64(keys - 1), mask: mask, window: Int64(window), arithmetic: arithmetic,
          in_place: false,
          sequences: nil, scratch: nil,
          y: y.pointer,
          y_batch_stride: Int64(queries * features), y_stride: Int64(features))
        withScratch(&arguments) { kernels.attention(&$0) }
        // Scores of up to 27 that are off by 2e-4 of it change weights by 5e-3 at most; f16 is less exact.
        expectNear(
          y, wanted, arithmetic == LK_F32 ? 1e-5 : kernels.has_f16_products ? 2e-2 : 5e-3,
          "\(kernels.title) \(headSize) \(mask) \(window) \(keys) \(arithmetic)")
      }
    }
  }

  @Test(
    "keys and values of 16 bits give the bits of the same numbers in f32",
    arguments: [LK_F16, LK_BF16], [(1, 64), (3, 40), (70, 64), (9, 13)])
  func narrow(type: lk_dtype, sizes: (queries: Int, headSize: Int)) {
    let (queries, headSize, keys) = (sizes.queries, sizes.headSize, 300)
    var numbers = Numbers(headSize)
    let q = Misaligned(numbers.floats(queries * headSize, -3, 3))
    let wide = (0..<2).map { _ in rounded(numbers.floats(keys * headSize, -3, 3), to: type) }
    let narrow = wide.map { values in
      values.map { type == LK_F16 ? Float16($0).bitPattern : UInt16($0.bitPattern >> 16) }
    }
    for (kernels, arithmetic) in kernelSets.flatMap({ [($0, LK_F32), ($0, LK_I16)] }) {
      func attend(_ k: UnsafeRawPointer?, _ v: UnsafeRawPointer?, _ stored: lk_dtype) -> [Float] {
        let y = Misaligned(count: q.count)
        var arguments = lk_attention_args(
          batch: 1, heads: 1, key_heads: 1, queries: Int64(queries), keys: Int64(keys),
          head_size: Int64(headSize), q: q.pointer, k: k, v: v, stored: stored, k_scales: nil,
          v_scales: nil,
          q_batch_stride: Int64(q.count), q_stride: Int64(headSize),
          k_batch_stride: Int64(keys * headSize), k_stride: Int64(headSize),
          v_batch_stride: Int64(keys * headSize), v_stride: Int64(headSize), scale: 0.3,
          soft_cap: 0, bias: nil, bias_stride: 0, bias_origin: 0, mask: LK_MASK_CAUSAL, window: 0,
          arithmetic: arithmetic, in_place: false,
          sequences: nil, scratch: nil,
          y: y.pointer,
          y_batch_stride: Int64(q.count), y_stride: Int64(headSize))
        withScratch(&arguments) { kernels.attention(&$0) }
        return y.values
      }
      let wanted = wide[0].withUnsafeBytes { k in
        wide[1].withUnsafeBytes { v in attend(k.baseAddress, v.baseAddress, LK_F32) }
      }
      let found = narrow[0].withUnsafeBytes { k in
        narrow[1].withUnsafeBytes { v in attend(k.baseAddress, v.baseAddress, type) }
      }
      #expect(found == wanted, "\(kernels.title) \(arithmetic)")
    }
  }

  @Test(
    "in place, what comes of a query has the same bits alone and among any number of others",
    arguments: [LK_F32, LK_F16], [(LK_MASK_CAUSAL, 0), (LK_MASK_CAUSAL, 5)])
  func inPlace(type: lk_dtype, mask: (kind: lk_mask, window: Int)) {
    let (headSize, keys) = (24, 300)
    var numbers = Numbers(headSize)
    let q = Misaligned(numbers.floats(9 * headSize, -3, 3))
    let (k, v) = (
      numbers.floats(keys * headSize, -3, 3).map { Float16($0).bitPattern },
      numbers.floats(keys * headSize, -3, 3).map { Float16($0).bitPattern }
    )
    let wide = k.map { Float(Float16(bitPattern: $0)) }
    let wideValues = v.map { Float(Float16(bitPattern: $0)) }
    for (kernels, arithmetic) in kernelSets.flatMap({ [($0, LK_F32), ($0, LK_I16)] }) {
      /// Of queries from `first` on, the last of which is the last key but those that come behind it.
      func attend(_ first: Int, _ count: Int) -> [Float] {
        let y = Misaligned(count: count * headSize)
        func run(_ k: UnsafeRawPointer?, _ v: UnsafeRawPointer?) {
          let seen = keys - 9 + first + count
          var arguments = lk_attention_args(
            batch: 1, heads: 1, key_heads: 1, queries: Int64(count), keys: Int64(seen),
            head_size: Int64(headSize), q: q.pointer + first * headSize, k: k, v: v, stored: type,
            k_scales: nil, v_scales: nil,
            q_batch_stride: Int64(q.count), q_stride: Int64(headSize),
            k_batch_stride: Int64(keys * headSize), k_stride: Int64(headSize),
            v_batch_stride: Int64(keys * headSize), v_stride: Int64(headSize), scale: 0.3,
            soft_cap: 0, bias: nil, bias_stride: 0, bias_origin: 0, mask: mask.kind,
            window: Int64(mask.window), arithmetic: arithmetic,
            in_place: true, sequences: nil, scratch: nil, y: y.pointer,
            y_batch_stride: Int64(count * headSize),
            y_stride: Int64(headSize))
          withScratch(&arguments) { kernels.attention(&$0) }
        }
        if type == LK_F16 {
          k.withUnsafeBytes { k in v.withUnsafeBytes { v in run(k.baseAddress, v.baseAddress) } }
        } else {
          wide.withUnsafeBytes { k in
            wideValues.withUnsafeBytes { v in run(k.baseAddress, v.baseAddress) }
          }
        }
        return y.values
      }
      let alone = (0..<9).flatMap { attend($0, 1) }
      #expect(attend(0, 9) == alone, "\(kernels.title) \(arithmetic)")
      #expect(attend(0, 2) + attend(2, 7) == alone, "\(kernels.title) \(arithmetic)")
    }
  }

  /// What one query makes of keys and values, in double precision. Plain loops over pointers: this is most of
  /// the test's time in a debug build.
  private func attended(
    by query: ArraySlice<Float>, keys: ArraySlice<Float>, values: ArraySlice<Float>, stride: Int,
    count: Int, scale: Double, cap: Double, biases: ArraySlice<Float>
  ) -> [Double] {
    let size = query.count
    var result = [Double](repeating: 0, count: size)
    query.withUnsafeBufferPointer { q in
      keys.withUnsafeBufferPointer { k in
        values.withUnsafeBufferPointer { v in
          var shares = [Double](repeating: 0, count: count)
          var j = 0
          while j < count {
            var (sum, e) = (0.0, 0)
            while e < size {
              sum += Double(q[e]) * Double(k[j * stride + e])
              e += 1
            }
            shares[j] = cap == 0 ? sum * scale : cap * tanh(sum * scale / cap)
            shares[j] += Double(biases[biases.startIndex + j])
            j += 1
          }
          let maximum = shares.max() ?? 0
          shares = shares.map { exp($0 - maximum) }
          let total = shares.reduce(0, +)
          j = 0
          while j < count {
            let share = shares[j] / total
            var e = 0
            while e < size {
              result[e] += share * Double(v[j * stride + e])
              e += 1
            }
            j += 1
          }
        }
      }
    }
    return result
  }

  @Test(
    "features of odd heads turn in pairs, apart and in place, and the rest stays",
    arguments: [(2, 1), (5, 2), (9, 4), (40, 20), (67, 16)], [false, true])
  func rotation(sizes: (headSize: Int, half: Int), isInterleaved: Bool) {
    let (headSize, half) = sizes
    let (step, apart) = isInterleaved ? (2, 1) : (1, half)
    let (rows, heads) = (7, 3)
    var numbers = Numbers(headSize)
    let x = numbers.floats(rows * heads * headSize)
    let angles = numbers.floats(rows * half, -3, 3)
    var wanted = x.map(Double.init)
    for at in 0..<rows * heads {
      for i in 0..<half {
        let angle = Double(angles[at / heads * half + i])
        let first = at * headSize + i * step
        let (a, b) = (Double(x[first]), Double(x[first + apart]))
        wanted[first] = a * cos(angle) - b * sin(angle)
        wanted[first + apart] = b * cos(angle) + a * sin(angle)
      }
    }
    for kernels in kernelSets {
      let (cosines, sines) = (
        Misaligned(angles.map { cos($0) }), Misaligned(angles.map { sin($0) })
      )
      let (inPlace, y) = (Misaligned(x), Misaligned(count: x.count))
      for (from, to) in [(inPlace, y), (inPlace, inPlace)] {
        kernels.rotate(
          from.pointer, Int64(rows), Int64(heads), Int64(headSize), Int64(half), isInterleaved,
          cosines.pointer, sines.pointer, to.pointer)
        expectNear(to, wanted, 1e-5, "\(kernels.title) \(headSize) \(half)")
      }
    }
  }

  @Test("of a few queries what is not a number does not vanish", arguments: [0, 1, 2])
  func notNumbersOfFew(operand: Int) {
    for kernels in kernelSets {
      var numbers = Numbers(operand)
      var values = [2, 300, 300].map { numbers.floats($0 * 9) }
      values[operand][1 * 9 + 3] = .nan
      let (q, k, v) = (Misaligned(values[0]), Misaligned(values[1]), Misaligned(values[2]))
      let y = Misaligned(count: 2 * 9)
      var arguments = lk_attention_args(
        batch: 1, heads: 1, key_heads: 1, queries: 2, keys: 300, head_size: 9, q: q.pointer,
        k: k.pointer,
        v: v.pointer, stored: LK_F32, k_scales: nil, v_scales: nil, q_batch_stride: 18, q_stride: 9,
        k_batch_stride: 2700,
        k_stride: 9,
        v_batch_stride: 2700, v_stride: 9, scale: 1, soft_cap: 0, bias: nil, bias_stride: 0,
        bias_origin: 0, mask: LK_MASK_NONE, window: 0,
        arithmetic: LK_F32, in_place: false, sequences: nil,
        scratch: nil, y: y.pointer, y_batch_stride: 18, y_stride: 9)
      withScratch(&arguments) { kernels.attention(&$0) }
      let found = y.values
      for index in 0..<18 {
        let isNone = operand == 0 ? index >= 9 : operand == 1 ? true : index % 9 == 3
        #expect(found[index].isNaN == isNone, "\(kernels.title) \(index)")
      }
    }
  }

  @Test("what is not a number does not vanish", arguments: [0, 1, 2])
  func notNumbers(place: Int) {
    for (kernels, arithmetic) in kernelSets.flatMap({ [($0, LK_F32), ($0, LK_I16)] }) {
      var numbers = Numbers(place)
      var values = (0..<3).map { _ in numbers.floats(40 * 8) }
      values[place][17 * 8 + 3] = .nan
      let (q, k, v) = (Misaligned(values[0]), Misaligned(values[1]), Misaligned(values[2]))
      let y = Misaligned(count: 40 * 8)
      var arguments = lk_attention_args(
        batch: 1, heads: 1, key_heads: 1, queries: 40, keys: 40, head_size: 8, q: q.pointer,
        k: k.pointer,
        v: v.pointer, stored: LK_F32, k_scales: nil, v_scales: nil, q_batch_stride: 320,
        q_stride: 8, k_batch_stride: 320,
        k_stride: 8,
        v_batch_stride: 320, v_stride: 8, scale: 1, soft_cap: 0, bias: nil, bias_stride: 0,
        bias_origin: 0, mask: LK_MASK_NONE,
        window: 0, arithmetic: arithmetic, in_place: false, sequences: nil, scratch: nil,
        y: y.pointer,
        y_batch_stride: 320,
        y_stride: 8)
      withScratch(&arguments) { kernels.attention(&$0) }
      // Of a query that is none its row, of a key all, of a value its feature.
      let found = y.values
      let wrong = (0..<320).filter { index in
        let isNone = place == 0 ? index / 8 == 17 : place == 1 ? true : index % 8 == 3
        return found[index].isNaN != isNone
      }
      #expect(wrong.isEmpty, "\(kernels.title) \(arithmetic)")
    }
  }

  @Test("scores of millions do not overflow", arguments: [1000, 7000] as [Float])
  func extremes(size: Float) {
    for (kernels, arithmetic) in kernelSets.flatMap({ [($0, LK_F32), ($0, LK_I16)] }) {
      let (q, k, v) = (
        Misaligned([size, -size]), Misaligned([size, 0, -size, 0]), Misaligned([1, 2, 3, 4])
      )
      let y = Misaligned(count: 2)
      var arguments = lk_attention_args(
        batch: 1, heads: 1, key_heads: 1, queries: 1, keys: 2, head_size: 2, q: q.pointer,
        k: k.pointer,
        v: v.pointer, stored: LK_F32, k_scales: nil, v_scales: nil, q_batch_stride: 2, q_stride: 2,
        k_batch_stride: 4,
        k_stride: 2,
        v_batch_stride: 4, v_stride: 2, scale: 1, soft_cap: 0, bias: nil, bias_stride: 0,
        bias_origin: 0, mask: LK_MASK_NONE,
        window: 0, arithmetic: arithmetic, in_place: false, sequences: nil, scratch: nil,
        y: y.pointer,
        y_batch_stride: 2,
        y_stride: 2)
      withScratch(&arguments) { kernels.attention(&$0) }
      expectNear(
        y, [1, 2], arithmetic == LK_F32 ? 0 : kernels.tolerance(arithmetic, 1e-4),
        "\(kernels.title)")
    }
  }

  @Test("norms of odd sizes, of numbers far from 0, apart and in place")
  func norms() {
    for (positions, channels, groups) in [(1, 4, 2), (37, 33, 3), (5, 96, 32), (200, 20, 1)] {
      var numbers = Numbers(positions)
      let x = numbers.floats(2 * positions * channels, 90, 110)
      let (weight, bias) = (numbers.floats(channels), numbers.floats(channels))
      let size = channels / groups
      var grouped = x.map { Double($0) }
      for b in 0..<2 {
        for group in 0..<groups {
          let places = (0..<positions * size).map {
            (b * positions + $0 / size) * channels + group * size + $0 % size
          }
          normalise(&grouped, places, eps: 1e-5)
        }
      }
      let wanted = grouped.enumerated().map { index, value in
        let y = value * Double(weight[index % channels]) + Double(bias[index % channels])
        return y / (1 + exp(-y))
      }
      var rows = x.map { Double($0) }
      for row in 0..<2 * positions {
        normalise(&rows, Array(row * channels..<(row + 1) * channels), eps: 1e-5)
      }
      rows = rows.enumerated().map {
        $1 * Double(weight[$0 % channels]) + Double(bias[$0 % channels])
      }
      for kernels in kernelSets {
        for isInPlace in [false, true] {
          let from = Misaligned(x)
          let y = isInPlace ? from : Misaligned(count: x.count)
          kernels.group_norm(
            from.pointer, 2, Int64(positions), Int64(channels), Int64(groups), 1e-5, weight, bias,
            true, y.pointer)
          // Numbers near 100 have f32 errors of 1e-5 themselves.
          expectNear(y, wanted, 3e-5, "\(kernels.title) group \(positions)×\(channels)")
          let other = Misaligned(x)
          let z = isInPlace ? other : Misaligned(count: x.count)
          kernels.layer_norm(
            other.pointer, Int64(2 * positions), Int64(channels), 1e-5, weight, bias, z.pointer)
          expectNear(z, rows, 3e-5, "\(kernels.title) layer \(positions)×\(channels)")
        }
      }
    }
  }

  private func normalise(_ values: inout [Double], _ places: [Int], eps: Double) {
    let mean = places.reduce(0) { $0 + values[$1] } / Double(places.count)
    let square = places.reduce(0) { $0 + (values[$1] - mean) * (values[$1] - mean) }
    let deviation = (square / Double(places.count) + eps).squareRoot()
    for place in places { values[place] = (values[place] - mean) / deviation }
  }

  @Test("root mean squares and softmax of odd rows, with numbers beyond exp's range")
  func rows() {
    for columns in [1, 7, 33, 130] {
      var numbers = Numbers(columns)
      let x = numbers.floats(3 * columns, -500, 500)
      let weight = numbers.floats(columns)
      var (scaled, shares): ([Double], [Double]) = ([], [])
      for row in 0..<3 {
        let values = x[row * columns..<(row + 1) * columns].map { Double($0) }
        let root = (values.reduce(0) { $0 + $1 * $1 } / Double(columns) + 1e-6).squareRoot()
        scaled += values.enumerated().map { $1 / root * Double(weight[$0]) }
        let maximum = values.max() ?? 0
        let sum = values.reduce(0) { $0 + exp($1 - maximum) }
        shares += values.map { exp($0 - maximum) / sum }
      }
      for kernels in kernelSets {
        let (y, z, from) = (Misaligned(count: x.count), Misaligned(x), Misaligned(x))
        kernels.rms_norm(from.pointer, 3, Int64(columns), 1e-6, weight, y.pointer)
        expectNear(y, scaled, 1e-5, "\(kernels.title) rms \(columns)")
        kernels.softmax(z.pointer, 3, Int64(columns), z.pointer)
        expectNear(z, shares, 1e-5, "\(kernels.title) softmax \(columns)")
      }
    }
  }
}
