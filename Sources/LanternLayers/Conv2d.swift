package import LanternTensor

/// A convolution over channels-last pictures, as `torch.nn.Conv2d` with a square kernel.
package struct Conv2d: Sendable {
  private let weight: PackedMatrix
  private let bias: Tensor?
  private let window: ConvolutionWindow

  /// Takes `weight`, `[outputs, inputs, size, size]`, and `bias`, `[outputs]`, where it has one.
  package init(
    _ weights: Weights, _ inputs: Int, _ outputs: Int, _ window: ConvolutionWindow,
    bias: Bool = true
  ) throws(ModelError) {
    self.weight = try weights.kernel("weight", outputs, inputs, window)
    self.bias = bias ? try weights.tensor("bias", [outputs]) : nil
    self.window = window
  }

  private init(_ other: Conv2d, _ window: ConvolutionWindow) {
    self.weight = other.weight
    self.bias = other.bias
    self.window = window
  }

  /// The same weights moved over the picture in another way.
  package func with(_ window: ConvolutionWindow) -> Conv2d { Conv2d(self, window) }

  /// The convolution of a picture.
  ///
  /// - Parameters:
  ///   - x: `[batch, height, width, inputs]`.
  ///   - batchBias: one more bias per picture, `[batch, outputs]`.
  ///   - activation: applied before the residual is added.
  ///   - residual: added last; of the shape of the result.
  /// - Returns: `[batch, height, width, outputs]`, of the size that the window makes.
  /// - Throws: ``TensorError`` for a wrong shape.
  package func callAsFunction(
    _ x: Tensor, batchBias: Tensor? = nil, activation: Activation = .identity,
    residual: consuming Tensor? = nil
  ) throws(TensorError) -> Tensor {
    try x.conv2d(
      weight, window, bias: bias, batchBias: batchBias, activation: activation, residual: residual)
  }
}

extension ConvolutionWindow {
  /// One pixel.
  package static let pixel = ConvolutionWindow(1)
  /// 3×3 that keeps the size.
  package static let same3 = ConvolutionWindow(3, padding: .all(1))
}
