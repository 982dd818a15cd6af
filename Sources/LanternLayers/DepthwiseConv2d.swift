package import LanternTensor

/// A convolution of each channel by itself over channels-last pictures, as `torch.nn.Conv2d` of as many groups.
package struct DepthwiseConv2d: Sendable {
  /// `[size, size, channel]`.
  private let weight: Tensor
  private let bias: Tensor?

  /// Takes `weight`, `[channels, 1, size, size]`, and `bias`, `[channels]`, where it has one.
  ///
  /// - Parameters:
  ///   - weights: where they are.
  ///   - channels: of the picture.
  ///   - size: of the kernel, odd.
  ///   - bias: whether it has one.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  package init(_ weights: Weights, _ channels: Int, size: Int, bias: Bool = true)
    throws(ModelError)
  {
    let stored = try weights.tensor("weight", [channels, 1, size, size])
    do {
      weight = try stored.reshaped([channels, size, size]).permuted([1, 2, 0]).contiguous()
    } catch {
      throw .tensor(error)
    }
    self.bias = bias ? try weights.tensor("bias", [channels]) : nil
  }

  /// The shape of `x`, `[batch, height, width, channel]`.
  package func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    try x.depthwiseConvolved(weight, bias: bias)
  }
}
