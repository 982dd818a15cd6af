import LanternModels
import LanternPictures
import LanternSamplers
import LanternTensor

/// The latent of a picture behind a mask: where the mask is 0 the picture is kept, where it is 1 it is
/// drawn anew.
struct MaskedLatent {
  /// The mask in the picture's final size, without the squares of the latent that are kept.
  let drawn: Mask
  /// The clean latent and its mask; nil for models that are trained to inpaint.
  private let kept: (clean: Tensor, mask: Tensor)?
  /// The noise of the initial latent.
  private let noise: Tensor
  /// Further channels of a model that is trained to inpaint: mask and masked picture.
  private let context: Tensor?
  /// The picture in its final size, to be pasted into the one drawn; nil where nothing is pasted.
  private let original: Picture?

  /// Encodes the masked picture.
  ///
  /// - Parameters:
  ///   - mask: of any size.
  ///   - original: the picture in its final size.
  ///   - clean: its latent, unless nothing of it is used.
  ///   - noise: that of the initial latent.
  ///   - model: the model that draws.
  ///   - pastesKept: whether the picture's pixels replace those drawn where the mask is 0.
  ///   - tiled: whether the masked picture is encoded in tiles.
  ///   - source: random numbers for the latent of the masked picture.
  /// - Throws: an error of the room where it arose.
  init(
    _ mask: Mask, over original: Picture, clean: Tensor?, noise: Tensor, _ model: ImageModel,
    pastesKept: Bool, tiled: Bool, _ source: inout NoiseSource
  ) throws {
    let wide = try mask.resized(width: original.width, height: original.height).binarized
    let pixels = try wide.tensor
    let (height, width) = (noise.shape[1], noise.shape[2])
    let small = try Interpolation.nearest.resized(pixels, height: height, width: width)
    if model.maskChannels == .pixels {
      drawn = wide
    } else {
      let isDrawn = try small.floats().map { $0 > 0 }
      drawn = try wide.limited(to: isDrawn, columns: width, rows: height)
    }
    self.original = pastesKept ? original : nil
    self.noise = noise
    // diffusers draws for the masked picture even where only models trained to inpaint read it.
    let maskedNoise = try source.normal(noise.shape)
    guard let channels = model.maskChannels else {
      context = nil
      kept = clean.map { ($0, small) }
      return
    }
    let masked = try original.tensor.scaled(by: 2, plus: -1) * pixels.scaled(by: -1, plus: 1)
    let latent = try model.codec.encode(masked, noise: maskedNoise, tiled: tiled)
    context =
      switch channels {
      case .one: try Tensor.concatenated([small, latent], axis: 3)
      case .pixels:
        try Tensor.concatenated(
          [latent, pixels.pixelUnshuffled(by: model.codec.downsampling)], axis: 3)
      }
    kept = nil
  }

  /// A line each for a mask that leaves nothing to draw, or nothing to keep, or is stretched.
  static func notes(
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

  /// A decoded picture with the kept pixels pasted into it.
  func pastingKept(in picture: Picture) throws -> Picture {
    guard let original else { return picture }
    return try original.replaced(by: picture, where: drawn, seam: Self.seam)
  }

  /// Pixels over which a drawn picture is blended into a kept one: half of a latent pixel of Stable
  /// Diffusion.
  static let seam = 4

  /// A latent as the model's input: with mask and masked picture as further channels, if it is trained to
  /// inpaint.
  func withContext(_ latent: Tensor) throws -> Tensor {
    guard let context else { return latent }
    let all = [Tensor](repeating: context, count: latent.shape[0])
    return try Tensor.concatenated([latent, Tensor.concatenated(all, axis: 0)], axis: 3)
  }

  /// The latent after a step, with the kept part replaced by the picture at the noise of that step.
  func keepingUnmasked(_ step: Step, of plan: NoisePlan, _ sampler: any Sampler) throws -> Tensor {
    guard let kept else { return step.latent }
    let isLast = step.index == plan.levels.count - 1
    let original =
      isLast
      ? kept.clean
      : try sampler.noised(kept.clean, with: noise, at: plan.levels[step.index + 1])
    return try original + (step.latent - original) * kept.mask
  }
}
