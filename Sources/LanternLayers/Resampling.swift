package import LanternTensor

/// Halves a picture by a 3×3 convolution of stride 2.
package struct Downsample2D: Sendable {
  private let conv: Conv2d

  /// - Parameters:
  ///   - weights: the cursor at its tensors.
  ///   - channels: of its input and output.
  ///   - padding: one pixel all around in U-Nets, below and to the right in autoencoders.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  package init(_ weights: Weights, _ channels: Int, padding: ConvolutionWindow.Padding)
    throws(ModelError)
  {
    self.conv = try Conv2d(
      weights["conv"], channels, channels, ConvolutionWindow(3, stride: 2, padding: padding))
  }

  /// `[batch, ⌈height / 2⌉, ⌈width / 2⌉, channel]`.
  package func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor { try conv(x) }
}

/// Doubles a picture by repeating pixels, then a 3×3 convolution.
package struct Upsample2D: Sendable {
  private let conv: Conv2d
  private let doubling: Conv2d

  /// Takes `conv`.
  package init(_ weights: Weights, _ channels: Int) throws(ModelError) {
    self.conv = try Conv2d(weights["conv"], channels, channels, .same3)
    self.doubling = conv.with(ConvolutionWindow(3, padding: .all(1), upsampling: 2))
  }

  /// The doubled picture, or one row or column less where `size` is odd.
  ///
  /// - Parameters:
  ///   - x: `[batch, height, width, channel]`.
  ///   - size: height and width wanted, as the skip connection of a U-Net has them.
  /// - Returns: `[batch, 2 · height, 2 · width, channel]`, or of `size`.
  /// - Throws: ``TensorError`` for a wrong shape.
  package func callAsFunction(_ x: Tensor, size: (height: Int, width: Int)? = nil)
    throws(TensorError) -> Tensor
  {
    let doubled = (height: 2 * x.shape[1], width: 2 * x.shape[2])
    guard let size, size != doubled else { return try doubling(x) }
    let wide = try x.upsampledNearest(by: 2)
    return try conv(wide.sliced(axis: 1, 0..<size.height).sliced(axis: 2, 0..<size.width))
  }
}

extension Tensor {
  /// Means of squares of 2×2 pixels, and at an odd edge of those that are there: `torch.nn.AvgPool2d` with a
  /// stride of 2 and its `ceil_mode`.
  ///
  /// - Returns: `[batch, ⌈height / 2⌉, ⌈width / 2⌉, channel]` of `[batch, height, width, channel]`.
  /// - Throws: ``TensorError`` when memory runs out.
  package func averagePooled() throws(TensorError) -> Tensor {
    var x = self
    // A mean does not change when all of its pixels are there twice.
    for axis in 1...2 where x.shape[axis] % 2 == 1 {
      let edge = try x.sliced(axis: axis, x.shape[axis] - 1..<x.shape[axis])
      x = try Tensor.concatenated([x, edge], axis: axis)
    }
    let (batch, height, width) = (x.shape[0], x.shape[1] / 2, x.shape[2] / 2)
    let rows = try x.reshaped([batch * height, 2, width, 2, x.shape[3]])
    let pairs = try rows.sliced(axis: 1, 0..<1) + rows.sliced(axis: 1, 1..<2)
    let sums = try pairs.sliced(axis: 3, 0..<1) + pairs.sliced(axis: 3, 1..<2)
    return try sums.scaled(by: 0.25).reshaped([batch, height, width, x.shape[3]])
  }
}
