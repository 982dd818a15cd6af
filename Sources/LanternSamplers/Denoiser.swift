public import LanternTensor

/// A denoiser: converts a model's prediction, whatever its prediction type, to the clean latent and the
/// noise, with guidance. Each run needs a new one, since guidance may have momentum.
public struct Denoiser {
  /// The model's forward pass: from a latent `[batch, height, width, channel]`, of unit variance
  /// except for flows, and a timestep to the raw prediction of the same shape.
  public typealias Model = (_ latent: Tensor, _ timestep: Float) throws -> Tensor

  private let model: Model
  private let prediction: PredictionType
  private let dataDeviation: Double?
  private let guidance: Guidance
  /// The momentum of guidance over the steps of one run.
  private let memory = Memory()

  private final class Memory { var momentum: Tensor? }

  /// A model, what it predicts, and how it is guided.
  ///
  /// - Parameters:
  ///   - model: where guidance is active its input is the latent twice, and its output first the
  ///     prediction without, then that with the prompt; elsewhere the latent once, with the prompt.
  ///   - prediction: what `model` was trained to predict.
  ///   - dataDeviation: of the training data, where predictions are scaled by it: see
  ///     ``NoiseSchedule/dataDeviation``.
  ///   - guidance: how far to follow the prompt.
  public init(
    _ model: @escaping Model, predicting prediction: PredictionType,
    dataDeviation: Double? = nil, guidance: Guidance
  ) {
    self.model = model
    self.prediction = prediction
    self.dataDeviation = dataDeviation
    self.guidance = guidance
  }

  /// The estimate for a latent `[1, height, width, channel]` of unit variance at a level.
  public func denoise(_ latent: Tensor, _ level: NoiseLevel) throws -> Denoised {
    let x = try latent * Float(inputScale(level))
    guard guidance.isActive(at: level) else {
      return try estimate(x, model(x, level.timestep), level)
    }
    let both = try model(Tensor.concatenated([x, x], axis: 0), level.timestep)
    var found: Denoised
    if let thresholding = guidance.thresholding {
      let sides = try [0..<1, 1..<2].map { try estimate(x, both.sliced(axis: 0, $0), level).clean }
      let clean = try thresholding.combined(
        Tensor.concatenated(sides, axis: 0), scale: guidance.classifierFree.scale)
      let noise = try latent - clean * Float(level.alpha)
      found = Denoised(clean: clean, noise: try noise * Float(1 / level.deviation))
    } else {
      found = try estimate(x, guidance.combined(both, &memory.momentum), level)
    }
    if guidance.keepsUnguidedNoise {
      found.noise = try estimate(x, both.sliced(axis: 0, 0..<1), level).noise
    }
    return found
  }

  /// Factor that takes a latent of unit variance to the model's input: `c_in` of Karras et al.
  private func inputScale(_ level: NoiseLevel) -> Double {
    if let dataDeviation {
      let (sigma, data) = (level.sigma, dataDeviation)
      return 1 / (level.alpha * (sigma * sigma + data * data).squareRoot())
    }
    return prediction == .flow ? level.flowScale : 1
  }

  /// The clean latent and the noise, from the model's input and its raw prediction.
  private func estimate(_ x: Tensor, _ found: Tensor, _ level: NoiseLevel) throws(TensorError)
    -> Denoised
  {
    let (alpha, deviation) = (Float(level.alpha), Float(level.deviation))
    if let dataDeviation { return try estimate(x, found, level, dataDeviation: dataDeviation) }
    switch prediction {
    case .epsilon:
      // At a level without signal the clean latent does not follow from the noise; keep it finite.
      return Denoised(
        clean: try (x - found * deviation) * (1 / (alpha > 0 ? alpha : 0x1p-12)), noise: found)
    case .velocity:
      return Denoised(
        clean: try x * alpha - found * deviation, noise: try found * alpha + x * deviation)
    case .sample:
      return Denoised(clean: found, noise: try (x - found * alpha) * (1 / deviation))
    case .flow:
      let time = Float(level.flowTime)
      return Denoised(clean: try x - found * time, noise: try x + found * (1 - time))
    }
  }

  /// The clean latent and the noise, for a model whose predictions are scaled by the deviation of its data
  /// (Karras et al. 2022, arXiv:2206.00364, table 1).
  private func estimate(
    _ x: Tensor, _ found: Tensor, _ level: NoiseLevel, dataDeviation data: Double
  )
    throws(TensorError) -> Denoised
  {
    let sigma = level.sigma
    let length = (sigma * sigma + data * data).squareRoot()
    let out = (prediction == .velocity ? -1 : 1) * sigma * data / length
    let clean = try x * Float(data * data / length) + found * Float(out)
    return Denoised(clean: clean, noise: try (x * Float(length) - clean) * Float(1 / sigma))
  }
}
