import LanternTensor

/// Dynamic thresholding: strong guidance rescaled to the range of a weaker one, against oversaturation.
///
/// After Imagen's thresholding of pixels (Saharia et al. 2022, arXiv:2205.11487, section 2.3); for
/// latents, as mcmonkeyprojects' sd-dynamic-thresholding has it (its simple form), which it equals.
public struct DynamicThresholding: Sendable, Equatable {
  /// The guidance scale whose range is mimicked.
  public var mimicScale: Float
  /// Quantile of the magnitudes to which values are clipped; 1 clips none.
  public var percentile: Float

  /// Thresholding with its parameters.
  public init(mimicScale: Float, percentile: Float = 1) {
    self.mimicScale = mimicScale
    self.percentile = percentile
  }

  /// The guided clean latent of two, `[2, height, width, channel]`, without and with the prompt.
  func combined(_ both: Tensor, scale: Float) throws(TensorError) -> Tensor {
    let guided = try ClassifierFreeGuidance(scale: scale).combined(both)
    let mimicked = try ClassifierFreeGuidance(scale: mimicScale).combined(both)
    let channels = guided.shape.last ?? 1
    let (values, means) = Self.centred(try guided.floats(), channels)
    let range = Self.centred(try mimicked.floats(), channels).values.reduce(0) { max($0, abs($1)) }
    let own = Clipping.quantile(percentile, of: values.map { abs($0) }.sorted())
    let bound = max(range, own)
    guard bound > 0 else { return guided }
    let kept = values.enumerated().map { index, value in
      min(max(value, -bound), bound) / bound * range + means[index % channels]
    }
    return try Tensor(kept, shape: guided.shape)
  }

  /// Values minus their channel's mean, and the means.
  private static func centred(_ values: [Float], _ channels: Int) -> (
    values: [Float], means: [Float]
  ) {
    var sums = [Double](repeating: 0, count: channels)
    for (index, value) in values.enumerated() { sums[index % channels] += Double(value) }
    let means = sums.map { Float($0 / Double(max(values.count / channels, 1))) }
    return (values.enumerated().map { $1 - means[$0 % channels] }, means)
  }
}
