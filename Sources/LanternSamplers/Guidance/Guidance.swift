import LanternTensor

/// How a model's answers with and without the prompt become one: classifier-free guidance, and what
/// may be added to it, each part by itself.
public struct Guidance: Sendable {
  /// How far to follow the prompt.
  public var classifierFree: ClassifierFreeGuidance
  /// Noise levels at which to guide, as sigma; outside them the model is asked with the prompt
  /// alone (Kynkäänniemi et al. 2024, arXiv:2404.07724).
  public var interval: ClosedRange<Double>
  /// Guides across the answer with the prompt rather than along it.
  public var projection: AdaptiveProjectedGuidance?
  /// Brings strong guidance back to the range of a weaker one, in place of ``projection`` and
  /// ``rescaling``.
  public var thresholding: DynamicThresholding?
  /// How much of the spread that guidance adds is taken back, 0…1.
  public var rescaling: RescaledGuidance
  /// Whether a step goes on with the noise that the model finds without the prompt: CFG++ (Chung et
  /// al. 2024, arXiv:2406.08070), whose scale is a share, 0…1. For samplers that heed
  /// ``Denoised/noise``.
  public var keepsUnguidedNoise = false

  /// Guidance of a scale, at all noise levels.
  ///
  /// - Parameter scale: 1 and less mean no guidance: the model is asked once a step instead of
  ///   twice.
  public init(scale: Float) {
    classifierFree = ClassifierFreeGuidance(scale: scale)
    interval = 0 ... .infinity
    rescaling = RescaledGuidance(share: 0)
  }

  /// Whether the model has to be asked without the prompt too, at some level.
  public var isActive: Bool { classifierFree.isActive || keepsUnguidedNoise }

  /// Whether it has to at this one.
  func isActive(at level: NoiseLevel) -> Bool { isActive && interval.contains(level.sigma) }

  /// One prediction of two.
  ///
  /// - Parameters:
  ///   - both: without and with the prompt, `[2, height, width, channel]`.
  ///   - momentum: what projection remembers of earlier steps.
  /// - Returns: `[1, height, width, channel]`.
  /// - Throws: ``TensorError`` when there are not two.
  func combined(_ both: Tensor, _ momentum: inout Tensor?) throws(TensorError) -> Tensor {
    let with = try both.sliced(axis: 0, 1..<2)
    let guided =
      if let projection {
        try projection.combined(both, scale: classifierFree.scale, &momentum)
      } else {
        try classifierFree.combined(both)
      }
    return try rescaling.applied(to: guided, spreadOf: with)
  }
}
