internal import CLanternKernels

extension Tensor {
  /// A linear map over the last axis: `activation(self · weightᵀ + bias) + residual`.
  ///
  /// Equals `torch.nn.Linear`.
  ///
  /// - Parameters:
  ///   - weight: `[outputs, inputs]`; `self` is `[…, inputs]`, f32.
  ///   - bias: `[outputs]`, f32.
  ///   - activation: applied before the residual is added.
  ///   - residual: added last; of the shape of the result, f32. The result overwrites it where it
  ///     is uniquely referenced.
  /// - Returns: `[…, outputs]`, f32.
  /// - Throws: ``TensorError/shape(op:expected:found:)``, ``TensorError/dtype(op:expected:found:)``.
  public func linear(
    _ weight: PackedMatrix, bias: Tensor? = nil, activation: Activation = .identity,
    residual: consuming Tensor? = nil
  ) throws(TensorError) -> Tensor {
    try multiplied(
      "linear", by: weight, LK_MATRIX, rows: weight.outputs, bias, activation, residual)
  }

  /// A gated unit over the last axis: one half of a linear map times an activation of the other.
  ///
  /// GEGLU with `.gelu`, diffusers' `GEGLU`, or `.geluTanh`; SwiGLU with `.silu` (Shazeer 2020, arXiv:2002.05202).
  ///
  /// - Parameters:
  ///   - weight: made by ``PackedMatrix/init(gated:as:)``; `self` is `[…, inputs]`, f32.
  ///   - bias: `[2 · outputs]`, f32.
  ///   - activation: of the gates.
  /// - Returns: `[…, outputs]`, f32.
  /// - Throws: ``TensorError/shape(op:expected:found:)``, ``TensorError/dtype(op:expected:found:)``.
  public func gatedLinear(
    _ weight: PackedMatrix, bias: Tensor? = nil, activation: Activation = .gelu
  ) throws(TensorError) -> Tensor {
    try multiplied(
      "gated linear", by: weight, LK_GATED, rows: 2 * weight.outputs, bias, activation, nil)
  }

  private func multiplied(
    _ op: String, by weight: PackedMatrix, _ layout: lk_layout, rows: Int, _ bias: Tensor?,
    _ activation: Activation, _ residual: consuming Tensor?
  ) throws(TensorError) -> Tensor {
    guard let inputs = shape.last, inputs == weight.inputs else {
      throw .shape(op: op, expected: "[…, \(weight.inputs)]", found: shape)
    }
    guard weight.layout == layout, weight.isPacked else {
      throw .shape(
        op: op, expected: "weights packed as a matrix for it, not as a kernel",
        found: [weight.outputs, inputs])
    }
    let x = try readable(op)
    let target = Array(shape.dropLast() + [weight.outputs])
    let bias = try bias?.checked("\(op) bias", [rows])
    var added = try (consume residual)?.checked("\(op) residual", target)
    let y = try added.draftInPlace(or: target)
    var arguments = lk_gemm_args(
      m: Int64(elementCount / max(inputs, 1)), n: Int64(rows), k: Int64(inputs),
      x: x.floatPointer, x_stride: Int64(inputs), packed: weight.bytes,
      packed_type: weight.form.kernelType, layout: layout, bias: bias?.floatPointer,
      residual: added?.floatPointer, residual_stride: Int64(weight.outputs),
      activation: activation.kernel, y: y.floats, y_stride: Int64(weight.outputs))
    withExtendedLifetime((x, weight, bias, added)) { kernels.gemm(&arguments) }
    lk_work_add(
      2 * arguments.m * arguments.n * arguments.k,
      4 * arguments.m * (arguments.k + Int64(weight.outputs)) + Int64(weight.byteCount))
    return y.tensor()
  }

  /// The matrix product of two f32 tensors, by BLAS (OpenBLAS, Accelerate), or by our own kernels where
  /// there is none.
  ///
  /// - Parameter other: `[inner, column]`; `self` is `[…, row, inner]`. Transposed views are read
  ///   in place.
  /// - Returns: `[…, row, column]`.
  /// - Throws: ``TensorError/shape(op:expected:found:)``, ``TensorError/dtype(op:expected:found:)``.
  public func matmul(_ other: Tensor) throws(TensorError) -> Tensor {
    guard rank >= 2, other.rank == 2, shape[rank - 1] == other.shape[0] else {
      throw .shape(op: "matmul", expected: "[\(shape.last ?? 0), _]", found: other.shape)
    }
    guard dtype == .float32 else { throw .dtype(op: "matmul", expected: "f32", found: dtype) }
    guard other.dtype == .float32 else {
      throw .dtype(op: "matmul", expected: "f32", found: other.dtype)
    }
    let inner = other.shape[0]
    let columns = other.shape[1]
    let rows = shape.dropLast().reduce(1, *)
    let a = try rank == 2 && isTransposedMatrix ? self : contiguous()
    let b = try other.isTransposedMatrix ? other : other.contiguous()
    let y = try Draft(shape.dropLast() + [columns])
    let workspace = try Storage(
      byteCount: lk_matmul_packed_bytes(
        Int64(rows), Int64(columns), Int64(inner), a.isTransposedMatrix))
    withExtendedLifetime((a, b, workspace)) {
      lk_matmul(
        Int64(rows), Int64(columns), Int64(inner), a.floatPointer,
        Int64(a.isTransposedMatrix ? rows : inner), a.isTransposedMatrix, b.floatPointer,
        Int64(b.isTransposedMatrix ? inner : columns), b.isTransposedMatrix, y.floats,
        Int64(columns), workspace.base)
    }
    return y.tensor()
  }

  /// Whether this is the transpose of a contiguous matrix, which BLAS reads as it lies.
  private var isTransposedMatrix: Bool {
    rank == 2 && !isContiguous && strides[0] == 1 && strides[1] == shape[0]
  }

  /// Self, checked to be f32 of exactly `shape`, contiguous.
  consuming func checked(_ op: String, _ shape: [Int]) throws(TensorError) -> Tensor {
    guard self.shape == shape else { throw .shape(op: op, expected: "\(shape)", found: self.shape) }
    return try readable(op)
  }
}
