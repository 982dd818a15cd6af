import LanternLayers
import LanternModels
import LanternSamplers
import LanternTensor

/// Draws pictures from text with a model whose files stay as they are meanwhile.
///
/// Many tasks may use one generator, or copies of it, which share the model. They take turns at the
/// processors.
public struct ImageGenerator: Sendable {
  package let model: ImageModel
  /// The model that takes the last steps over, as SDXL's refiner does; nil for none.
  package let refiner: ImageModel?

  /// Whether the components stay in memory when a picture does not need them any more.
  ///
  /// If false, text encoder, denoiser and the codec's encoder are released after their last use, and the next
  /// picture, of any copy of this generator, loads them again. A picture then takes little more memory
  /// than the weights of denoiser and decoder: for programs that draw a single one.
  public var retainsComponents = true

  /// Notes on the model's files: settings without an effect, and files that disagree; a line each.
  public var notes: [String] {
    model.notes + (refiner?.notes ?? [])
      + model.loras.filter { $0.strength == 0 }.map { "\($0.path): strength 0 adds nothing" }
  }

  /// Default size in pixels.
  public var nativeSize: (width: Int, height: Int) { model.nativeSize }

  /// About how much memory a picture of the native size takes in addition to the weights: two and a half of
  /// the decoder's widest layers at full size, as measured where most is needed.
  package var estimatedWorkingMegabytes: Int {
    let pixels = nativeSize.width * nativeSize.height
    return max(16, pixels * model.decoder.widestChannels * 10 / 1_048_576)
  }

  /// Draws a picture. Cancelling its task stops the work within one step.
  ///
  /// - Parameter request: what is wanted.
  /// - Returns: the picture, and how it was drawn.
  /// - Throws: a `LanternError` that says what is wrong and what to do; `CancellationError`.
  public func image(_ request: ImageRequest) async throws -> GeneratedImage {
    try await ComputeQueue.run { checkCancellation in
      try draw(request) { _ in try checkCancellation() }
    }
  }

  /// Draws a picture, with an event for each step. Ending the loop, or cancelling its task, stops the work
  /// within one step; a loop whose task is cancelled ends without an error and without `.finished`.
  public func generate(_ request: ImageRequest) -> AsyncThrowingStream<GenerationEvent, any Error> {
    AsyncThrowingStream { stream in
      ComputeQueue.start {
        do {
          let image = try draw(request) { step in
            let event = GenerationEvent.step(
              step.number, of: step.count, preview: try step.preview(every: request.previewInterval)
            )
            if case .terminated = stream.yield(event) { throw CancellationError() }
          }
          stream.yield(.finished(image))
          stream.finish()
        } catch {
          stream.finish(throwing: error)
        }
      }
    }
  }

  /// Draws a picture on the caller's thread: from the prompt to the pixels, top to bottom.
  ///
  /// - Parameters:
  ///   - request: what is wanted.
  ///   - trace: where the tensors of the run are noted, if anywhere.
  ///   - onStep: called after each step; throw to stop.
  /// - Returns: the picture, and the settings that were used.
  /// - Throws: an error of the room where it arose, or what `onStep` throws.
  package func draw(
    _ request: ImageRequest, trace: Trace? = nil, onStep: (DrawingStep) throws -> Void = { _ in }
  ) throws -> GeneratedImage {
    let settings = try ImageSettings(request, model)
    let (latent, initial, controls, prompt, calls) = try denoise(
      request, settings, trace, onStep)

    // The decoder cannot reuse the denoiser's large buffers, which are of other sizes.
    BufferPool.shared.drain(atLeast: 4 << 20)
    let decoded = try model.decoder.decode(latent, tiled: request.tiledDecoding)
    let image = try decoded.scaled(by: 0.5, plus: 0.5)
    guard image.isFiniteEverywhere else {
      throw RequestError.notFinite(what: "the decoded picture", step: nil)
    }
    try trace?.finish(image)
    let recipe = PictureRecipe(request, settings, model, refiner: refiner)
    let drawn = try Picture(image)
    var picture = try initial.mask?.pastingKept(in: drawn) ?? drawn
    picture.metadata = recipe.metadata
    return GeneratedImage(
      picture: picture, recipe: recipe, settings: settings, cutTokens: prompt.cutTokens,
      cutText: prompt.cutText,
      notes: try promptNotes(request) + settings.notes(on: request, model, initial.plan)
        + initial.notes + controls.notes + refinerNotes(request, settings, initial.plan),
      modelCalls: calls)
  }

  /// From the prompt to the latent of the picture.
  private func denoise(
    _ request: ImageRequest, _ settings: ImageSettings, _ trace: Trace?,
    _ onStep: (DrawingStep) throws -> Void
  ) throws -> (
    latent: Tensor, initial: InitialLatent, controls: ControlGuides, prompt: PromptEncoding,
    modelCalls: Int
  ) {
    defer {
      if !retainsComponents { for model in [model, refiner] { model?.releaseAllButDecoder() } }
    }
    var schedule = model.schedule
    schedule.convention = settings.convention
    schedule.fillsHoles = request.mask != nil
    let sampler = try settings.makeSampler(schedule)
    let spacing = try settings.schedule.map(SamplerCatalogue.spacing)
    let guidance = settings.fullGuidance

    var prompt = try model.conditioner.encode(
      request, size: (settings.width, settings.height))
    prompt.positive.guidance = settings.guidance
    if !retainsComponents { model.conditioner.releaseWeights() }
    var stages = [StagedDenoiser.Stage(model: model, prompt: prompt)]
    if let refiner {
      let prompt = try refiner.conditioner.encode(request, size: (settings.width, settings.height))
      stages.append(StagedDenoiser.Stage(model: refiner, prompt: prompt))
      if !retainsComponents { refiner.conditioner.releaseWeights() }
    }
    var noise = NoiseSource(seed: settings.seed)
    let plan = try sampler.plan(steps: settings.steps, over: schedule, spacing: spacing)
    let initial = try InitialLatent(request, settings, model, sampler, plan, &noise)
    let controls = try ControlGuides(request, settings, model, steps: initial.plan.levels.count)
    try trace?.begin(prompt, initial)

    let network = StagedDenoiser(
      stages, switchTimestep: settings.refinerTimestep(schedule), mask: initial.mask,
      controls: controls, cache: settings.cache, retainsComponents: retainsComponents)
    let denoiser = Denoiser(
      network.predict, predicting: schedule.prediction, dataDeviation: schedule.dataDeviation,
      guidance: guidance)
    let latent = try sampler.sample(
      initial.latent, over: initial.plan, with: denoiser.denoise, noise: &noise
    ) { step in
      let latent =
        try initial.mask?.keepingUnmasked(step, of: initial.plan, sampler) ?? step.latent
      guard latent.isFiniteEverywhere else {
        throw RequestError.notFinite(what: "the latent", step: step.index)
      }
      controls.begin(step: step.index + 1)
      try trace?.note(latent)
      try onStep(DrawingStep(step, model.decoder, initial))
      return latent
    }
    return (latent, initial, controls, prompt, network.calls)
  }
}
