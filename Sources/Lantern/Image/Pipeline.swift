import LanternFormats

/// A kind of model as diffusers lays it out: which of its parts does what, and how its prompts are read.
struct Pipeline: Sendable {
  /// Classes of `model_index.json` that are of this kind.
  let classes: [String]
  /// The part that predicts.
  let denoiser: String
  /// The part that turns latents into pictures.
  let codec: String
  /// All parts whose files are read.
  let parts: [String]
  /// Strength of guidance when nothing is said, as in diffusers.
  let guidance: Float
  /// Steps when nothing is said.
  var steps = 30
  /// How previews get from its latents to colours without a decoder.
  var latentColours: LatentColours?
  /// Whether the denoiser takes an aesthetic score, as SDXL's refiner does.
  var takesAestheticScore = false
  /// Loads what reads prompts.
  let conditioner: @Sendable (PartReader) throws -> any TextConditioner

  /// One row for each kind.
  static let all = [
    Pipeline(
      classes: [
        "StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline",
        "StableDiffusionInpaintPipeline", "StableDiffusionInpaintPipelineLegacy",
        "LatentDiffusionPipeline",
      ],
      denoiser: "unet", codec: "vae",
      parts: ["scheduler", "text_encoder", "tokenizer", "unet", "vae"], guidance: 7.5,
      latentColours: .stableDiffusion,
      conditioner: { try ChunkedTextConditioner($0) }),
    Pipeline(
      classes: ["StableDiffusionInstructPix2PixPipeline"], denoiser: "unet", codec: "vae",
      parts: ["scheduler", "text_encoder", "tokenizer", "unet", "vae"], guidance: 7.5,
      latentColours: .stableDiffusion,
      conditioner: { try ChunkedTextConditioner($0) }),
    Pipeline(
      classes: ["LatentConsistencyModelPipeline", "LatentConsistencyModelImg2ImgPipeline"],
      denoiser: "unet", codec: "vae",
      parts: ["scheduler", "text_encoder", "tokenizer", "unet", "vae"], guidance: 8.5, steps: 4,
      latentColours: .stableDiffusion,
      conditioner: { try ChunkedTextConditioner($0) }),
    Pipeline(
      classes: [
        "StableDiffusionXLPipeline", "StableDiffusionXLImg2ImgPipeline",
        "StableDiffusionXLInpaintPipeline",
      ],
      denoiser: "unet", codec: "vae",
      parts: [
        "scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "unet", "vae",
      ], guidance: 5, latentColours: .stableDiffusionXL,
      conditioner: { try ChunkedTextConditioner($0, encoders: 1...2, states: .penultimate) }),
    Pipeline(
      classes: ["StableDiffusionXLImg2ImgPipeline"], denoiser: "unet", codec: "vae",
      parts: ["scheduler", "text_encoder_2", "tokenizer_2", "unet", "vae"], guidance: 5,
      latentColours: .stableDiffusionXL, takesAestheticScore: true,
      conditioner: {
        try ChunkedTextConditioner(
          $0, encoders: 2...2, states: .penultimate, takesAestheticScore: true)
      }),
  ]

  /// The kind of a model.
  ///
  /// - Throws: ``RequestError/unsupportedModel(kind:path:supported:)``,
  ///   ``FormatError/wrongType(key:expected:file:)``.
  static func of(_ source: any ModelSource) throws -> Pipeline {
    let takesScore = try source.flag("requires_aesthetics_score", default: false)
    guard
      let row = all.first(where: {
        $0.classes.contains(source.pipelineClass) && $0.takesAestheticScore == takesScore
      })
    else {
      throw RequestError.unsupportedModel(
        kind: source.pipelineClass, path: source.indexPath,
        supported: Set(all.flatMap(\.classes)).sorted().joined(separator: ", "))
    }
    return row
  }
}

extension ModelSource {
  /// A setting of the pipeline that is true or false.
  ///
  /// - Throws: ``FormatError/wrongType(key:expected:file:)`` for any other value.
  func flag(_ key: String, default defaultValue: Bool) throws(FormatError) -> Bool {
    guard let setting = settings[key] else { return defaultValue }
    guard let value = setting.bool else {
      throw .wrongType(key: key, expected: "true or false", file: indexPath)
    }
    return value
  }
}
