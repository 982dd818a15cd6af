import LanternPlatform
package import LanternFormats
import LanternPictures
package import LanternSamplers
public import LanternTensor

/// The recipe of a picture: how it was drawn, as text in its file. In the form that stable-diffusion-webui and
/// many others read, and exactly, so that it can be drawn again.
public struct PictureRecipe: Sendable, Equatable {
  /// Names of the texts in a file.
  enum Key {
    static let parameters = "parameters"
    static let exact = "lantern"
    /// Names of two settings.
    static let loraHashes = "lora_hashes"
    static let embeddingHashes = "embedding_hashes"
    static let originalPrompt = "original_prompt"
  }

  /// The settings, by the names of the command line's options.
  let values: [String: JSONValue]
  /// The other program that wrote the settings; nil for Lantern.
  public let program: String?
  /// Notes on those without an effect, or with another one than there: a line each.
  public let notes: [String]

  /// The recipe of a picture that was drawn.
  ///
  /// - Parameters:
  ///   - request: what was wanted.
  ///   - settings: what was used.
  ///   - model: what drew it.
  ///   - refiner: what took the last steps over; nil for nothing.
  init(
    _ request: ImageRequest, _ settings: ImageSettings, _ model: ImageModel,
    refiner: ImageModel? = nil
  ) {
    var values = ImageSetting.recipe(of: settings.decided(request))
    values["model"] = .string(HubCache.name(of: model.path))
    values[Key.originalPrompt] = request.originalPrompt.map(JSONValue.string)
    if model.precision != .exact { values["precision"] = .string(model.precision.rawValue) }
    if model.isFast { values["fast"] = .bool(true) }
    if !model.loras.isEmpty {
      // The file's name alone: its folder is private.
      values["loras"] = .array(model.loras.map { .string($0.label) })
    }
    values[Key.loraHashes] = Self.hashes(model.loraHashes)
    values[Key.embeddingHashes] = Self.hashes(
      request.embeddings.reduce(into: [:]) { $0[$1.name] = $1.shortHash })
    if let refiner { values["refiner"] = .string(HubCache.name(of: refiner.path)) }
    if !model.parts.paths.isEmpty {
      values["parts"] = .object(model.parts.paths.mapValues { .string(LoRA($0).name) })
    }
    if let prediction = model.parts.prediction {
      values["prediction"] = .string(prediction.rawValue)
      if model.parts.hasZeroTerminalSNR { values["zero_terminal_snr"] = .bool(true) }
    }
    if let variant = model.variant { values["variant"] = .string(variant) }
    if let path = model.tinyDecoder { values["tiny_decoder"] = .string(LoRA(path).name) }
    values["instruction_set"] = .string(ComputeEngine.instructionSet)
    values["model_hash"] = model.hash.map(JSONValue.string)
    self.init(values)
  }

  /// The recipe of settings by their names.
  init(_ values: [String: JSONValue], by program: String? = nil, notes: [String] = []) {
    self.values = values
    self.program = program
    self.notes = notes
  }

  /// Whether both are equal: numbers by value, however they were written.
  public static func == (a: PictureRecipe, b: PictureRecipe) -> Bool {
    parsed(JSON.write(.object(a.values))) == parsed(JSON.write(.object(b.values)))
  }

  /// Both texts, for a file.
  package var metadata: PictureMetadata {
    PictureMetadata([
      PictureMetadata.Entry(key: Key.parameters, text: parameters),
      PictureMetadata.Entry(key: Key.exact, text: JSON.write(.object(values))),
    ])
  }

  /// The model's name, if the recipe has one.
  public var model: String? { values["model"]?.string }

  /// Which of the model's weights drew it, where they were not the plain ones.
  public var variant: String? { values["variant"]?.string }

  /// Names of the files or folders that went before the model's own parts, by the parts' names.
  public var parts: [String: String] {
    (values["parts"]?.object ?? [:]).compactMapValues(\.string)
  }

