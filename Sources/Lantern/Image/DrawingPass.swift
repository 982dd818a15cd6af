import LanternLayers
import LanternModels
import LanternPictures
import LanternSamplers
import LanternTensor
import LanternTokenizers

/// A run of the denoiser over all steps of a size: the only one of a request, or one of two (``Hires``).
struct DrawingPass {
  /// What is drawn: the picture's request, with what a second pass has of its own.
  let request: ImageRequest
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
    schedule.tokens = model.tokens(width: settings.width, height: settings.height)
    sampler = try settings.makeSampler(schedule)
    let spacing = try settings.schedule.map(SamplerCatalogue.spacing)
    plan = try sampler.plan(steps: settings.steps, over: schedule, spacing: spacing)
    promptSteps = PromptSchedule.Steps(
      count: settings.steps * (try sampler.callsPerStep(over: schedule)))
    (self.request, self.settings, self.schedule) = (request, settings, schedule)
  }

  /// The pass after another, over an enlarged picture: the last steps of a longer schedule.
  init(_ hires: Hires, after first: DrawingPass, _ model: ImageModel) throws {
    let unit = try model.sizeUnit(of: first.request)
    let size = hires.sizes(
      width: first.settings.width, height: first.settings.height, unit: unit
    ).kept
    request = try hires.request(
      after: first.request, width: size.width * unit, height: size.height * unit)
    settings = try ImageSettings(request, model, isSecondPass: true)
    var schedule = first.schedule
    schedule.tokens = model.tokens(width: settings.width, height: settings.height)
    self.schedule = schedule
    sampler = try settings.makeSampler(schedule)
    let count = hires.steps(after: settings.steps)
    let spacing = try settings.schedule.map(SamplerCatalogue.spacing)
    let whole = try sampler.plan(
      steps: hires.scheduleSteps(after: settings.steps), over: schedule, spacing: spacing)
    plan = whole.dropping(whole.levels.count - count)
    promptSteps = PromptSchedule.Steps(
      count: count * (try sampler.callsPerStep(over: schedule)), before: first.promptSteps.count)
    others.before = first.plan.levels.count
  }
}

extension ImageGenerator {
  /// The passes of a request, their texts encoded. A refiner takes part in the last.
  func passes(_ request: ImageRequest, _ settings: ImageSettings) throws -> [DrawingPass] {
    var passes = [try DrawingPass(request, settings, model)]
    if let hires = request.hires {
      passes.append(try DrawingPass(hires, after: passes[0], model))
      passes[0].others.after = passes[1].plan.levels.count
    }
    for (number, model) in [model, refiner].compactMap(\.self).enumerated() {
      for index in passes.indices where number == 0 || index == passes.count - 1 {
        let size = (passes[index].settings.width, passes[index].settings.height)
        var prompt = try model.encode(
          passes[index].request, size: size, steps: passes[index].promptSteps,
          isGuided: passes[index].settings.fullGuidance.isActive)
        prompt.set(guidance: passes[index].settings.guidance)
        // A refiner has attentions of other sizes, and sees no pictures.
        if number == 0 {
          try model.addImagePrompts(
            request.imagePrompts, to: &prompt, width: size.0, height: size.1)
        }
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
  /// What the second pass draws, in a size.
  fileprivate func request(
    after first: ImageRequest, width: Int, height: Int
  ) throws -> ImageRequest {
    var request = first
    request.hires = nil
    (request.width, request.height) = (width, height)
    if let prompt { (request.prompt, request.prompt2) = (prompt, nil) }
    if let negativePrompt {
      (request.negativePrompt, request.negativePrompt2) = (negativePrompt, nil)
    }
    request.guidance = guidance ?? first.guidance
    request.schedule = schedule ?? first.schedule
    if let sampler {
      request.sampler = sampler
      // Not every sampler draws fresh noise.
      if try SamplerCatalogue.meaning(of: sampler).row.defaultEta == nil { request.eta = nil }
    }
    return request
  }

  /// The same with the catalogue's names of its sampler and schedule, which other programs spell in other ways.
  var resolved: Hires {
    var hires = self
    let curve = schedule.flatMap { try? SamplerCatalogue.spacingMeaning(of: $0) }
    let named = sampler.flatMap { try? SamplerCatalogue.meaning(of: $0) }
    if let named, !named.usesCFGPlusPlus { hires.sampler = named.row.name }
    hires.schedule = (curve?.spacing ?? named?.spacing)?.rawValue ?? schedule
    return hires
  }

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
