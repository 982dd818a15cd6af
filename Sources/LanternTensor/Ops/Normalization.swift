internal import CLanternKernels

extension Tensor {
  /// Normalises each group of channels to zero mean and unit variance, then scales and shifts per
  /// channel.
  ///
  /// Equals `torch.nn.GroupNorm`; Wu & He 2018, arXiv:1803.08494. Works in place where `self` is
  /// uniquely referenced.
  ///
  /// - Parameters:
  ///   - groups: a divisor of `channel`; `self` is `[batch, …, channel]`, f32.
  ///   - weight: scale, `[channel]`.
  ///   - bias: shift, `[channel]`.
  ///   - eps: added to the variance.
  ///   - silu: whether `x · sigmoid(x)` is applied to the result, in the same pass.
  /// - Returns: the shape of `self`.
  /// - Throws: ``TensorError/shape(op:expected:found:)`` when `channel % groups != 0`.
  public consuming func groupNorm(
    groups: Int, weight: Tensor, bias: Tensor, eps: Float, silu: Bool = false
  ) throws(TensorError) -> Tensor {
    let shape = shape
    guard shape.count >= 2, let channels = shape.last, groups > 0, channels % groups == 0 else {
      throw .shape(op: "groupNorm", expected: "[…, a multiple of \(groups)]", found: shape)
    }
    var x = try (consume self).readable("groupNorm")
    let weight = try weight.checked("groupNorm weight", [channels])
    let bias = try bias.checked("groupNorm bias", [channels])
    let y = try x.draftInPlace()
    let positions = shape.dropFirst().dropLast().reduce(1, *)
    withExtendedLifetime((x, weight, bias)) {
      kernels.group_norm(
        x.floatPointer, Int64(shape[0]), Int64(positions), Int64(channels), Int64(groups), eps,
        weight.floatPointer, bias.floatPointer, silu, y.floats)
    }
    return y.tensor()
  }

  /// Normalises each row of the last axis to zero mean and unit variance, then scales and shifts.
  ///
  /// Equals `torch.nn.LayerNorm`; Ba et al. 2016, arXiv:1607.06450. With a weight and bias for each of a batch
  /// it is the adaptive norm of DiT (Peebles & Xie 2022, arXiv:2212.09748).
  ///
  /// - Parameters:
  ///   - weight: scale, `[feature]`, or `[batch, feature]`; `self` is `[batch, …, feature]`, f32. None when nil.
  ///   - bias: shift, like `weight`.
  ///   - eps: added to the variance.
  /// - Returns: the shape of `self`.
  /// - Throws: ``TensorError/shape(op:expected:found:)``.
  public func layerNorm(weight: Tensor?, bias: Tensor?, eps: Float) throws(TensorError) -> Tensor {
    let columns = shape.last ?? 0
    let x = try readable("layerNorm")
    let weight = try weight.map { scale throws(TensorError) in
      try RowFactors(scale, "layerNorm weight", of: self)
    }
    let bias = try bias.map { shift throws(TensorError) in
      try RowFactors(shift, "layerNorm bias", of: self)
    }
    let y = try Draft(shape)
    for part in RowFactors.parts(of: self, weight, bias) {
      kernels.layer_norm(
        x.floatPointer + part.first * columns, Int64(part.rows), Int64(columns), eps,
        weight?.pointer(part.index), bias?.pointer(part.index), y.floats + part.first * columns)
    }
    return y.tensor()
  }

  /// Divides each row of the last axis by its root mean square, then scales.
  ///
  /// Equals `torch.nn.RMSNorm`; Zhang & Sennrich 2019, arXiv:1910.07467.
  ///
  /// - Parameters:
  ///   - weight: scale, `[feature]`; `self` is `[…, feature]`, f32.
  ///   - eps: added to the mean square.
  /// - Returns: the shape of `self`.
  /// - Throws: ``TensorError/shape(op:expected:found:)``.
  public func rmsNorm(weight: Tensor, eps: Float) throws(TensorError) -> Tensor {
    let columns = shape.last ?? 0
    let x = try readable("rmsNorm")
    let weight = try weight.checked("rmsNorm weight", [columns])
    let y = try Draft(shape)
    kernels.rms_norm(
      x.floatPointer, Int64(shape.dropLast().reduce(1, *)), Int64(columns), eps,
      weight.floatPointer, y.floats)
    return y.tensor()
  }

  /// Exponentials of the last axis, divided by their sum.
  ///
  /// - Throws: ``TensorError/dtype(op:expected:found:)`` unless `self` is f32.
  public func softmax() throws(TensorError) -> Tensor {
    let x = try readable("softmax")
    let y = try Draft(shape)
    kernels.softmax(
      x.floatPointer, Int64(shape.dropLast().reduce(1, *)), Int64(shape.last ?? 1), y.floats)
    return y.tensor()
  }
}

/// A norm's scale or shift: one row for all rows of a tensor, or one for each of its batch.
private struct RowFactors {
  private let tensor: Tensor
  private var isOfBatch: Bool { tensor.rank == 2 }

  init(_ tensor: Tensor, _ op: String, of x: Tensor) throws(TensorError) {
    let columns = x.shape.last ?? 0
    let isOfBatch = tensor.rank == 2 && x.rank > 1
    self.tensor = try tensor.checked(op, isOfBatch ? [x.shape[0], columns] : [columns])
  }

  /// The row for a part of the tensor.
  func pointer(_ index: Int) -> UnsafePointer<Float> {
    UnsafePointer(tensor.floatPointer + (isOfBatch ? index * tensor.shape[1] : 0))
  }

  /// The rows of a tensor that share their factors, and which of these are theirs.
  static func parts(of x: Tensor, _ weight: RowFactors?, _ bias: RowFactors?) -> [(
    index: Int, first: Int, rows: Int
  )] {
    let rows = x.shape.dropLast().reduce(1, *)
    guard weight?.isOfBatch == true || bias?.isOfBatch == true else { return [(0, 0, rows)] }
    let each = rows / max(x.shape[0], 1)
    return (0..<x.shape[0]).map { ($0, $0 * each, each) }
  }
}
