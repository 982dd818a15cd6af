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
      conditioner: { try ChunkedTextConditioner($0) }),
    Pipeline(
      classes: ["LatentConsistencyModelPipeline", "LatentConsistencyModelImg2ImgPipeline"],
      denoiser: "unet", codec: "vae",
      parts: ["scheduler", "text_encoder", "tokenizer", "unet", "vae"], guidance: 8.5, steps: 4,
      conditioner: { try ChunkedTextConditioner($0) }),
    Pipeline(
      classes: [
        "StableDiffusionXLPipeline", "StableDiffusionXLImg2ImgPipeline",
        "StableDiffusionXLInpaintPipeline",
      ],
      denoiser: "unet", codec: "vae",
      parts: [
        "scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "unet", "vae",
      ], guidance: 5,
      conditioner: { try ChunkedTextConditioner($0, encoders: 2, states: .penultimate) }),
  ]

  /// The kind of a folder.
  ///
  /// - Throws: ``RequestError/unsupportedModel(kind:path:supported:)``.
  static func of(_ folder: ModelFolder) throws(RequestError) -> Pipeline {
    guard let row = all.first(where: { $0.classes.contains(folder.pipelineClass) }) else {
      throw .unsupportedModel(
        kind: folder.pipelineClass, path: folder.indexPath,
        supported: all.flatMap(\.classes).sorted().joined(separator: ", "))
    }
    return row
  }
}
