package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of an SRVGGNetCompact, which its tensors show.
package struct SRVGGNetCompactConfig: Sendable {
  var features: Int
  /// Convolutions, the first and the last included.
  var convolutions: Int
  var scale: Int

  /// Reads the settings off the shapes.
  ///
  /// - Parameter file: tensors in the names of Real-ESRGAN.
  /// - Throws: ``ModelError/unsupported(what:file:)`` for other channels than red, green and blue,
  ///   ``ModelError/inconsistent(reason:file:)`` for sizes that make no network.
  package init(_ file: any TensorFile) throws(ModelError) {
    let layers = file.count("body.", ".weight")
    features = file.size("body.0.weight", 0)
    convolutions = (layers + 1) / 2
    let (inputs, outputs) = (
      file.size("body.0.weight", 1), file.size("body.\(layers - 1).weight", 0)
    )
    scale = (1...8).first { 3 * $0 * $0 == outputs } ?? 0
    guard inputs == 3, scale > 0 else {
      throw .unsupported(
        what:
          "is an upscaler from \(inputs) to \(outputs) channels, not from red, green and blue to "
          + "a square of them", file: file.path)
    }
    guard (1...4096).contains(features), (2...1024).contains(convolutions), layers % 2 == 1 else {
      throw .inconsistent(
        reason: "\(features) features and \(layers) layers make no SRVGGNetCompact",
        file: file.path)
    }
  }

  /// The file itself; nil for another network.
  package static func renamed(_ file: any TensorFile) -> (any TensorFile)? {
    file.contains("body.0.weight") && file.info("body.1.weight")?.shape.count == 1 ? file : nil
  }
}

/// The small network of Real-ESRGAN's general and animation models (Wang et al. 2021,
/// arXiv:2107.10833, code): convolutions with PReLU at the picture's own size, added to its nearest pixels.
package struct SRVGGNetCompact: UpscalerNetwork {
  private let config: SRVGGNetCompactConfig
  private let layers: [(convolution: Conv2d, slope: Tensor)]
  private let last: Conv2d

  package var scale: Int { config.scale }
  package var unit: Int { 1 }

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: SRVGGNetCompactConfig, _ weights: Weights) throws(ModelError) {
    self.config = config
    let features = config.features
    let body = weights["body"]
    layers = try (0..<config.convolutions - 1).map { index throws(ModelError) in
      let inputs = index == 0 ? 3 : features
      let convolution = try Conv2d(body[2 * index], inputs, features, .same3)
      return (convolution, try body[2 * index + 1].tensor("weight", [features]))
    }
    last = try Conv2d(
      body[2 * (config.convolutions - 1)], features, 3 * config.scale * config.scale, .same3)
    try weights.finish()
  }

  package func callAsFunction(_ picture: Tensor) throws(TensorError) -> Tensor {
    var h = picture
    for layer in layers { h = try layer.convolution(h).prelu(layer.slope) }
    return try last(h).pixelShuffled(by: scale) + picture.upsampledNearest(by: scale)
  }
}
