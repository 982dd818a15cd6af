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
      + model.loras.compactMap(\.idleNote)
  }

  /// Default size in pixels.
  public var nativeSize: (width: Int, height: Int) { model.nativeSize }

  /// Draws a picture. Cancelling its task stops the work within one step.
  ///
  /// - Parameter request: what is wanted.
  /// - Returns: the picture, and how it was drawn.
  /// - Throws: a `LanternError` that says what is wrong and what to do; `CancellationError`.
  public func image(_ request: ImageRequest) async throws -> GeneratedImage {
    try await ComputeQueue.run { checkCancellation in
      var pause = StepPause()
      return try draw(request) { _ in
        try checkCancellation()
        pause.afterStep()
      }
    }
  }

  /// Draws a picture, with an event for each step. Ending the loop, or cancelling its task, stops the work
  /// within one step; a loop whose task is cancelled ends without an error and without `.finished`.
  public func generate(_ request: ImageRequest) -> AsyncThrowingStream<GenerationEvent, any Error> {
    AsyncThrowingStream { stream in
      ComputeQueue.start {
        do {
          var pause = StepPause()
          let image = try draw(request) { step in
            let event = GenerationEvent.step(
              step.number, of: step.count, preview: try step.preview(every: request.previewInterval)
            )
            if case .terminated = stream.yield(event) { throw CancellationError() }
            pause.afterStep()
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
    let (latent, initial, passes, calls, controlNotes) = try denoise(
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
    let size = request.hires == nil ? settings.pictureSize : nil
    var picture = try ResolutionBins.picture(of: image, pastingKept: initial.mask, in: size)
    picture.metadata = recipe.metadata
    let prompt = passes.map(\.prompt).max { $0.cutTokens < $1.cutTokens } ?? passes[0].prompt
    let notes =
      try promptNotes(request) + passNotes(passes, calls: calls)
      + settings.notes(on: request, model, initial.plan) + initial.notes + controlNotes
      + refinerNotes(request, settings, passes.count > 1 ? passes[1].plan : initial.plan)
    return GeneratedImage(
      picture: picture, recipe: recipe, settings: settings, cutTokens: prompt.cutTokens,
      cutText: prompt.cutText, notes: notes + (try secondPassNotes(passes, besides: notes)),
      modelCalls: calls.reduce(0, +))
  }

  /// From the prompt to the latent of the picture.
  private func denoise(
    _ request: ImageRequest, _ settings: ImageSettings, _ trace: Trace?,
    _ onStep: (DrawingStep) throws -> Void
  ) throws -> (
    latent: Tensor, initial: InitialLatent, passes: [DrawingPass], modelCalls: [Int],
    controlNotes: [String]
  ) {
    defer {
      if !retainsComponents { for model in [model, refiner] { model?.releaseAllButDecoder() } }
    }
    let passes = try passes(request, settings)
    var noise = NoiseSource(seed: settings.seed)
    let initial = try InitialLatent(
      request, settings, model, passes[0].sampler, passes[0].plan, &noise)
    var (latent, count, notes) = try denoise(initial, passes[0], &noise, trace, onStep)
    var calls = [count]
    if let hires = request.hires, passes.count > 1 {
      noise = NoiseSource(seed: settings.seed)
      let second = try enlarged(latent, hires, passes[1], request, &noise)
      (latent, count, notes) = try denoise(second, passes[1], &noise, trace, onStep)
      calls.append(count)
    }
    return (latent, initial, passes, calls, notes)
  }

  /// All steps of a pass.
  private func denoise(
    _ initial: InitialLatent, _ pass: DrawingPass, _ noise: inout NoiseSource, _ trace: Trace?,
    _ onStep: (DrawingStep) throws -> Void
  ) throws -> (latent: Tensor, modelCalls: Int, controlNotes: [String]) {
    let (request, settings, schedule) = (pass.request, pass.settings, pass.schedule)
    let sampler = pass.sampler
    let controls = try ControlGuides(request, settings, model, steps: initial.plan.levels.count)
    try trace?.begin(pass.prompt, initial)

    let network = StagedDenoiser(
      pass.stages, switchTimestep: settings.refinerTimestep(schedule), mask: initial.mask,
      editing: try PictureEditing(request, settings, model, pass.prompt),
      references: try model.latents(of: request.references, tiled: request.tiledDecoding),
      controls: controls,
      cache: settings.cache, retainsComponents: retainsComponents)
    let denoiser = Denoiser(
      network.predict, predicting: schedule.prediction, dataDeviation: schedule.dataDeviation,
      guidance: settings.fullGuidance)
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
      try onStep(DrawingStep(step, of: pass, model, initial, request.previewMethod))
      return latent
    }
    return (latent, network.calls, controls.notes)
  }
}
