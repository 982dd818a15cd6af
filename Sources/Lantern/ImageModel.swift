import LanternFormats
import LanternLayers
import LanternModels
package import LanternSamplers
package import LanternTensor
import LanternTokenizers

/// All parts of a text-to-image model, loaded from a folder as diffusers lays it out.
package struct ImageModel: Sendable {
  /// Where it was loaded from.
  package let path: String
  let promptEncoder: PromptEncoder
  let unet: ModelPart<UNet2DConditionModel, any Error>
  let unetConfig: UNet2DConditionConfig
  let autoencoder: AutoencoderKL
  package let schedule: NoiseSchedule
  package let defaults: ModelDefaults
  /// Whether it was loaded for few steps.
  let isFast: Bool
  /// What was added to its weights.
  let loras: [LoRA]
  /// Which of its weights were asked for, as `fp16`.
  let variant: String?
  /// What it computes in.
  package let precision: Precision
  /// What tells the U-Net's weights from others, as stable-diffusion-webui has it of a model's; nil where
  /// its digest would take as long as a step of drawing.
  package let hash: String?
  /// What of its files is passed over, or differs from what they say: a line each.
  let notes: [String]

  private static let pipelines: Set<String> = [
    "StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline",
    "StableDiffusionInpaintPipelineLegacy", "LatentDiffusionPipeline",
  ]

  /// Loads every part but the autoencoder's encoder. The files are read again where that, or a part that
  /// was let go, is needed: the folder must stay as it is.
  ///
  /// - Parameters:
  ///   - path: the folder.
  ///   - loras: what is added to the weights.
  ///   - isFast: whether to add the folder's own LoRA for few steps, and heed its settings.
  ///   - variant: of the weights, as `fp16`; the plain ones when nil.
  ///   - precision: what it computes in.
  /// - Throws: an error of the room where something is wrong; each says which file, what, and the
  ///   remedy.
  package init(
    _ path: String, adding loras: [LoRA] = [], isFast: Bool = false, variant: String? = nil,
    precision: Precision = .standard
  ) throws {
    let folder = try ModelFolder(path)
    guard Self.pipelines.contains(folder.pipelineClass) else {
      throw RequestError.unsupportedModel(
        kind: folder.pipelineClass, path: folder.indexPath,
        supported: Self.pipelines.sorted().joined(separator: ", "))
    }
    self.path = folder.path
    self.defaults = try ModelDefaults(folder: folder.path, isFast: isFast)
    self.isFast = isFast
    self.loras = loras
    self.variant = variant
    self.precision = precision
    let all = (defaults.lora.map { [LoRA($0)] } ?? []) + loras
    let adapters = try all.flatMap { try $0.adapters() }
    let reader = PartReader(folder: folder, variant: variant)
    self.schedule = try folder.noiseSchedule()
    let textEncoder = ModelPart {
      try reader.read(
        "text_encoder", ModelCatalogue.textEncoders, adapters, precision.ofSmallParts)
    }
    self.promptEncoder = PromptEncoder(
      tokenizer: try folder.loadTokenizer(),
      textEncoder: textEncoder, layerCount: try textEncoder().layerCount, path: folder.path)
    self.unet = ModelPart {
      try reader.read("unet", ModelCatalogue.denoisers, adapters, precision)
    }
    self.unetConfig = try unet().config
    self.hash = try Self.hash(of: reader.files { $0["unet"] ?? [] })
    self.autoencoder = try reader.read(
      "vae", ModelCatalogue.autoencoders, [], precision.ofSmallParts)
    self.notes =
      try folder.disagreements() + schedule.fileNotes
      + schedule.notes(for: schedule.schedulerClass)
      + promptEncoder.tokenizer.notes + reader.notes { $0 }
      + adapters.flatMap(\.notes) + [precision.note].compactMap { $0 }
    try reader.checkVariant()
    try checkFit()
  }

  /// Parts of different models may each be sound and yet not fit.
  private func checkFit() throws {
    let latents = autoencoder.config.latentChannels
    let text = try promptEncoder.textEncoder()
    guard unetConfig.crossAttentionDim == text.features else {
      throw RequestError.mismatch(
        reason: "the U-Net wants text of \(unetConfig.crossAttentionDim) features and the text "
          + "encoder gives \(text.features); both must come from one model", path: path)
    }
    guard unetConfig.outChannels == latents,
      [latents, 2 * latents + 1].contains(unetConfig.inChannels)
    else {
      throw RequestError.mismatch(
        reason: "the U-Net works on \(unetConfig.inChannels) and gives \(unetConfig.outChannels) "
          + "channels, and the autoencoder has \(latents); both must come from one model",
        path: path)
    }
    let tokenizer = promptEncoder.tokenizer
    guard tokenizer.maximumLength <= text.maximumLength else {
      throw RequestError.mismatch(
        reason: "the tokenizer makes \(tokenizer.maximumLength) tokens and the text encoder takes "
          + "\(text.maximumLength); both must come from one model", path: path)
    }
  }

  /// Lets all parts go that the decoder has no use for.
  func letGo() {
    promptEncoder.textEncoder.letGo()
    unet.letGo()
    autoencoder.letEncoderGo()
  }

  /// The first ten digits of the SHA-256 of a file of weights, nil for several files or a large one.
  private static func hash(of files: [String]) throws(FormatError) -> String? {
    guard files.count == 1, let file = files.first else { return nil }
    do throws(FormatError) {
      return String(SHA256.hex(of: try FileSystem.read(file, limit: 4 << 20)).prefix(10))
    } catch {
      if case .tooLarge = error { return nil }
      throw error
    }
  }

  /// Whether the U-Net was trained to fill holes: it sees a mask and the masked picture too.
  var isInpaintingModel: Bool { unetConfig.inChannels != unetConfig.outChannels }
}

