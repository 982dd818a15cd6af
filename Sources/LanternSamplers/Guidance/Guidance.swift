import LanternTensor

/// Guidance: combines the predictions with and without the prompt. Classifier-free guidance and its
/// variants, each optional.
public struct Guidance: Sendable {
  /// Classifier-free guidance.
  public var classifierFree: ClassifierFreeGuidance
  /// Noise levels at which to guide, as sigma; outside the interval the model is evaluated
  /// with the prompt alone (Kynkäänniemi et al. 2024, arXiv:2404.07724).
  public var interval: ClosedRange<Double>
  /// Projected guidance: orthogonal to the prediction with the prompt rather than parallel.
  public var projection: AdaptiveProjectedGuidance?
  /// Dynamic thresholding, instead of ``projection`` and ``rescaling``.
  public var thresholding: DynamicThresholding?
  /// Rescaling of the standard deviation of the guided prediction.
  public var rescaling: RescaledGuidance
  /// Whether the noise of a step is the prediction without the prompt: CFG++ (Chung et
  /// al. 2024, arXiv:2406.08070), whose scale is a share, 0…1. For samplers that use
  /// ``Denoised/noise``.
  public var keepsUnguidedNoise = false

  /// Guidance of a scale, at all noise levels.
  ///
  /// - Parameter scale: 1 and less mean no guidance: one evaluation of the model a step instead of
  ///   two.
  public init(scale: Float) {
    classifierFree = ClassifierFreeGuidance(scale: scale)
    interval = 0 ... .infinity
    rescaling = RescaledGuidance(share: 0)
  }

  /// Whether the prediction without the prompt is needed at some level.
  public var isActive: Bool { classifierFree.isActive || keepsUnguidedNoise }

  /// Whether the prediction without the prompt is needed at a level.
  func isActive(at level: NoiseLevel) -> Bool { isActive && interval.contains(level.sigma) }

  /// The guided prediction.
  ///
  /// - Parameters:
  ///   - both: without and with the prompt, `[2, height, width, channel]`.
  ///   - momentum: the running sum of projected guidance.
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
