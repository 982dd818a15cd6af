extension Tensor {
  /// Channels spread over a square of pixels, as `torch.nn.PixelShuffle` (Shi et al. 2016,
  /// arXiv:1609.05158).
  ///
  /// - Parameter factor: pixels a side that one becomes.
  /// - Returns: `[batch, height · factor, width · factor, channel / factor²]` of `[batch, height, width,
  ///   channel]`.
  /// - Throws: ``TensorError/shape(op:expected:found:)`` unless `channel` is a multiple of `factor²`.
  public func pixelShuffled(by factor: Int) throws(TensorError) -> Tensor {
    let area = factor * factor
    guard rank == 4, factor > 0, shape[3] % area == 0 else {
      throw .shape(
        op: "pixelShuffled", expected: "[_, _, _, a multiple of \(area)]", found: shape)
    }
    return try reshaped([shape[0], shape[1], shape[2], shape[3] / area, factor, factor])
      .permuted([0, 1, 4, 2, 5, 3])
      .reshaped([shape[0], shape[1] * factor, shape[2] * factor, shape[3] / area])
  }

  /// Squares of pixels gathered into channels, as `torch.nn.PixelUnshuffle`.
  ///
  /// - Parameter factor: pixels a side that become one.
  /// - Returns: `[batch, height / factor, width / factor, channel · factor²]` of `[batch, height, width,
  ///   channel]`.
  /// - Throws: ``TensorError/shape(op:expected:found:)`` unless height and width are multiples of `factor`.
  public func pixelUnshuffled(by factor: Int) throws(TensorError) -> Tensor {
    guard rank == 4, factor > 0, shape[1] % factor == 0, shape[2] % factor == 0 else {
      throw .shape(
        op: "pixelUnshuffled", expected: "multiples of \(factor) pixels a side", found: shape)
    }
    let (height, width) = (shape[1] / factor, shape[2] / factor)
    return try reshaped([shape[0], height, factor, width, factor, shape[3]])
      .permuted([0, 1, 3, 5, 2, 4])
      .reshaped([shape[0], height, width, shape[3] * factor * factor])
  }
}
