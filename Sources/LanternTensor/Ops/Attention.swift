internal import CLanternKernels

/// The mask of attention: which keys a query attends to. A value, never a matrix.
public enum AttentionMask: Sendable, Equatable {
  /// All keys.
  case none
  /// Keys up to its own position; with more keys than queries, the last query is the last key.
  case causal
  /// Of those up to its own place the last ones, as many as this number, which is not 0: a sliding window
  /// (Beltagy et al. 2020, arXiv:2004.05150).
  case slidingWindow(Int)

  /// Keys that a query sees at most, as the kernels have it: 0 for no limit.
  fileprivate var window: Int {
    if case .slidingWindow(let count) = self { count } else { 0 }
  }
}

/// Scales of int8 keys and values: what the numbers of each token and key head are multiplied by,
/// `[batch, key, key head]`, f32.
public struct KeyValueScales: Sendable {
  /// Of keys, and of values.
  public let keys: Tensor, values: Tensor

  /// Scales of keys and of values.
  public init(keys: Tensor, values: Tensor) { (self.keys, self.values) = (keys, values) }
}

/// What is added to attention's scores by how far a key is from its query (Raffel et al. 2020, arXiv:1910.10683).
public struct RelativeBias: Sendable {
  /// `[head, distance]`, f32.
  let table: Tensor
  /// Where distance 0 is; keys behind their query are at larger indices.
  let origin: Int

  /// - Parameters:
  ///   - table: `[head, distance]`, f32, of all distances between the keys and queries that it is used with.
  ///   - origin: the index of distance 0.
  public init(_ table: Tensor, origin: Int) { (self.table, self.origin) = (table, origin) }

  /// - Throws: ``TensorError`` unless there is each distance from `before` keys in front of a query to `behind` keys
  ///   behind it, of each head.
  fileprivate func checked(_ heads: Int, before: Int, behind: Int) throws(TensorError) -> Tensor {
    guard table.rank == 2, table.shape[0] == heads, origin >= before,
      table.shape[1] - origin > behind
    else {
      throw .shape(
        op: "attention bias", expected: "[\(heads), \(before + 1 + behind) or more]",
        found: table.shape)
    }
    return try table.readable("attention bias")
  }
}

/// Softmax attention of several heads, without a stored score matrix (Dao et al. 2022,
/// arXiv:2205.14135).
///
/// - Parameters:
///   - q: `[batch, query, head · feature]`, f32; the last axis may be part of a wider row.
///   - k: `[batch, key, key head · feature]`, f32, f16 or bf16, or with `scales` int8 in bytes; key heads divide `heads`, and each serves as many heads in a
///     row (grouped-query attention, Ainslie et al. 2023, arXiv:2305.13245).
///   - v: like `k`.
///   - scales: of int8 keys and values, ``Tensor/quantized(heads:)``.
///   - heads: divides the last axis.
///   - mask: which keys a query attends to.
///   - scale: of the scores; 1/√(features of a head) when nil.
///   - softCap: c of c · tanh(score / c), which scores become before the mask (Gemma Team 2024, arXiv:2408.00118); none
///     when nil.
///   - bias: added to the scores behind the cap, by how far a key is from its query; with more keys than queries, the
///     last query is at the last key. None when nil.
///   - precision: f32 when exact, products of int16 otherwise.
///   - inPlace: whether any number of queries is treated as up to four are: in f32, and what comes of one does not depend
///     on the others, to the bit.
///   - sequences: of each query, which is then the last token of a sequence of its own, the keys and values behind those
///     of `k` and `v`, which all sequences share and which may be none: `[1, key, key head · feature]`; with a causal mask
///     or a window. The bits are those of each sequence alone; with scales where the shared ones have them.
/// - Returns: `[batch, query, head · feature]`.
/// - Throws: ``TensorError/shape(op:expected:found:)``, ``TensorError/dtype(op:expected:found:)``.
public func attention(
  _ q: Tensor, _ k: Tensor, _ v: Tensor, scales: KeyValueScales? = nil, heads: Int,
  mask: AttentionMask = .none, scale: Float? = nil, softCap: Float? = nil,
  bias: RelativeBias? = nil, precision: Precision = .exact, inPlace: Bool = false,
  sequences: [(keys: Tensor, values: Tensor, scales: KeyValueScales?)]? = nil
) throws(TensorError) -> Tensor {
  try checkAttention(q, k, v, heads: heads, mask: mask, hasSequences: sequences != nil)
  let headSize = q.shape[2] / heads
  let stored = scales == nil ? k.dtype.kernelType : LK_I8
  let (q, k, v) = (
    try q.rowReadable(), try k.rowReadable(stored), try v.rowReadable(stored)
  )
  let keyHeads = k.shape[2] / headSize
  try scales?.check(k.shape[0], k.shape[1], keyHeads)
  let count = q.shape[0] * q.shape[1]
  let own: [lk_sequence]? =
    if let sequences { try checked(sequences, k, keyHeads, scales, mask, count: count) } else {
      nil
    }
  let keys = k.shape[1] + (own?.map { Int($0.keys) }.max() ?? 0)
  let biases = try bias?.checked(heads, before: max(keys, q.shape[1]) - 1, behind: q.shape[1] - 1)
  let y = try Draft(q.shape)
  var arguments = lk_attention_args(
    batch: Int64(q.shape[0]), heads: Int64(heads), key_heads: Int64(keyHeads),
    queries: Int64(q.shape[1]),
    keys: Int64(k.shape[1]), head_size: Int64(headSize), q: q.floatPointer, k: k.bytes,
    v: v.bytes, stored: stored, k_scales: scales?.keys.floatPointer,
    v_scales: scales?.values.floatPointer, q_batch_stride: Int64(q.strides[0]),
    q_stride: Int64(q.strides[1]),
    k_batch_stride: Int64(k.strides[0]), k_stride: Int64(k.strides[1]),
    v_batch_stride: Int64(v.strides[0]), v_stride: Int64(v.strides[1]),
    scale: scale ?? 1 / Float(headSize).squareRoot(), soft_cap: softCap ?? 0,
    bias: biases?.floatPointer, bias_stride: Int64(biases?.shape[1] ?? 0),
    bias_origin: Int64(bias?.origin ?? 0), mask: mask == .none ? LK_MASK_NONE : LK_MASK_CAUSAL,
    window: Int64(mask.window),
    arithmetic: precision.arithmeticOfActivations.kernelType, in_place: inPlace || own != nil,
    sequences: nil, scratch: nil,
    y: y.floats,
    y_batch_stride: Int64(q.shape[1] * q.shape[2]), y_stride: Int64(q.shape[2]))
  let scratch = try Storage(byteCount: lk_attention_scratch_bytes(&arguments))
  arguments.scratch = scratch.base
  withExtendedLifetime((q, k, v, scales, biases, sequences, scratch)) {
    guard let own else { return kernels.attention(&arguments) }
    own.withUnsafeBufferPointer { buffer in
      arguments.sequences = buffer.baseAddress
      kernels.attention(&arguments)
    }
  }
  // Masks are not taken off.
  let pairs = q.shape[0] * q.shape[1] * k.shape[1] * q.shape[2]
  lk_work_add(Int64(4 * pairs), Int64(8 * (q.elementCount + k.elementCount)))
  return y.tensor()
}

