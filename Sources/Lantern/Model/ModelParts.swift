import LanternPlatform
import LanternFormats
package import LanternModels
public import LanternSamplers
import LanternTokenizers

/// Parts that go before a model's own, or that it lacks, each in a folder or a file of its own; and what its
/// denoiser predicts.
public struct ModelParts: Sendable, Equatable {
  /// The autoencoder, from pictures to latents and back.
  public var autoencoder: String?
  /// The text encoder, or the first of two.
  public var textEncoder: String?
  /// The second text encoder.
  public var textEncoder2: String?
  /// The third text encoder.
  public var textEncoder3: String?
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
      ("text_encoder_3", textEncoder3),
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
    let kind: any PartedKind = base.transformerKind ?? SingleFileKind.of(base)
    for (name, path) in byName {
      guard kind.has(name) else {
        throw RequestError.mismatch(
          reason: "the model has no \(name) that \(path) could replace", path: base.path)
      }
      parts[name] = try kind.part(name, at: path, for: base)
    }
    if let file = base as? TransformerFile { parts.merge(tokenizers(of: file)) { $1 } }
    if let tokenizer, !(base is any OneFileModel) {
      for name in base.componentNames where name.hasPrefix("tokenizer") {
        // What fills up a text is the text encoder's habit, and not the vocabulary's.
        let padding = name == "tokenizer" ? nil : try base.component(name).paddingToken
        parts[name] = FolderComponent(
          base.className(of: name), tokenizer,
          settings: padding.map { ["pad_token": $0] } ?? [:])
      }
    }
    if let requested, !(base is any OneFileModel) {
      let scheduler = try base.component("scheduler")
      parts["scheduler"] = FolderComponent(
        scheduler.className, scheduler.path,
        settings: requested.zeroTerminalSettings.merging([
          "prediction_type": .string(requested.type)
        ]) { _, new in new })
    }
    return parts.isEmpty ? base : AlteredModel(base, replacing: parts)
  }

  /// A model in one file, as it lies there.
  package func singleFile(_ path: String) throws -> any OneFileModel {
    if let refusal = FileKind.refusal(at: path) {
      throw FormatError.unsupportedFileKind(path: path, remedy: refusal)
    }
    let file = try openTensorFile(path)
    // A whole model's folder has one for each text encoder.
    let named = tokenizer.map { path in
      let inner = FileSystem.join(path, "tokenizer")
      return FileSystem.isDirectory(inner) ? inner : path
    }
    let common = try? ModelLocation.clip.path()
    if let found = try TransformerFile(file, tokenizer: named ?? common) { return found }
    return try SingleFile(
      file, tokenizer: named ?? ModelLocation.clip.path(), prediction: requested)
  }

  /// Tokenizers that Lantern does not come with: in the folder that was named, in a GGUF file, next to a text encoder, or
  /// next to the model.
  private func tokenizers(of file: TransformerFile) -> [String: any ModelComponent] {
    let encoders = file.kind.textEncoders
    var found: [String: any ModelComponent] = [:]
    for encoder in encoders where encoder.commonPadding == nil {
      let own = byName.first { $0.name == encoder.component }?.path ?? file.path
      let folder = FileSystem.isDirectory(own) ? own : FileSystem.split(own).folder
      let near = [folder, FileSystem.split(folder).folder].map {
        FileSystem.join($0, encoder.tokenizer)
      }
      let named = tokenizer.map { path in
        [FileSystem.join(path, encoder.tokenizer)] + (encoders.count == 1 ? [path] : [])
      }
      let all = (named ?? []) + [own] + near.prefix(1) + [folder] + near.suffix(1)
      guard let path = all.first(where: TokenizerCatalogue.isHere) else { continue }
      found[encoder.tokenizer] = FolderComponent(nil, path)
    }
    return found
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
