import LanternLayers
import LanternModels
import LanternPictures
import LanternSamplers
import LanternTensor
import LanternTokenizers

extension ImageGenerator {
  /// A stage of drawing a picture, to be measured by itself.
  package struct Part {
    /// What it does.
    package let name: String
    /// How often a picture of the model's own settings needs it.
    package let count: Int
    /// Does it once.
    package let run: () throws -> Void
  }

  /// About how much memory a picture of the native size takes in addition to the weights: two and a half of
  /// the decoder's widest layers at full size, as measured where most is needed.
  package var estimatedWorkingMegabytes: Int {
    let pixels = nativeSize.width * nativeSize.height
    return max(16, pixels * model.decoder.widestChannels * 10 / 1_048_576)
  }

  /// Loads the parts that are loaded on first use, to find errors in them.
  ///
  /// - Throws: an error that names the file, what is wrong with it, and the remedy.
  package func readEverything() throws { try model.codec.readEncoder() }

  /// Checks, before work begins, that a request can be drawn.
  ///
  /// - Throws: ``RequestError`` for numbers out of range, `SamplerError` for unknown names.
  public func check(_ request: ImageRequest) throws {
    _ = try DrawingPass(request, ImageSettings(request, model), model)
  }

  /// The text encoder, a call of the denoiser, the decoder and the encoder, each on made-up input.
  ///
  /// - Parameters:
  ///   - width: of the picture, in pixels; the model's own when nil.
  ///   - height: like `width`.
  ///   - batch: pictures to a call of the denoiser, and to one of the decoder and encoder; when nil 2
  ///     and 1, or 1 where there is no guidance.
  /// - Returns: parts in the order of the work.
  /// - Throws: ``RequestError/size(name:found:unit:maximum:)`` for sizes that cannot be.
  package func parts(width: Int?, height: Int?, batch: Int? = nil) throws -> [Part] {
    var request = ImageRequest(prompt: "a red fox on the beach")
    request.width = width
    request.height = height
    if model.isInpaintingModel || model.isEditingModel {
      // Its input has a picture too.
      request.width = width ?? nativeSize.width
      request.height = height ?? nativeSize.height
      request.initialPicture = try Picture(width: 1, height: 1, pixels: [128, 128, 128])
      request.mask =
        model.isInpaintingModel ? try Mask(width: 1, height: 1, pixels: [255]) : nil
    }
    let settings = try ImageSettings(request, model)
    let sampler = try settings.makeSampler(model.schedule)
    let spacing = try settings.schedule.map(SamplerCatalogue.spacing)
    let plan = try sampler.plan(steps: settings.steps, over: model.schedule, spacing: spacing)
    let calls = try sampler.calls(over: plan).reduce(0, +)
    let downsampling = model.codec.downsampling
    var noise = NoiseSource(seed: 1)
    let size = [settings.height / downsampling, settings.width / downsampling]
    let pictures = batch ?? 1
    let latent = try noise.normal([pictures] + size + [model.codec.latentChannels])
    let guided = model.isEditingModel ? 3 : 2
    let rows = batch ?? (settings.fullGuidance.isActive ? guided : 1)
    let input = try noise.normal([rows] + size + [model.geometry.inputChannels])
    let sides = (settings.width, settings.height)
    let steps = PromptSchedule.Steps(count: settings.steps)
    let isGuided = settings.fullGuidance.isActive
    func encode() throws -> PromptEncoding {
      try model.conditioner.encode(request, size: sides, steps: steps, isGuided: isGuided)
    }
    let prompt = try encode()
    let predict = try model.denoiser().conditioned(
      on: .joined(
        Array(repeating: prompt.conditioning(prompt.choice(at: 0), rows: 1), count: rows)))
    let pixels = try noise.normal([pictures, settings.height, settings.width, 3]) * 0.3
    return [
      Part(name: "text encoder", count: 1) {
        _ = try encode()
      },
      Part(name: "denoiser, a call", count: calls) {
        _ = try predict(input, 500)
      },
      Part(name: "decoder", count: 1) { _ = try model.decoder.decode(latent, tiled: false) },
      Part(name: "encoder", count: 0) {
        var noise = NoiseSource(seed: 1)
        _ = try model.codec.encode(pixels, noise: noise.normal(latent.shape))
      },
    ]
  }
}