/// Bytes that attention takes in addition to its arguments and its result, of one sequence.
package func attentionScratchBytes(
  queries: Int, keys: Int, keyHeads: Int, headSize: Int, precision: Precision
) -> Int {
  var arguments = lk_attention_args()
  (arguments.batch, arguments.key_heads) = (1, Int64(keyHeads))
  (arguments.queries, arguments.keys) = (Int64(queries), Int64(keys))
  arguments.head_size = Int64(headSize)
  arguments.arithmetic = precision.arithmeticOfActivations.kernelType
  return lk_attention_scratch_bytes(&arguments)
}

/// - Throws: ``TensorError`` for shapes or types that do not fit together.
private func checkAttention(
  _ q: Tensor, _ k: Tensor, _ v: Tensor, heads: Int, mask: AttentionMask, hasSequences: Bool
) throws(TensorError) {
  let expected = "[batch, token, a multiple of \(heads)]"
  guard q.rank == 3, heads > 0, q.shape[2] > 0, q.shape[2] % heads == 0, q.shape[2] / heads <= 1024
  else {
    throw .shape(op: "attention query", expected: expected, found: q.shape)
  }
  let headSize = q.shape[2] / heads
  guard k.rank == 3, k.shape[0] == q.shape[0], k.shape[1] > 0 || hasSequences, k.shape[2] > 0,
    k.shape[2] % headSize == 0, heads % (k.shape[2] / headSize) == 0,
    mask == .none || hasSequences || k.shape[1] >= q.shape[1], mask.window >= 0,
    mask != .slidingWindow(0)
  else { throw .shape(op: "attention key", expected: expected, found: k.shape) }
  guard v.shape == k.shape else {
    throw .shape(op: "attention value", expected: "\(k.shape)", found: v.shape)
  }
  guard v.dtype == k.dtype else {
    throw .dtype(op: "attention value", expected: k.dtype.rawValue, found: v.dtype)
  }
  guard q.dtype == .float32 else { throw .dtype(op: "attention", expected: "f32", found: q.dtype) }
}