  /// What the denoiser was taken to predict, where that was requested.
  package var prediction: PredictionType? {
    values["prediction"]?.string.flatMap(PredictionType.init)
  }

  /// Whether the last timestep was taken to be noise alone.
  package var hasZeroTerminalSNR: Bool { values["zero_terminal_snr"]?.bool ?? false }

  /// The hash of the model's weights, if the recipe has one.
  public var modelHash: String? { values["model_hash"]?.string }

  /// The kernels that drew it, if the recipe says so: others round otherwise.
  public var instructionSet: String? { values["instruction_set"]?.string }

  /// How much of a picture to begin from was drawn anew, where another program says so; it may have
  /// begun from one.
  package var foreignStrength: Double? { program == nil ? nil : values["strength"]?.double }

  /// The settings for programs that listen: as they stand in a file, and the seed as a number.
  package var json: JSONValue {
    var values = values
    values["seed"] = JSONValue(request.seed)
    return .object(values)
  }

  /// The same as text: an object of settings by the names of the command line's options.
  public var text: String { JSON.write(json) }

  /// The seed of its noise, if the recipe has one.
  public var seed: UInt64? { values["seed"].flatMap { UInt64(json: $0) } }

  /// Whether the model's LoRA for few steps drew it.
  public var isFast: Bool { values["fast"]?.bool ?? false }

  /// What the model computed in.
  public var precision: Precision {
    // An older Lantern that did not say drew exactly; others' pictures are drawn as any.
    values["precision"]?.string.flatMap(Precision.init) ?? (program == nil ? .exact : .default)
  }

  /// What another version of Lantern may have called it.
  package var unknownPrecision: String? {
    values["precision"]?.string.flatMap { Precision(rawValue: $0) == nil ? $0 : nil }
  }

  /// Names of the LoRAs that were added to the model, each with its strength after a colon.
  public var loras: [String] { values["loras"]?.array?.compactMap(\.string) ?? [] }

  /// The beginnings of the hashes of LoRAs' files, by the names of ``loras``, as far as they are known.
  package var loraHashes: [String: String] { hashes(under: Key.loraHashes) }

  /// The same of embeddings, by their files' names.
  package var embeddingHashes: [String: String] { hashes(under: Key.embeddingHashes) }

  private func hashes(under key: String) -> [String: String] {
    (values[key]?.object ?? [:]).compactMapValues(\.string)
  }

  private static func hashes(_ found: [String: String]) -> JSONValue? {
    found.isEmpty ? nil : .object(found.mapValues(JSONValue.string))
  }

  /// Names of the ControlNets that made it follow pictures, which the recipe does not contain.
  public var controls: [String] { request.controls.map(\.name) }

  /// Names of the IP-Adapters by which pictures stood next to its prompt, which the recipe does not contain.
  public var imagePrompts: [String] { request.imagePrompts.map(\.name) }

  /// The name of the small decoder that drew it in place of the model's own.
  public var tinyDecoder: String? { values["tiny_decoder"]?.string }

  /// The name of the model that took the last steps over; nil where none did.
  public var refiner: String? { values["refiner"]?.string }

  /// Whether the picture began from another, which the recipe does not contain.
  public var needsInitialPicture: Bool { values["from_picture"]?.bool ?? false }

  /// Whether only a part of it was drawn, behind a mask, which the recipe does not contain.
  public var needsMask: Bool { values["masked"]?.bool ?? false }

  /// A request that draws the picture again.
  public var request: ImageRequest {
    var request = ImageSetting.request(of: values)
    if let originalPrompt {
      request.take(EnrichedPrompt(original: originalPrompt, text: request.prompt))
    }
    return request
  }

  /// The prompt before a language model made it richer; nil where none did.
  public var originalPrompt: String? { values[Key.originalPrompt]?.string }

  /// The text of JSON as a value, if it is one.
  static func parsed(_ text: String) -> JSONValue? {
    try? JSON.parse(text: text, file: Key.exact)
  }
}
