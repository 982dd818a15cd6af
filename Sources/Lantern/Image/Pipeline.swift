import LanternFormats
import LanternSamplers

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
  /// Those of them that a model may lack.
  var optionalParts: Set<String> = []
  /// Strength of guidance when nothing is said, as in diffusers.
  let guidance: Float
  /// Steps when nothing is said.
  var steps = 30
  /// How previews get from its latents to colours without a decoder.
  var latentColours: LatentColours?
  /// Whether the denoiser takes an aesthetic score, as SDXL's refiner does.
  var takesAestheticScore = false
  /// Whether it is for models that are distilled, or that are not; for all where nil.
  var isDistilled: Bool?
  /// What models of it are that have no guidance as an input: distilled to four steps without it; nil where that says
  /// nothing.
  var unguidedKind: String?
  /// What it gives the scheduler; nil where that has all by itself.
  var times: PipelineTimes?
  /// Whether its denoiser and text encoder are too large to be in memory together.
  var isLarge = false
  /// Whether pictures are drawn in sizes that it was trained on, and resized.
  var hasResolutionBins = false
  /// How it takes references; nil where it takes none.
  var referenceForm: ReferenceForm?
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
    Pipeline(
      classes: [
        "StableDiffusion3Pipeline", "StableDiffusion3Img2ImgPipeline",
        "StableDiffusion3InpaintPipeline",
      ],
      denoiser: "transformer", codec: "vae",
      parts: [
        "scheduler", "text_encoder", "text_encoder_2", "text_encoder_3", "tokenizer", "tokenizer_2",
        "tokenizer_3", "transformer", "vae",
      ], optionalParts: ["text_encoder_3", "tokenizer_3"], guidance: 7, steps: 28, isLarge: true,
      conditioner: { try SD3TextConditioner($0) }),
    flux2(isDistilled: true, guidance: 1, steps: 4),
    flux2(isDistilled: false, guidance: 4, steps: 50),
    flux(
      ["FluxPipeline", "FluxImg2ImgPipeline", "FluxInpaintPipeline"], guidance: 3.5, steps: 28,
      unguidedKind: "FLUX.1 schnell"),
    flux(["FluxKontextPipeline"], guidance: 3.5, steps: 28, references: .kontext),
    flux(["FluxFillPipeline"], guidance: 30, steps: 50),
    sana("SanaPipeline", guidance: 4.5, steps: 20),
    sana("SanaSprintPipeline", guidance: 4.5, steps: 2),
    pixArt("PixArtSigmaPipeline", length: 300, latentColours: .stableDiffusionXL),
    pixArt("PixArtAlphaPipeline", length: 120, latentColours: .stableDiffusion),
    Pipeline(
      classes: ["ZImagePipeline", "ZImageImg2ImgPipeline", "ZImageInpaintPipeline"],
      denoiser: "transformer", codec: "vae",
      parts: ["scheduler", "text_encoder", "tokenizer", "transformer", "vae"], guidance: 1,
      steps: 8, times: PipelineTimes(.line), isLarge: true,
      conditioner: { try LayeredTextConditioner($0, .zImage) }),
  ]

  /// The kind of a model.
  ///
  /// - Throws: ``RequestError/unsupportedModel(kind:path:supported:)``,
  ///   ``FormatError/wrongType(key:expected:file:)``.
  static func of(_ source: any ModelSource) throws -> Pipeline {
    let isDistilled = try source.flag("is_distilled", default: false)
    let takesScore = try source.flag("requires_aesthetics_score", default: false)
    guard
      let row = all.first(where: {
        $0.classes.contains(source.pipelineClass) && $0.takesAestheticScore == takesScore
          && $0.isDistilled ?? isDistilled == isDistilled
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