/// The sequences of some queries as the kernels have them.
private func checked(
  _ sequences: [(keys: Tensor, values: Tensor, scales: KeyValueScales?)], _ shared: Tensor,
  _ keyHeads: Int, _ sharedScales: KeyValueScales?, _ mask: AttentionMask, count: Int
) throws(TensorError) -> [lk_sequence] {
  guard sequences.count == count, shared.shape[0] == 1, mask != .none else {
    throw .shape(op: "attention of sequences", expected: "[\(count)]", found: [sequences.count])
  }
  return try sequences.map { keys, values, scales throws(TensorError) in
    for tensor in [keys, values] {
      guard tensor.rank == 3, tensor.shape == [1, keys.shape[1], shared.shape[2]],
        tensor.strides[1] == shared.strides[1], tensor.strides[2] == 1,
        tensor.dtype == shared.dtype, shared.shape[1] + keys.shape[1] > 0
      else {
        throw .shape(
          op: "attention of a sequence", expected: "\(shared.shape)", found: tensor.shape)
      }
    }
    guard (scales == nil) == (sharedScales == nil) else {
      throw .shape(op: "attention of a sequence", expected: "scales as the shared keys", found: [])
    }
    try scales?.check(1, keys.shape[1], keyHeads)
    return lk_sequence(
      k: keys.bytes, v: values.bytes, k_scales: scales?.keys.floatPointer,
      v_scales: scales?.values.floatPointer, keys: Int64(keys.shape[1]))
  }
}

extension KeyValueScales {
  /// Checks that there is one of each key and key head, one behind the other.
  fileprivate func check(_ batch: Int, _ keys: Int, _ heads: Int) throws(TensorError) {
    for scales in [self.keys, values] {
      _ = try scales.checked("attention scales", [batch, keys, heads])
      guard scales.isContiguous else {
        throw .shape(op: "attention scales", expected: "contiguous", found: scales.shape)
      }
    }
  }
}

extension Tensor {
  /// Rows as int8 in two's complement, rounded to nearest even, each head's with a scale of its own: the largest magnitude
  /// is 127 times the scale.
  ///
  /// - Parameter heads: divides the last axis of `self`, `[batch, token, head · feature]`, f32.
  /// - Returns: the shape of `self` in bytes, and `[batch, token, head]`, f32; a head that is not finite has a scale that
  ///   is not.
  /// - Throws: ``TensorError/shape(op:expected:found:)``, ``TensorError/dtype(op:expected:found:)``.
  public func quantized(heads: Int) throws(TensorError) -> (codes: Tensor, scales: Tensor) {
    guard rank == 3, heads > 0, shape[2] % heads == 0 else {
      throw .shape(
        op: "quantized", expected: "[batch, token, a multiple of \(heads)]", found: shape)
    }
    let x = try readable("quantized")
    let codes = try Draft(shape, .uint8)
    let scales = try Draft([shape[0], shape[1], heads])
    kernels.quantize(
      x.floatPointer, Int64(shape[0] * shape[1] * heads), Int64(shape[2] / heads),
      codes.bytes.assumingMemoryBound(to: Int8.self), scales.floats)
    return (codes.tensor(), scales.tensor())
  }

  /// Turns pairs of features of each head by an angle that depends on the token's position.
  ///
  /// Su et al. 2021, arXiv:2104.09864. Feature i pairs with feature i + half, as in GPT-NeoX and transformers'
  /// Llama, or, interleaved, 2i with 2i + 1, as in the paper, GPT-J and FLUX.
  ///
  /// - Parameters:
  ///   - heads: divides the last axis of `self`, `[batch, token, head · feature]`, f32.
  ///   - cosines: `[token, half]`, the same for the whole batch; features beyond 2 · half of a head stay as they
  ///     are.
  ///   - sines: like `cosines`.
  ///   - isInterleaved: which features make a pair.
  /// - Returns: the shape of `self`.
  /// - Throws: ``TensorError/shape(op:expected:found:)``, ``TensorError/dtype(op:expected:found:)``.
  public func rotated(
    heads: Int, cosines: Tensor, sines: Tensor, isInterleaved: Bool = false
  ) throws(TensorError) -> Tensor {
    guard rank == 3, heads > 0, shape[2] % heads == 0, cosines.rank == 2,
      2 * cosines.shape[1] <= shape[2] / heads
    else {
      throw .shape(op: "rotated", expected: "[batch, token, a multiple of \(heads)]", found: shape)
    }
    let x = try readable("rotated")
    let cosines = try cosines.checked("rotated cosines", [shape[1], cosines.shape[1]])
    let sines = try sines.checked("rotated sines", cosines.shape)
    let y = try Draft(shape)
    for batch in 0..<shape[0] {
      let first = batch * shape[1] * shape[2]
      kernels.rotate(
        x.floatPointer + first, Int64(shape[1]), Int64(heads), Int64(shape[2] / heads),
        Int64(cosines.shape[1]), isInterleaved, cosines.floatPointer, sines.floatPointer,
        y.floats + first)
    }
    return y.tensor()
  }

  /// Self, its last axis without gaps: rows may be slices of wider ones.
  fileprivate func rowReadable(_ stored: lk_dtype = LK_F32) throws(TensorError) -> Tensor {
    guard stored == LK_I8 ? dtype == .uint8 : dtype.isFloatingPoint else {
      throw .dtype(
        op: "attention", expected: stored == LK_I8 ? "u8 with scales" : "f32, f16 or bf16",
        found: dtype)
    }
    return strides[2] == 1 ? self : try contiguous()
  }
}
