import LanternPlatform
import LanternFormats
import LanternModels
public import LanternSamplers

/// Parts that go before a model's own, or that it lacks, each in a folder or a file of its own; and what its
/// denoiser predicts.
public struct ModelParts: Sendable, Equatable {
  /// The autoencoder, from pictures to latents and back.
  public var autoencoder: String?
  /// The text encoder, or the first of two.
  public var textEncoder: String?
  /// The second text encoder.
  public var textEncoder2: String?
  /// A folder with the tokenizer of all text encoders.
  public var tokenizer: String?
  /// What the denoiser predicts, where the model's files say nothing or are wrong.
  public var prediction: PredictionType?
  /// Whether the last timestep is noise alone (Lin et al. 2023, arXiv:2305.08891); heeded with
  /// ``prediction``.
  public var hasZeroTerminalSNR = false

  /// A model's own parts.
  public init() {}

  private var byName: [(name: String, path: String)] {
    [
      ("vae", autoencoder), ("text_encoder", textEncoder), ("text_encoder_2", textEncoder2),
    ].compactMap { name, path in path.map { (name, $0) } }
  }

  /// Paths by the names of the parts.
  var paths: [String: String] {
    var paths = Dictionary(byName.map { ($0.name, $0.path) }, uniquingKeysWith: { $1 })
    paths["tokenizer"] = tokenizer
    return paths
  }

  private var requested: Prediction? {
    prediction.map {
      Prediction($0.rawValue, zeroTerminalSNR: hasZeroTerminalSNR, by: "as requested")
    }
  }

  /// Opens a model with these parts.
  ///
  /// - Parameter path: its folder or file.
  /// - Returns: its files.
  /// - Throws: an error of the room where something is wrong.
  package func source(at path: String) throws -> any ModelSource {
    let name = FileSystem.split(path).name
    let base: any ModelSource =
      FileSystem.isFile(path) && name != "model_index.json"
      ? try singleFile(path) : try ModelFolder(path)
    var parts: [String: any ModelComponent] = [:]
    let kind = SingleFileKind.of(base)
    for (name, path) in byName {
      guard kind.has(name) else {
        throw RequestError.mismatch(
          reason: "the model has no \(name) that \(path) could replace", path: base.path)
      }
      parts[name] = try kind.part(name, at: path, for: base)
    }
    if let tokenizer, !(base is SingleFile) {
      for name in base.componentNames where name.hasPrefix("tokenizer") {
        // What fills up a text is the text encoder's habit, and not the vocabulary's.
        let padding = name == "tokenizer" ? nil : try base.component(name).paddingToken
        parts[name] = FolderComponent(
          base.className(of: name), tokenizer,
          settings: padding.map { ["pad_token": $0] } ?? [:])
      }
    }
    if let requested, !(base is SingleFile) {
      let scheduler = try base.component("scheduler")
      parts["scheduler"] = FolderComponent(
        scheduler.className, scheduler.path,
        settings: requested.zeroTerminalSettings.merging([
          "prediction_type": .string(requested.type)
        ]) { _, new in new })
    }
    return parts.isEmpty ? base : AlteredModel(base, replacing: parts)
  }

  private func singleFile(_ path: String) throws -> SingleFile {
    if let refusal = FileKind.refusal(at: path) {
      throw FormatError.unsupportedFileKind(path: path, remedy: refusal)
    }
    return try SingleFile(
      path, tokenizer: tokenizer ?? ModelLocation.clip.path(), prediction: requested)
  }
}

extension ModelComponent {
  /// The token that a tokenizer's files fill texts up with; nil where they name none.
  fileprivate var paddingToken: JSONValue? {
    get throws(FormatError) {
      for name in ["special_tokens_map.json", "tokenizer_config.json"] where has(name) {
        if let token = try config(name).json.object?["pad_token"], token != .null { return token }
      }
      return nil
    }
  }
}
