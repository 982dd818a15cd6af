public import LanternTensor

/// Turns a model's prediction, whatever it was trained to predict, into the clean latent and the
/// noise. One serves one run, for guidance may remember.
public struct Denoiser {
  /// Asks the model: a latent `[batch, height, width, channel]` of unit variance and a timestep to
  /// its raw prediction of the same shape, once for each picture of the batch.
  public typealias Model = (_ latent: Tensor, _ timestep: Float) throws -> Tensor

  private let model: Model
  private let prediction: PredictionType
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
  ///   - guidance: how far to follow the prompt.
  public init(
    _ model: @escaping Model, predicting prediction: PredictionType,
    guidance: Guidance
  ) {
    self.model = model
    self.prediction = prediction
    self.guidance = guidance
  }

  /// The estimate for a latent `[1, height, width, channel]` at a level.
  public func denoise(_ latent: Tensor, _ level: NoiseLevel) throws -> Denoised {
    let found: Tensor
    if guidance.isActive(at: level) {
      let twice = try Tensor.concatenated([latent, latent], axis: 0)
      found = try guidance.combined(model(twice, level.timestep), &memory.momentum)
    } else {
      found = try model(latent, level.timestep)
    }
    let (alpha, deviation) = (Float(level.alpha), Float(level.deviation))
    switch prediction {
    case .epsilon:
      // At a level without signal the noise says nothing of the clean latent; keep it finite.
      return Denoised(
        clean: try (latent - found * deviation) * (1 / (alpha > 0 ? alpha : 0x1p-12)), noise: found)
    case .velocity:
      return Denoised(
        clean: try latent * alpha - found * deviation, noise: try found * alpha + latent * deviation
      )
    case .sample:
      return Denoised(clean: found, noise: try (latent - found * alpha) * (1 / deviation))
    }
  }
}
