import LanternLayers
import LanternModels
import LanternSamplers
public import LanternTensor

/// Draws pictures from text with a model whose folder stays as it is meanwhile.
///
/// Many tasks may use one generator, or copies of it, which share the model. They take turns at the
/// processors.
public struct ImageGenerator: Sendable {
  package let model: ImageModel

  /// Whether the components stay in memory when a picture does not need them any more.
  ///
  /// If false, text encoder, denoiser and the codec's encoder are released after their last use, and the next
  /// picture, of any copy of this generator, loads them again. A picture then takes little more memory
  /// than the weights of denoiser and decoder: for programs that draw a single one.
  public var retainsComponents = true

  /// Loads a model.
  ///
  /// - Parameters:
  ///   - folder: a model as diffusers lays it out, with a `model_index.json`.
  ///   - loras: what is added to its weights.
  ///   - isFast: whether to draw in few steps, with the LoRA that the folder has for it.
  ///   - variant: of the weights, as `fp16` for `model.fp16.safetensors`; the plain ones when nil.
  ///   - precision: how exactly it computes; what suits this processor by default.
  /// - Throws: an error that names the file, what is wrong with it, and the remedy.
  public init(
    folder: String, adding loras: [LoRA] = [], isFast: Bool = false, variant: String? = nil,
    precision: Precision = .default
  ) throws {
    try self.init(
      .folder(folder), adding: loras, isFast: isFast, variant: variant, precision: precision)
  }

  /// Loads a model from where it lies, as ``ModelLocation/picturebook``; otherwise as
  /// ``init(folder:adding:isFast:variant:precision:)``.
  public init(
    _ location: ModelLocation, adding loras: [LoRA] = [], isFast: Bool = false,
    variant: String? = nil, precision: Precision = .default
  ) throws {
    model = try ImageModel(
      location.path(), adding: loras, isFast: isFast, variant: variant, precision: precision)
  }

  /// Notes on the model's files: settings without an effect, and files that disagree; a line each.
  public var notes: [String] {
    model.notes
      + model.loras.filter { $0.strength == 0 }.map { "\($0.path): strength 0 adds nothing" }
  }

  /// Default size in pixels.
  public var nativeSize: (width: Int, height: Int) { model.nativeSize }

  /// About how much memory a picture of the native size takes in addition to the weights: two and a half of
  /// the decoder's widest layers at full size, as measured where most is needed.
  package var estimatedWorkingMegabytes: Int {
    let pixels = nativeSize.width * nativeSize.height
    return max(16, pixels * model.codec.widestChannels * 10 / 1_048_576)
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
    let (latent, initial, prompt, calls) = try denoise(request, settings, trace, onStep)

    // The decoder cannot reuse the denoiser's large buffers, which are of other sizes.
    BufferPool.shared.drain(atLeast: 4 << 20)
    let decoded = try model.codec.decode(latent, tiled: request.tiledDecoding)
    let image = try decoded.scaled(by: 0.5, plus: 0.5)
    guard image.isFiniteEverywhere else {
      throw RequestError.notFinite(what: "the decoded picture", step: nil)
    }
    try trace?.finish(image)
    let recipe = PictureRecipe(request, settings, model)
    let drawn = try Picture(image)
    var picture = try initial.mask?.pastingKept(in: drawn) ?? drawn
    picture.metadata = recipe.metadata
    return GeneratedImage(
      picture: picture, recipe: recipe, settings: settings, cutTokens: prompt.cutTokens,
      cutText: prompt.cutText,
      notes: try promptNotes(request) + settings.notes(on: request, model, initial.plan)
        + initial.notes,
      modelCalls: calls)
  }

  /// From the prompt to the latent of the picture.
  private func denoise(
    _ request: ImageRequest, _ settings: ImageSettings, _ trace: Trace?,
    _ onStep: (DrawingStep) throws -> Void
  ) throws -> (latent: Tensor, initial: InitialLatent, prompt: PromptEncoding, modelCalls: Int) {
    defer { if !retainsComponents { model.releaseAllButDecoder() } }
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
    let network = try model.denoiser()
    let both = try Conditioning.joined([prompt.negative, prompt.positive])
    // By the number of rows: with guidance and, where it pauses, without.
    var conditioned: [Int: ConditionedDenoiser] = [:]
    var noise = NoiseSource(seed: settings.seed)
    let plan = try sampler.plan(steps: settings.steps, over: schedule, spacing: spacing)
    let initial = try InitialLatent(request, settings, model, sampler, plan, &noise)
    try trace?.begin(prompt, initial)

    var calls = 0
    let denoiser = Denoiser(
      { latent, timestep in
        calls += 1
        let rows = latent.shape[0]
        let predict =
          try conditioned[rows]
          ?? network.conditioned(
            on: rows == 2 ? both : prompt.positive, caching: settings.cache)
        conditioned[rows] = predict
        return try predict(initial.mask?.withContext(latent) ?? latent, timestep)
      }, predicting: schedule.prediction, dataDeviation: schedule.dataDeviation,
      guidance: guidance)
    let latent = try sampler.sample(
      initial.latent, over: initial.plan, with: denoiser.denoise, noise: &noise
    ) { step in
      let latent =
        try initial.mask?.keepingUnmasked(step, of: initial.plan, sampler) ?? step.latent
      guard latent.isFiniteEverywhere else {
        throw RequestError.notFinite(what: "the latent", step: step.index)
      }
      try trace?.note(latent)
      try onStep(DrawingStep(step, model.codec, initial))
      return latent
    }
    return (latent, initial, prompt, calls)
  }
}

/// The state after a step.
package struct DrawingStep {
  /// Number of the step, from 1.
  package let number: Int
  /// Number of steps.
  package let count: Int
  private let denoised: Tensor
  private let codec: any LatentCodec
  private let initial: InitialLatent

  init(_ step: Step, _ codec: any LatentCodec, _ initial: InitialLatent) {
    self.number = step.index + 1
    self.count = step.count
    self.denoised = step.denoised
    self.codec = codec
    self.initial = initial
  }

  /// The picture as far as it can be guessed, after every `interval` steps; nil for 0.
  package func preview(every interval: Int) throws -> Picture? {
    guard interval > 0, number % interval == 0 else { return nil }
    let image = try codec.decode(denoised, tiled: true).scaled(by: 0.5, plus: 0.5)
    guard image.isFiniteEverywhere else { return nil }
    let picture = try Picture(image)
    return try initial.mask?.pastingKept(in: picture) ?? picture
  }
}
