import LanternPlatform
package import LanternTensor

/// A latent as tokens: square patches, each mapped to a vector (ViT; Dosovitskiy et al. 2020, arXiv:2010.11929),
/// as diffusers' `PatchEmbed` without its positions.
package struct PatchEmbed: Sendable {
  private let projection: Conv2d

  /// Takes `proj`, a convolution whose kernel is as large as its stride.
  ///
  /// - Parameters:
  ///   - weights: where it is.
  ///   - channels: of the latent.
  ///   - features: of a token.
  ///   - patchSize: height and width of a patch.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  package init(_ weights: Weights, channels: Int, features: Int, patchSize: Int) throws(ModelError)
  {
    self.projection = try Conv2d(
      weights["proj"], channels, features, ConvolutionWindow(patchSize, stride: patchSize))
  }

  /// `[batch, token, feature]`, tokens row by row, of `[batch, height, width, channel]`.
  package func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    let patches = try projection(x)
    return try patches.reshaped([patches.shape[0], -1, patches.shape[3]])
  }

  /// The latent `[batch, height, width, channel]` of tokens whose features are a patch's pixels,
  /// `[batch, token, row · column · channel]`.
  ///
  /// - Parameters:
  ///   - x: the tokens, row by row.
  ///   - height: of the latent, divided by `patchSize`.
  ///   - width: like `height`.
  ///   - patchSize: height and width of a patch.
  /// - Returns: the latent.
  /// - Throws: ``TensorError`` for another number of tokens or features.
  package static func unpatchify(_ x: Tensor, height: Int, width: Int, patchSize: Int)
    throws(TensorError) -> Tensor
  {
    guard x.rank == 3, x.shape[2] % (patchSize * patchSize) == 0 else {
      throw .shape(
        op: "unpatchify", expected: "[batch, token, a multiple of \(patchSize * patchSize)]",
        found: x.shape)
    }
    let channels = x.shape[2] / (patchSize * patchSize)
    let (rows, columns) = (height / patchSize, width / patchSize)
    return try x.reshaped([x.shape[0], rows, columns, patchSize, patchSize, channels])
      .permuted([0, 1, 3, 2, 4, 5]).reshaped([x.shape[0], height, width, channels])
  }

  /// Sines and cosines of a patch's column and row, `[1, token, feature]`, to add to its token.
  ///
  /// - Parameters:
  ///   - rows: of patches.
  ///   - columns: of patches.
  ///   - features: of a token, divided by 4.
  ///   - baseSize: rows and columns that the model was trained with, which positions are scaled to.
  ///   - interpolationScale: what positions are divided by.
  /// - Returns: the positions.
  /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
  package static func positions(
    rows: Int, columns: Int, features: Int, baseSize: Int, interpolationScale: Float = 1
  ) throws(TensorError) -> Tensor {
    let quarter = features / 4
    let frequencies = (0..<quarter).map { 1 / pow(10000, Double($0) / Double(quarter)) }
    func positions(_ count: Int) -> [Double] {
      (0..<count).map {
        Double(Float($0) / (Float(count) / Float(baseSize)) / interpolationScale)
      }
    }
    func waves(_ place: Double) -> [Float] {
      frequencies.map { Float(sin(place * $0)) } + frequencies.map { Float(cos(place * $0)) }
    }
    let across = positions(columns).map(waves)
    let values = positions(rows).map(waves).flatMap { row in across.flatMap { $0 + row } }
    return try Tensor(values, shape: [1, rows * columns, features])
  }
}
