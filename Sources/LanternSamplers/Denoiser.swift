public import LanternTensor

/// Turns a model's prediction, whatever it was trained to predict, into the clean latent and the
/// noise. One serves one run, for guidance may remember.
public struct Denoiser {
  /// Asks the model: a latent `[batch, height, width, channel]` as it was trained to see it, of unit
  /// variance but for flows, and a timestep to its raw prediction of the same shape, once for each
  /// picture of the batch.
  public typealias Model = (_ latent: Tensor, _ timestep: Float) throws -> Tensor

  private let model: Model
  private let prediction: PredictionType
  private let dataDeviation: Double?
  private let guidance: Guidance
  /// What guidance remembers of the steps of one run.
  private let memory = Memory()

  private final class Memory { var momentum: Tensor? }

  /// A model, what it predicts, and how it is guided.
  ///
  /// - Parameters:
  ///   - model: where guidance is active it is given the latent twice, and answers first without, then
  ///     with the prompt; elsewhere once, and answers with it.
  ///   - prediction: what `model` was trained to predict.
  ///   - dataDeviation: of the data that it was trained on, where its answers are made of that: see
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
    if let dataDeviation { return try denoise(latent, level, dataDeviation: dataDeviation) }
    let (alpha, deviation) = (Float(level.alpha), Float(level.deviation))
    switch prediction {
    case .epsilon:
      let found = try answer(latent, level)
      // At a level without signal the noise says nothing of the clean latent; keep it finite.
      return Denoised(
        clean: try (latent - found * deviation) * (1 / (alpha > 0 ? alpha : 0x1p-12)), noise: found)
    case .velocity:
      let found = try answer(latent, level)
      return Denoised(
        clean: try latent * alpha - found * deviation, noise: try found * alpha + latent * deviation
      )
    case .sample:
      let found = try answer(latent, level)
      return Denoised(clean: found, noise: try (latent - found * alpha) * (1 / deviation))
    case .flow:
      let straight = try latent * Float(level.straightening)
      let found = try answer(straight, level)
      let time = Float(level.time)
      return Denoised(
        clean: try straight - found * time, noise: try straight + found * (1 - time))
    }
  }

  /// The same for a model whose answers are made of its data's deviation (Karras et al. 2022,
  /// arXiv:2206.00364, table 1).
  private func denoise(_ latent: Tensor, _ level: NoiseLevel, dataDeviation: Double) throws -> Denoised {
    let x = try latent * Float(1 / level.alpha)
    let (sigma, data) = (level.sigma, dataDeviation)
    let square = sigma * sigma + data * data
    let found = try answer(x * Float(1 / square.squareRoot()), level)
    let out = (prediction == .velocity ? -1 : 1) * sigma * data / square.squareRoot()
    let clean = try x * Float(data * data / square) + found * Float(out)
    return Denoised(clean: clean, noise: try (x - clean) * Float(1 / sigma))
  }

  /// The model's answer, guided where that is wanted.
  private func answer(_ latent: Tensor, _ level: NoiseLevel) throws -> Tensor {
    guard guidance.isActive(at: level) else { return try model(latent, level.timestep) }
    let twice = try Tensor.concatenated([latent, latent], axis: 0)
    return try guidance.combined(model(twice, level.timestep), &memory.momentum)
  }
}
