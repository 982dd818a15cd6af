import LanternModels
import LanternPictures
import LanternSamplers
import LanternTensor

/// Where sampling begins: pure noise, or a picture with noise on it, all of it or behind a mask.
///
/// Draws random numbers in the order in which diffusers' pipelines do: for the picture's latent, for
/// the noise, for the masked picture's latent.
struct StartingPoint {
  /// The latent at the first level of ``plan``, in the sampler's convention.
  let latent: Tensor
  /// The levels that are left to go.
  let plan: NoisePlan
  /// The noise of the latent, of unit variance.
  let noise: Tensor
  /// What stays: a clean latent, and where it is drawn anew (1) or kept (0).
  private let kept: (clean: Tensor, mask: Tensor)?
  /// What a model that fills holes sees beside the latent: mask and masked picture.
  private let context: Tensor?
  /// What is put back in the end: the picture in its final size, and where not.
  private let pasted: (original: Picture, mask: Mask)?
  /// What of the mask has no effect, or another one than may be expected.
  let notes: [String]

  init(
    _ request: ImageRequest, _ settings: ImageSettings, _ model: ImageModel,
    _ sampler: any Sampler, _ plan: NoisePlan, _ source: inout NoiseSource
  ) throws {
    let vae = model.autoencoder
    let shrink = vae.config.downsampling
    let shape = [
      1, settings.height / shrink, settings.width / shrink, vae.config.latentChannels,
    ]
    guard let picture = request.initialPicture else {
      self.plan = plan
      noise = try source.normal(shape)
      latent = try noise * Float(plan.initialScale)
      kept = nil
      context = nil
      pasted = nil
      notes = []
      return
    }

    let used = min(Int(Double(settings.steps) * request.strength), settings.steps)
    guard used > 0 else {
      throw RequestError.range(
        name: "strength", found: "\(request.strength)",
        allowed: "more, or more steps: of \(settings.steps) none is left")
    }
    self.plan = plan.dropping(plan.levels.count - min(used, plan.levels.count))
    let original = try picture.resized(width: settings.width, height: settings.height)
    let pixels = try original.tensor.scaled(by: 2, plus: -1)
    let beginsInNoise = request.mask != nil && request.strength == 1
    let clean: Tensor? =
      beginsInNoise && model.isInpaintingModel
      ? nil : try vae.encode(pixels, noise: source.normal(shape))
    noise = try source.normal(shape)
    if let clean, !beginsInNoise, let first = self.plan.levels.first {
      latent = try sampler.noised(clean, with: noise, at: first)
    } else {
      latent = try noise * Float(plan.initialScale)
    }

    guard let asked = request.mask else {
      kept = nil
      context = nil
      pasted = nil
      notes = picture.notes
      return
    }
    let wide = try asked.resized(width: settings.width, height: settings.height).binarized
    let mask = try wide.tensor
    let small = try mask.sampledNearest(height: shape[1], width: shape[2])
    let isDrawn = try small.floats().map { $0 > 0 }
    let limited = try wide.limited(to: isDrawn, columns: shape[2], rows: shape[1])
    pasted = request.pastesKept ? (original, limited) : nil
    notes =
      picture.notes + asked.notes
      + Self.notes(on: asked, over: picture, drawn: limited, unit: shrink)
    // diffusers draws for the masked picture even where only models that fill holes look at it.
    let maskedNoise = try source.normal(shape)
    if model.isInpaintingModel {
      let masked = try vae.encode(pixels * mask.scaled(by: -1, plus: 1), noise: maskedNoise)
      context = try Tensor.concatenated([small, masked], axis: 3)
      kept = nil
    } else {
      context = nil
      kept = clean.map { ($0, small) }
    }
  }

  /// What is to be said of a mask that leaves nothing to draw, or nothing to keep, or is stretched.
  private static func notes(
    on mask: Mask, over picture: Picture, drawn: Mask, unit: Int
  ) -> [String] {
    var notes: [String] = []
    if !mask.fits(picture) {
      notes.append(
        "the mask is \(mask.width)×\(mask.height) and the picture "
          + "\(picture.width)×\(picture.height): it is stretched over it")
    }
    if !drawn.pixels.contains(255) {
      notes.append(
        mask.binarized.pixels.contains(255)
          ? "the mask leaves nothing to draw: white must cover squares of \(unit)×\(unit) pixels, drawn "
            + "as a whole"
          : "the mask leaves nothing to draw: white in it is drawn anew, and it is all black")
    } else if !drawn.pixels.contains(0) {
      notes.append(
        "the mask leaves nothing to keep: white in it is drawn anew, and it is all white")
    }
    return notes
  }

  /// A decoded picture with what the mask keeps put back.
  func pastingKept(in drawn: Picture) throws -> Picture {
    guard let pasted else { return drawn }
    return try pasted.original.replaced(by: drawn, where: pasted.mask, seam: Self.seam)
  }

  /// Pixels over which a drawn picture comes in beside one that is kept: half of what Stable
  /// Diffusion draws as a whole.
  static let seam = 4

  /// A latent as the model wants it: with the mask and the masked picture beside it, if it fills
  /// holes.
  func withContext(_ latent: Tensor) throws -> Tensor {
    guard let context else { return latent }
    let all = [Tensor](repeating: context, count: latent.shape[0])
    return try Tensor.concatenated([latent, Tensor.concatenated(all, axis: 0)], axis: 3)
  }

  /// The latent after a step, with what the mask protects put back at that step's noise.
  func keepingUnmasked(_ step: Step, _ sampler: any Sampler) throws -> Tensor {
    guard let kept else { return step.latent }
    let isLast = step.index == plan.levels.count - 1
    let original =
      isLast
      ? kept.clean
      : try sampler.noised(kept.clean, with: noise, at: plan.levels[step.index + 1])
    return try original + (step.latent - original) * kept.mask
  }
}

extension Tensor {
  /// Every so many-th pixel of `[batch, height, width, channel]`, as PyTorch's nearest interpolation.
  fileprivate func sampledNearest(height: Int, width: Int) throws(TensorError) -> Tensor {
    let (rows, columns) = (shape[1], shape[2])
    let flat = try reshaped([shape[0] * rows * columns, shape[3]])
    var indices: [Int] = []
    for batch in 0..<shape[0] {
      for y in 0..<height {
        for x in 0..<width {
          indices.append((batch * rows + y * rows / height) * columns + x * columns / width)
        }
      }
    }
    return try flat.rows(indices).reshaped([shape[0], height, width, shape[3]])
  }
}
