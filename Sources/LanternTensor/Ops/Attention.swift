internal import CLanternKernels

/// Which keys a query may see. A value, never a matrix.
public enum AttentionMask: Sendable, Equatable {
  /// All of them.
  case none
  /// Those up to its own place; with more keys than queries, the last query is the last key.
  case causal
}

/// Softmax attention of several heads, without a stored score matrix (Dao et al. 2022,
/// arXiv:2205.14135).
///
/// - Parameters:
///   - q: `[batch, query, head · feature]`, f32; the last axis may be part of a wider row.
///   - k: `[batch, key, head · feature]`.
///   - v: like `k`.
///   - heads: divides the last axis.
///   - mask: which keys a query sees.
///   - scale: of the scores; 1/√(features of a head) when nil.
/// - Returns: `[batch, query, head · feature]`.
/// - Throws: ``TensorError/shape(op:expected:found:)``, ``TensorError/dtype(op:expected:found:)``.
public func attention(
  _ q: Tensor, _ k: Tensor, _ v: Tensor, heads: Int, mask: AttentionMask = .none,
  scale: Float? = nil
) throws(TensorError) -> Tensor {
  let expected = "[batch, token, a multiple of \(heads)]"
  guard q.rank == 3, heads > 0, q.shape[2] % heads == 0, q.shape[2] / heads <= 1024 else {
    throw .shape(op: "attention query", expected: expected, found: q.shape)
  }
  guard k.rank == 3, k.shape[0] == q.shape[0], k.shape[2] == q.shape[2], k.shape[1] > 0,
    mask == .none || k.shape[1] >= q.shape[1]
  else { throw .shape(op: "attention key", expected: expected, found: k.shape) }
  guard v.shape == k.shape else {
    throw .shape(op: "attention value", expected: "\(k.shape)", found: v.shape)
  }
  let (q, k, v) = (try q.rowReadable(), try k.rowReadable(), try v.rowReadable())
  let y = try Draft(q.shape)
  let headSize = q.shape[2] / heads
  var arguments = lk_attention_args(
    batch: Int64(q.shape[0]), heads: Int64(heads), queries: Int64(q.shape[1]),
    keys: Int64(k.shape[1]), head_size: Int64(headSize), q: q.floatPointer, k: k.floatPointer,
    v: v.floatPointer, q_batch_stride: Int64(q.strides[0]), q_stride: Int64(q.strides[1]),
    k_batch_stride: Int64(k.strides[0]), k_stride: Int64(k.strides[1]),
    v_batch_stride: Int64(v.strides[0]), v_stride: Int64(v.strides[1]),
    scale: scale ?? 1 / Float(headSize).squareRoot(),
    mask: mask == .causal ? LK_MASK_CAUSAL : LK_MASK_NONE, key_counts: nil, y: y.floats,
    y_batch_stride: Int64(q.shape[1] * q.shape[2]), y_stride: Int64(q.shape[2]))
  withExtendedLifetime((q, k, v)) { kernels.attention(&arguments) }
  return y.tensor()
}

extension Tensor {
  /// Self, f32, its last axis without gaps: rows may be slices of wider ones.
  fileprivate func rowReadable() throws(TensorError) -> Tensor {
    guard dtype == .float32 else { throw .dtype(op: "attention", expected: "f32", found: dtype) }
    return strides[2] == 1 ? self : try contiguous()
  }
}
