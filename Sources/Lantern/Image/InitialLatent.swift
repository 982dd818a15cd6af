import LanternModels
import LanternPictures
import LanternSamplers
import LanternTensor

/// The initial latent of a run: pure noise, or a picture with noise on it (image-to-image), all of it or
/// behind a mask (inpainting).
///
/// Draws random numbers in the order in which diffusers' pipelines do: for the picture's latent, for
/// the noise, for the masked picture's latent.
struct InitialLatent {
  /// The latent at the first level of ``plan``, in the sampler's convention.
  let latent: Tensor
  /// The levels of the remaining steps.
  let plan: NoisePlan
  /// The noise of the latent, of unit variance.
  let noise: Tensor
  /// The masked part of the picture; nil without a mask.
  let mask: MaskedLatent?
  /// Settings of picture and mask without effect, or with another than may be expected.
  let notes: [String]

  /// A clean latent with noise on it.
  init(
    _ clean: Tensor, _ sampler: any Sampler, _ plan: NoisePlan, _ source: inout NoiseSource
  ) throws {
    (self.plan, mask, notes) = (plan, nil, [])
    let noise = try source.normal(clean.shape)
    self.noise = noise
    latent = try plan.levels.first.map { try sampler.noised(clean, with: noise, at: $0) } ?? clean
  }

  init(
    _ request: ImageRequest, _ settings: ImageSettings, _ model: ImageModel,
    _ sampler: any Sampler, _ plan: NoisePlan, _ source: inout NoiseSource
  ) throws {
    let codec = model.codec
    let downsampling = codec.downsampling
    let shape = [
      1, settings.height / downsampling, settings.width / downsampling, codec.latentChannels,
    ]
    guard let picture = model.isEditingModel ? nil : request.initialPicture else {
      self.plan = plan
      noise = try source.normal(shape)
      latent = try noise * Float(plan.initialScale)
      mask = nil
      notes = request.initialPicture?.notes ?? []
      return
    }

    guard
      let plan = plan.suffix(
        strength: request.strength, of: settings.steps, roundsUp: model.schedule.prediction == .flow
      )
    else {
      throw RequestError.range(
        name: "strength", found: "\(request.strength)",
        allowed: "more, or more steps: of \(settings.steps) none is left")
    }
    self.plan = plan
    let original = try picture.resized(width: settings.width, height: settings.height)
    let beginsInNoise = request.mask != nil && request.strength == 1
    let clean: Tensor? =
      beginsInNoise && model.maskChannels == .one
      ? nil
      : try codec.encode(
        original.tensor.scaled(by: 2, plus: -1),
        noise: codec.drawsLatents ? source.normal(shape) : Tensor(repeating: 0, shape: shape),
        tiled: request.tiledDecoding)
    noise = try source.normal(shape)
    if let clean, !beginsInNoise, let first = plan.levels.first {
      latent = try sampler.noised(clean, with: noise, at: first)
    } else {
      latent = try noise * Float(plan.initialScale)
    }

    guard let requested = request.mask else {
      mask = nil
      notes = picture.notes
      return
    }
    let masked = try MaskedLatent(
      requested, over: original, clean: clean, noise: noise, model, pastesKept: request.pastesKept,
      tiled: request.tiledDecoding,
      &source)
    mask = masked
    notes =
      picture.notes + requested.notes
      + MaskedLatent.notes(on: requested, over: picture, drawn: masked.drawn, unit: downsampling)
  }
}
