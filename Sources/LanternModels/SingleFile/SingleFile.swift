package import LanternFormats
package import LanternLayers

/// A model in one file, in the names of the original code of latent diffusion or in diffusers': its parts as
/// a folder would have them.
///
/// What it is, and all sizes, follow from the names and shapes of its tensors; the file's name says nothing.
package struct SingleFile: OneFileModel {
  package let path: String
  package let kind: SingleFileKind
  /// What its U-Net predicts, and how that is known.
  package let prediction: Prediction
  package let notes: [String]
  /// Names of tensors that no part reads and that are not known to be of none.
  package let unknown: [String]
  /// Names of tensors that no part needs: of training, schedules, layers that are left out.
  package let ignored: [String]
  /// Parts that the file does not hold.
  package let missing: [String]
  /// The file itself.
  package let file: any TensorFile
  package let pipelineClass: String
  /// What its U-Net is, where it is another than the kind's own: of other inputs, or a smaller one.
  package let variant: String?
  private let components: [String: any ModelComponent]

  package var kindName: String { kind.name }
  package var indexPath: String { path }
  package var componentNames: [String] { components.keys.sorted() }
  package var settings: [String: JSONValue] { kind.settings }

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - file: the file.
  ///   - tokenizer: the folder of a tokenizer, which such files lack.
  ///   - prediction: what the U-Net predicts, where that is requested.
  /// - Throws: ``ModelError`` for a file that cannot be read, or is no such model.
  package init(_ file: any TensorFile, tokenizer: String, prediction: Prediction? = nil)
    throws(ModelError)
  {
    let path = file.path
    guard let denoiser = SingleFilePart.denoiser(in: file) else {
      let kind = CheckpointKind(names: file.names)
      if let kind, kind.isRead {
        throw .misplaced(found: kind.name, wanted: "model with a U-Net", file: path)
      }
      let name = kind?.name ?? "a file of unknown tensors"
      throw .unsupported(what: "is \(name), not a model with a U-Net", file: path)
    }
    let (kind, note) = try SingleFileKind.of(denoiser.tensors, in: file)
    let decided: Prediction
    if let prediction {
      decided = prediction
    } else {
      decided = try Prediction(of: file, denoiser.tensors, kind)
    }
    let parts = try Self.parts(of: file, denoiser, kind, decided)
    var components: [String: any ModelComponent] = parts.mapValues {
      FileComponent($0.className, $0.settings, $0.part.tensors, path: path)
    }
    let unet = parts["unet"]?.settings ?? [:]
    let scheduler = kind.scheduler(
      for: decided, of: unet, distilledTo: FewStepKind.of(file.metadata)?.kind)
    components["scheduler"] = FileComponent(
      scheduler.className, scheduler.settings, nil, path: path)
    for encoder in kind.textEncoders {
      components[encoder.tokenizer] = FolderComponent(
        "CLIPTokenizer", tokenizer, settings: ["pad_token": .string(encoder.padding)])
    }
    let read = parts.values.reduce(into: Set<String>()) { $0.formUnion($1.part.sources) }
    let left = file.names.filter { !read.contains($0) }
    (self.path, self.file, self.kind, self.prediction) = (path, file, kind, decided)
    self.pipelineClass = kind.pipelineClass(of: unet)
    self.variant =
      kind.variant(of: unet) ?? ShapeSettings(file: denoiser.tensors).distilled(from: kind)
    self.unknown = left.filter { !kind.ignores($0) }
    self.ignored = left.filter(kind.ignores)
    self.missing = (["vae"] + kind.textEncoders.map(\.component)).filter { components[$0] == nil }
    self.components = components
    self.notes =
      [note, Self.note(on: unknown, path), "\(path): predicts \(decided)"].compactMap(\.self)
  }

  /// The parts with weights.
  private static func parts(
    of file: any TensorFile, _ denoiser: SingleFilePart, _ kind: SingleFileKind,
    _ prediction: Prediction
  ) throws(ModelError) -> [String: Part] {
    var parts: [String: Part] = [:]
    for encoder in kind.textEncoders {
      guard let part = encoder.find(in: file, isAlone: false) else { continue }
      parts[encoder.component] = (encoder.className, part, try part.textEncoderSettings)
    }
    let pooled = parts["text_encoder_2"].flatMap { part in
      part.part.tensors.info("text_projection.weight")?.shape.first
    }
    let sampleSize = kind.sampleSize(isVelocity: prediction.type == "v_prediction")
    let settings = try ShapeSettings(file: denoiser.tensors).unet(
      heads: kind.heads, sampleSize: sampleSize, pooled: pooled, sizes: kind.sizeCount)
    parts["unet"] = ("UNet2DConditionModel", denoiser, settings)
    if let part = SingleFilePart.autoencoder(in: file) {
      let settings = try ShapeSettings(file: part.tensors).autoencoder(
        scalingFactor: kind.scalingFactor, sampleSize: 8 * sampleSize)
      parts["vae"] = ("AutoencoderKL", part, settings)
    }
    return parts
  }

  /// Whether a file of tensors is such a model, and not one part in diffusers' names.
  package static func isModel(_ file: any TensorFile) -> Bool {
    SingleFilePart.denoiser(in: file) != nil
      && !file.contains("down_blocks.0.resnets.0.norm1.weight")
  }

  private typealias Part = (
    className: String, part: SingleFilePart, settings: [String: JSONValue]
  )

  static func note(on unknown: [String], _ path: String) -> String? {
    guard !unknown.isEmpty else { return nil }
    let names = unknown.prefix(3).map(JSON.quoted).joined(separator: ", ")
    return "\(path): tensors without an effect: \(names)"
      + (unknown.count > 3 ? " and \(unknown.count - 3) more" : "")
  }

  package func className(of component: String) -> String? { components[component]?.className }

  package func component(_ name: String) throws(FormatError) -> any ModelComponent {
    guard let component = components[name] else { throw .missingPart(name: name, path: path) }
    return component
  }
}

