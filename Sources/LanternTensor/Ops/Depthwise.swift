internal import CLanternKernels

extension Tensor {
  /// A convolution of each channel by itself, of stride 1, that keeps the size: `torch.nn.Conv2d` of as many groups as
  /// channels, with zeros around the picture.
  ///
  /// - Parameters:
  ///   - weight: `[size, size, channel]`, of an odd size; `self` is `[batch, height, width, channel]`, f32.
  ///   - bias: `[channel]`; none when nil.
  /// - Returns: the shape of `self`.
  /// - Throws: ``TensorError/shape(op:expected:found:)``, ``TensorError/dtype(op:expected:found:)``.
  package func depthwiseConvolved(_ weight: Tensor, bias: Tensor? = nil) throws(TensorError)
    -> Tensor
  {
    guard rank == 4, weight.rank == 3, weight.shape[0] % 2 == 1,
      weight.shape == [weight.shape[0], weight.shape[0], shape[3]]
    else {
      throw .shape(
        op: "depthwise", expected: "[_, _, _, \(weight.shape.last ?? 0)] and an odd window",
        found: shape)
    }
    let x = try readable("depthwise")
    let weight = try weight.checked("depthwise weight", weight.shape)
    let bias = try bias?.checked("depthwise bias", [shape[3]])
    let y = try Draft(shape)
    withExtendedLifetime((x, weight, bias)) {
      kernels.depthwise(
        x.floatPointer, Int64(shape[0]), Int64(shape[1]), Int64(shape[2]), Int64(shape[3]),
        weight.floatPointer, Int64(weight.shape[0]), bias?.floatPointer, y.floats)
    }
    let taps = Int64(weight.shape[0] * weight.shape[0])
    lk_work_add(2 * Int64(elementCount) * taps, 8 * Int64(elementCount))
    return y.tensor()
  }
}