/// Reads the parts of a folder.
private struct PartReader: Sendable {
  let folder: ModelFolder
  /// Of the weights.
  let variant: String?
  /// What is told of the parts that were read: a line each.
  let notes = Locked<[String]>([])
  /// Where the weights of each part lie.
  let files = Locked<[String: [String]]>([:])
  private let variants = Locked<Set<String>>([])
  private let hasVariant = Locked(false)

  private static let stems = [
    "text_encoder": ["model", "pytorch_model"], "unet": ["diffusion_pytorch_model"],
    "vae": ["diffusion_pytorch_model"],
  ]

  func read<Model>(
    _ component: String,
    _ catalogue: [String: @Sendable (Config, Weights) throws(ModelError) -> Model],
    _ adapters: [LowRankAdapter], _ precision: Precision
  ) throws -> Model {
    let place = try folder.folder(of: component)
    let name = folder.components[component]?.className ?? ""
    guard let make = catalogue[name] else {
      throw RequestError.unsupportedModel(
        kind: name, path: place, supported: catalogue.keys.sorted().joined(separator: ", "))
    }
    let config = try Config(path: FileSystem.join(place, "config.json"))
    let stems = Self.stems[component] ?? []
    let archive = try TensorArchive(folder: place, stems: stems, variant: variant)
    if let kind = CheckpointKind(names: archive.names), kind.isOriginal {
      throw ModelError.unsupported(what: "is \(kind.name)", file: archive.file(of: ""))
    }
    let model = try make(
      config, Weights(archive, of: component, adding: adapters, precision: precision))
    notes { $0 += archive.notes + config.notes }
    files { $0[component] = archive.paths }
    variants { $0.formUnion(TensorArchive.variants(in: place, stems: stems)) }
    if let variant, archive.variant == variant {
      hasVariant { $0 = true }
    }
    return model
  }

  /// Checks that some part has the variant that was asked for; as in diffusers, not all need it.
  func checkVariant() throws(FormatError) {
    guard let variant, !hasVariant({ $0 }) else { return }
    let there = variants { $0.sorted().joined(separator: ", ") }
    throw .missingFile(
      path: "\(folder.path): weights of the variant \(JSON.quoted(variant))",
      remedy: there.isEmpty ? "there are plain ones alone: leave it out" : "there are \(there)")
  }
}