extension SingleFilePart {
  /// The settings of a text encoder.
  var textEncoderSettings: [String: JSONValue] {
    get throws(ModelError) {
      let prefix = tensors.names.contains { $0.hasPrefix("text_model.") } ? "text_model." : ""
      return try ShapeSettings(file: tensors).textEncoder(isOpenCLIP: isOpenCLIP, below: prefix)
    }
  }
}

extension SingleFileKind {
  /// The scheduler's class and settings.
  ///
  /// - Parameters:
  ///   - prediction: what the U-Net predicts.
  ///   - unet: its settings.
  ///   - fewSteps: what the model was distilled to; nil for none.
  /// - Returns: what `scheduler_config.json` would say.
  package func scheduler(
    for prediction: Prediction, of unet: [String: JSONValue], distilledTo fewSteps: FewStepKind?
  ) -> (className: String, settings: [String: JSONValue]) {
    let isNoise = prediction.type == "epsilon"
    let usual = isNoise && !prediction.hasZeroTerminalSNR ? schedulers.noise : schedulers.velocity
    // What has guidance as an input was distilled to a latent consistency model.
    let isConsistent = (unet["time_cond_proj_dim"] ?? .null) != .null
    let name = fewSteps?.scheduler ?? (isConsistent ? "LCMScheduler" : usual)
    var settings: [String: JSONValue] = [
      "_class_name": .string(name), "beta_start": .number(0.00085), "beta_end": .number(0.012),
      "beta_schedule": .string("scaled_linear"), "num_train_timesteps": .integer(1000),
      "steps_offset": .integer(1), "prediction_type": .string(prediction.type),
    ]
    switch name {
    case "PNDMScheduler": settings["skip_prk_steps"] = .bool(true)
    case "DDIMScheduler": settings["clip_sample"] = .bool(false)
    case "LCMScheduler": settings["original_inference_steps"] = .integer(50)
    default: settings["timestep_spacing"] = .string("leading")
    }
    if ["PNDMScheduler", "DDIMScheduler"].contains(name) {
      settings["set_alpha_to_one"] = .bool(false)
    }
    settings.merge(fewSteps?.settings ?? [:]) { _, new in new }
    settings.merge(prediction.zeroTerminalSettings) { _, new in new }
    return (name, settings)
  }

  /// What a U-Net of the kind is, where its inputs are others; nil where they are the kind's own.
  func variant(of unet: [String: JSONValue]) -> String? {
    if unet["time_cond_proj_dim"] != nil { return "latent consistency model" }
    switch unet["in_channels"]?.integer {
    case 9: return "inpainting"
    case 8: return "InstructPix2Pix"
    default: return nil
    }
  }

  /// Whether a tensor is of what no part reads, and known: the last layer and the projection that
  /// Stable Diffusion 2 does without among them.
  func ignores(_ name: String) -> Bool {
    SingleFileBookkeeping.holds(name)
      || textEncoders.contains { encoder in
        encoder.prefixes.contains { name.hasPrefix($0) }
          && (encoder.endsBeforeLast || name.hasSuffix("text_projection.weight"))
      }
  }
}

extension Prediction: CustomStringConvertible {
  /// What is predicted, and what decided.
  package var description: String {
    "\(type)\(hasZeroTerminalSNR ? " with zero terminal SNR" : "") (\(rule))"
  }

  /// Settings of a scheduler whose last timestep is noise alone; none where it is not.
  package var zeroTerminalSettings: [String: JSONValue] {
    hasZeroTerminalSNR
      ? ["rescale_betas_zero_snr": .bool(true), "timestep_spacing": .string("trailing")] : [:]
  }
}
