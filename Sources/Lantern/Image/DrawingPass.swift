import LanternLayers
import LanternModels
import LanternPictures
import LanternSamplers
import LanternTensor
import LanternTokenizers

/// A run of the denoiser over all steps of a size: the only one of a request, or one of two (``Hires``).
struct DrawingPass {
  /// Those of the request, in the size of this pass.
  let settings: ImageSettings
  let schedule: NoiseSchedule
  let sampler: any Sampler
  /// The levels of its steps, before a picture to begin from takes some of them.
  let plan: NoisePlan
  /// The steps over which prompts change.
  let promptSteps: PromptSchedule.Steps
  /// Steps of the passes before this one, and of those after it.
  var others = (before: 0, after: 0)
  /// The models of this pass with their texts, once they are encoded.
  var stages: [StagedDenoiser.Stage] = []
  var prompt: PromptEncoding { stages[0].prompt }

  /// The first pass.
  init(_ request: ImageRequest, _ settings: ImageSettings, _ model: ImageModel) throws {
    var schedule = model.schedule
    schedule.convention = settings.convention
    schedule.fillsHoles = request.mask != nil
    sampler = try settings.makeSampler(schedule)
    let spacing = try settings.schedule.map(SamplerCatalogue.spacing)
    plan = try sampler.plan(steps: settings.steps, over: schedule, spacing: spacing)
    promptSteps = PromptSchedule.Steps(
      count: settings.steps * (try sampler.callsPerStep(over: schedule)))
    (self.settings, self.schedule) = (settings, schedule)
  }

  /// The pass after another, over an enlarged picture: the last steps of a longer schedule.
  init(
    _ hires: Hires, after first: DrawingPass, _ request: ImageRequest, _ model: ImageModel
  ) throws {
    (schedule, sampler) = (first.schedule, first.sampler)
    var settings = first.settings
    let unit = try model.sizeUnit(of: request)
    let size = hires.sizes(width: settings.width, height: settings.height, unit: unit).kept
    (settings.width, settings.height) = (size.width * unit, size.height * unit)
    self.settings = settings
    let count = hires.steps(after: settings.steps)
    let spacing = try settings.schedule.map(SamplerCatalogue.spacing)
    let whole = try sampler.plan(
      steps: hires.scheduleSteps(after: settings.steps), over: schedule, spacing: spacing)
    plan = whole.dropping(whole.levels.count - count)
    promptSteps = PromptSchedule.Steps(
      count: count * first.promptSteps.count / max(settings.steps, 1),
      before: first.promptSteps.count)
    others.before = first.plan.levels.count
  }
}

extension ImageGenerator {
  /// The passes of a request, their texts encoded. A refiner takes part in the last.
  func passes(_ request: ImageRequest, _ settings: ImageSettings) throws -> [DrawingPass] {
    var passes = [try DrawingPass(request, settings, model)]
    if let hires = request.hires {
      passes.append(try DrawingPass(hires, after: passes[0], request, model))
      passes[0].others.after = passes[1].plan.levels.count
    }
    for (number, model) in [model, refiner].compactMap(\.self).enumerated() {
      for index in passes.indices where number == 0 || index == passes.count - 1 {
        let size = (passes[index].settings.width, passes[index].settings.height)
        var prompt = try model.conditioner.encode(
          request, size: size, steps: passes[index].promptSteps)
        prompt.set(guidance: settings.guidance)
        if number == 0 { try model.addImagePrompts(request.imagePrompts, to: &prompt) }
        passes[index].stages.append(StagedDenoiser.Stage(model: model, prompt: prompt))
      }
      if !retainsComponents {
        model.conditioner.releaseWeights()
        model.imageEncoders.release()
      }
    }
    return passes
  }

  /// What a second pass begins with: the latent of the first, enlarged, with noise of the seed's beginning on it,
  /// as in webui.
  ///
  /// - Parameters:
  ///   - latent: that of the first pass.
  ///   - hires: how it is enlarged.
  ///   - pass: the second pass.
  ///   - request: what is wanted.
  ///   - source: new noise of the seed.
  /// - Returns: the initial latent.
  /// - Throws: an error of the room where it arose.
  func enlarged(
    _ latent: Tensor, _ hires: Hires, _ pass: DrawingPass, _ request: ImageRequest,
    _ source: inout NoiseSource
  ) throws -> InitialLatent {
    let (codec, unit) = (model.codec, try model.sizeUnit(of: request))
    let (height, width) = (latent.shape[1], latent.shape[2])
    // Positions of the latent, whose first size is a multiple of the unit too.
    let sizes = hires.sizes(
      width: width * codec.downsampling, height: height * codec.downsampling, unit: unit)
    let scale = unit / codec.downsampling
    let clean: Tensor
    if let kind = hires.latentUpscaling {
      clean = try Interpolation(kind).resized(
        latent, height: sizes.whole.height * scale, width: sizes.whole.width * scale)
    } else {
      let image = try model.decoder.decode(latent, tiled: request.tiledDecoding).scaled(
        by: 0.5, plus: 0.5)
      let picture = try hires.enlarged(
        Picture(image), width: sizes.whole.width * unit,
        height: sizes.whole.height * unit, model.precision)
      let pixels = try picture.tensor.scaled(by: 2, plus: -1)
      let shape = [
        1, picture.height / codec.downsampling, picture.width / codec.downsampling,
        codec.latentChannels,
      ]
      clean = try codec.encode(pixels, noise: source.normal(shape), tiled: request.tiledDecoding)
    }
    let middle = try clean.middle(
      height: sizes.kept.height * scale, width: sizes.kept.width * scale)
    return try InitialLatent(middle, pass.sampler, pass.plan, &source)
  }
}

extension Hires {
  /// A picture in a size, by the network as often as it takes, three times at most, and then by Lanczos.
  fileprivate func enlarged(
    _ picture: Picture, width: Int, height: Int, _ precision: Precision
  ) throws -> Picture {
    var picture = picture
    if let network {
      let upscaler = try Upscaler(file: network, precision: precision)
      for _ in 0..<3 where picture.width < width || picture.height < height {
        picture = try upscaler.upscale(picture, tile: Upscaler.standardTile)
        // One that enlarges once only restores.
        if upscaler.scale == 1 { break }
      }
    }
    return try picture.resized(width: width, height: height)
  }
}

extension Tensor {
  /// The middle of `[batch, height, width, channel]`; of an odd rest, more is cut off at the end.
  fileprivate func middle(height: Int, width: Int) throws(TensorError) -> Tensor {
    let (top, left) = ((shape[1] - height) / 2, (shape[2] - width) / 2)
    return try sliced(axis: 1, top..<top + height).sliced(axis: 2, left..<left + width).contiguous()
  }
}
