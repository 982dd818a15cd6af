package import LanternFormats
import LanternLayers

/// A kind of model that is published as one file: what no tensor of it says. One row each.
package struct SingleFileKind: Sendable {
  /// A text encoder of the kind, and its tokenizer.
  package struct TextEncoder: Sendable {
    /// The part's name in a folder.
    package let component: String
    /// Its tokenizer's name in a folder.
    package let tokenizer: String
    package let className: String
    /// The token that texts are filled up with.
    package let padding: String
    /// What stands before its names in a file that holds other parts too.
    let prefixes: [String]
    /// Whether an open_clip's last layer is left out, as its state before that is what the U-Net knows.
    var endsBeforeLast = false

    /// Whether the original code has it in open_clip's names.
    var isOpenCLIP: Bool { isProjected || endsBeforeLast }
    var isProjected: Bool { className.hasSuffix("WithProjection") }

    /// Finds the part in a file.
    ///
    /// - Parameters:
    ///   - file: where it may be.
    ///   - isAlone: whether the file may hold this part alone, without a prefix.
    /// - Returns: the part; nil where the file has none.
    package func find(in file: any TensorFile, isAlone: Bool) -> SingleFilePart? {
      SingleFilePart.textEncoder(
        in: file, below: prefixes + (isAlone ? [""] : []), isProjected: isProjected,
        endsBeforeLast: endsBeforeLast)
    }
  }

  /// As people call it.
  package let name: String
  /// The class of pipeline of those of its models that draw from text alone.
  let pipelineClass: String
  /// As the model metadata standard calls it (`modelspec.architecture`), where it predicts the noise, and
  /// where it predicts velocity.
  let architectures: (noise: String, velocity: String)
  /// Width of the text that its U-Net attends to.
  let contextWidth: Int
  let heads: ShapeSettings.Heads
  /// Height and width of the latents that it was trained on; a model of velocity may have its own.
  let sampleSize: Int
  var velocitySampleSize: Int?
  package let scalingFactor: Double
  package let textEncoders: [TextEncoder]
  /// The scheduler of models that predict the noise, and of those that predict velocity.
  let schedulers: (noise: String, velocity: String)
  /// Settings of the pipeline itself.
  package var settings: [String: JSONValue] = [:]

  /// Whether its U-Net is given a pooled vector and sizes.
  var takesPooled: Bool { textEncoders.contains(where: \.isProjected) }

  /// Whether an aesthetic score stands among the sizes, as the refiner has it.
  var takesAestheticScore: Bool { settings[Self.score] == .bool(true) }
  static let score = "requires_aesthetics_score"

  /// Numbers that stand behind the pooled vector.
  var sizeCount: Int { takesAestheticScore ? 5 : 6 }

  /// The class of pipeline for a U-Net of the kind.
  ///
  /// - Parameter unet: its settings.
  /// - Returns: the class.
  func pipelineClass(of unet: [String: JSONValue]) -> String {
    if takesPooled { return pipelineClass }
    if unet["time_cond_proj_dim"] != nil { return "LatentConsistencyModelPipeline" }
    return unet["in_channels"] == .integer(8)
      ? "StableDiffusionInstructPix2PixPipeline" : pipelineClass
  }

  /// What the model metadata standard calls it.
  package func architecture(isVelocity: Bool) -> String {
    isVelocity ? architectures.velocity : architectures.noise
  }

  /// Height and width of the latents that readers of one file take it to be trained on.
  package func sampleSize(isVelocity: Bool) -> Int {
    (isVelocity ? velocitySampleSize : nil) ?? sampleSize
  }

  /// Whether keys of its files say that it predicts velocity.
  package var saysPredictionByKeys: Bool { takesPooled }

  /// Whether models of the kind have a part of this name that may be replaced.
  package func has(_ component: String) -> Bool {
    component == "vae" || textEncoders.contains { $0.component == component }
  }

  /// All of them.
  package static let all = [
    SingleFileKind(
      name: "Stable Diffusion 1", pipelineClass: "StableDiffusionPipeline",
      architectures: ("stable-diffusion-v1", "stable-diffusion-v1"), contextWidth: 768,
      heads: .count(8), sampleSize: 64, scalingFactor: 0.18215,
      textEncoders: [encoder(padding: end)], schedulers: ("PNDMScheduler", "DDIMScheduler")),
    SingleFileKind(
      name: "Stable Diffusion 2", pipelineClass: "StableDiffusionPipeline",
      architectures: ("stable-diffusion-v2-512", "stable-diffusion-v2-768-v"), contextWidth: 1024,
      heads: .width(64), sampleSize: 64, velocitySampleSize: 96, scalingFactor: 0.18215,
      textEncoders: [encoder(padding: "!", endsBeforeLast: true)],
      schedulers: ("PNDMScheduler", "DDIMScheduler")),
    SingleFileKind(
      name: "Stable Diffusion XL", pipelineClass: "StableDiffusionXLPipeline",
      architectures: ("stable-diffusion-xl-v1-base", "stable-diffusion-xl-v1-base"),
      contextWidth: 2048,
      heads: .width(64), sampleSize: 128, scalingFactor: 0.13025,
      textEncoders: [
        TextEncoder(
          component: "text_encoder", tokenizer: "tokenizer", className: "CLIPTextModel",
          padding: end,
          prefixes: [
            "conditioner.embedders.0.transformer.", "conditioner.embedders.0.model.",
            "text_encoders.clip_l.transformer.", "text_encoder.",
          ]),
        TextEncoder(
          component: "text_encoder_2", tokenizer: "tokenizer_2",
          className: "CLIPTextModelWithProjection", padding: "!",
          prefixes: [
            "conditioner.embedders.1.model.", "conditioner.embedders.1.transformer.",
            "text_encoders.clip_g.transformer.", "text_encoder_2.",
          ]),
      ], schedulers: ("EulerDiscreteScheduler", "EulerDiscreteScheduler"),
      settings: ["force_zeros_for_empty_prompt": .bool(true)]),
    SingleFileKind(
      name: "Stable Diffusion XL refiner", pipelineClass: "StableDiffusionXLImg2ImgPipeline",
      architectures: ("stable-diffusion-xl-v1-refiner", "stable-diffusion-xl-v1-refiner"),
      contextWidth: 1280, heads: .width(64), sampleSize: 128, scalingFactor: 0.13025,
      textEncoders: [
        TextEncoder(
          component: "text_encoder_2", tokenizer: "tokenizer_2",
          className: "CLIPTextModelWithProjection", padding: "!",
          prefixes: [
            refinerText, "conditioner.embedders.0.transformer.",
            "text_encoders.clip_g.transformer.", "text_encoder_2.",
          ])
      ], schedulers: ("EulerDiscreteScheduler", "EulerDiscreteScheduler"),
      settings: [score: .bool(true), "force_zeros_for_empty_prompt": .bool(false)]),
  ]

  /// What stands before the names of the refiner's text encoder, in files that have no other.
  private static let refinerText = "conditioner.embedders.0.model."

  private static let end = "<|endoftext|>"

  private static func encoder(padding: String, endsBeforeLast: Bool = false) -> TextEncoder {
    TextEncoder(
      component: "text_encoder", tokenizer: "tokenizer", className: "CLIPTextModel",
      padding: padding,
      prefixes: [
        "cond_stage_model.transformer.", "cond_stage_model.model.",
        "conditioner.embedders.0.transformer.", "conditioner.embedders.0.model.",
        "text_encoders.clip_l.transformer.", "text_encoders.clip_h.transformer.", "text_encoder.",
      ], endsBeforeLast: endsBeforeLast)
  }

  /// The kind of a U-Net, by the width of its text; of another width, by how it is built.
  ///
  /// - Parameters:
  ///   - denoiser: its tensors in diffusers' names.
  ///   - file: the whole file.
  /// - Returns: the kind, and what was assumed, if anything.
  /// - Throws: ``ModelError/unsupported(what:file:)`` for kinds that Lantern does not have.
  static func of(_ denoiser: RenamedFile, in file: any TensorFile) throws(ModelError) -> (
    kind: SingleFileKind, note: String?
  ) {
    let path = denoiser.path
    guard let width = ShapeSettings(file: denoiser).contextWidth else {
      throw .unsupported(what: "is a U-Net that attends to no text", file: path)
    }
    let takesPooled = denoiser.contains("add_embedding.linear_1.weight")
    let hasFirstText = file.contains("\(refinerText)positional_embedding")
    let hasSecondText = file.names.contains { $0.hasPrefix("conditioner.embedders.1.") }
    let isRefiner = takesPooled && hasFirstText && !hasSecondText
    let known = all.first { $0.contextWidth == width }
    if denoiser.contains("class_embedding.weight") || denoiser.contains("label_emb.weight") {
      throw .unsupported(what: "is an upscaler of latents", file: path)
    }
    if let known, known.takesPooled != takesPooled {
      throw .unsupported(
        what: takesPooled
          ? "is a \(known.name) that is given a picture's embedding (unCLIP)"
          : "is a U-Net of \(known.name)'s width without its pooled vector", file: path)
    }
    if let known { return (known, nil) }
    let projection = denoiser.names.first { $0.hasSuffix(".proj_in.weight") }
    let isConvolution = projection.flatMap { denoiser.info($0)?.shape.count } == 4
    let kind = all[isRefiner ? 3 : takesPooled ? 2 : isConvolution ? 0 : 1]
    return (
      kind,
      "\(path): text of \(width) features is no published model's: heads, groups, activation and "
        + "scheduler are assumed to be as in \(kind.name)"
    )
  }
}
