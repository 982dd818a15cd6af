import Lantern
import LanternFormats
import LanternPlatform
import LanternModels
import LanternTokenizers

extension InspectCommand {
  /// The class of a network that lies in a folder by itself; nil for whole models and all else.
  static func partClass(at path: String) throws -> String? {
    let file = FileSystem.join(path, "config.json")
    guard !FileSystem.exists(FileSystem.join(path, "model_index.json")), FileSystem.exists(file)
    else { return nil }
    let config = try Config(path: file)
    let name =
      config.value("_class_name")?.string ?? config.value("architectures")?.array?.first?.string
      ?? (config.value("model_type")?.string == ModelCatalogue.judge ? ModelCatalogue.judge : nil)
    return name.flatMap { ModelCatalogue.unifiedTransformers[$0] == nil ? $0 : nil }
  }

  /// A network in a folder of its own, as a ControlNet.
  func inspectPart(_ path: String, _ name: String) throws {
    let config = try Config(path: FileSystem.join(path, "config.json"))
    let archive = try TensorArchive(folder: path, stems: Self.stems)
    let isRead = ModelCatalogue.reads(name)
    report(
      "\(path): \(name.escapingControls())", archive,
      [
        "event": .string("part"), "path": .string(path), "class": .string(name),
        "is_read": .bool(isRead),
      ])
    if !json {
      isRead
        ? Self.describe(CheckpointKind(names: archive.names))
        : Console.print("  \(name), which Lantern does not read yet")
    }
    if ModelCatalogue.isLanguageModel(name) {
      return try tellLanguageModel(path) {
        TokenizerCatalogue.isHere(path)
          ? try TokenizerCatalogue.loadLanguage(folder: path).notes : []
      }
    }
    if ModelCatalogue.encoders[name] != nil, TokenizerCatalogue.isHere(path) {
      return try tellEncoder(path)
    }
    // What a check of every tensor and setting finds, it finds now.
    try ModelCatalogue.check(name, config, archive)
    for note in archive.notes + config.notes { console.note(note) }
  }

  /// What an encoder makes of texts; what a check of every tensor and setting finds, it finds now.
  private func tellEncoder(_ path: String) throws {
    let embedder = try TextEmbedder(path: path)
    for note in embedder.notes { console.note(note) }
    let (pooling, prompts) = (embedder.pooling.map(\.rawValue), embedder.prompts.keys.sorted())
    report(
      "  makes vectors of \(embedder.features) features of texts of up to \(embedder.maximumLength) tokens; pooling "
        + pooling.joined(separator: ", ")
        + (prompts.isEmpty ? "" : "; prompts " + prompts.joined(separator: ", ")).escapingControls(),
      [
        "event": .string("encoder"), "features": .integer(embedder.features),
        "maximum_tokens": .integer(embedder.maximumLength),
        "pooling": .array(pooling.map(JSONValue.string)),
        "prompts": .array(prompts.map(JSONValue.string)),
      ])
  }

  /// A folder of an adapter that PEFT or diffusers wrote.
  func inspectAdapter(_ path: String) throws {
    let adapter = LoRA(path)
    for part in try adapter.files() {
      let file = try openTensorFile(part.path)
      let settings = try part.config.map { try JSON.read($0).object ?? [:] } ?? [:]
      let kind = CheckpointKind(names: file.names)
      report(
        "\(part.path)", TensorArchive(files: [file]),
        [
          "event": .string("weights"), "path": .string(part.path),
          "component": part.component.map(JSONValue.string) ?? .null,
          "kind": kind.map { .string($0.name) } ?? .null,
          "is_read": kind.map { .bool($0.isRead) } ?? .null, "settings": .object(settings),
          "metadata": .object(file.metadata.mapValues(JSONValue.string)),
        ])
      if json { continue }
      Self.describe(kind)
      for key in Self.adapterSettings {
        guard let value = settings[key], !value.isNull else { continue }
        Self.describe(key, value.string ?? JSON.write(value))
      }
      for (key, value) in file.metadata.sorted(by: { $0.key < $1.key }) {
        Self.describe(key, value)
      }
    }
    for note in try adapter.check() { console.note(note) }
  }

  /// What PEFT's settings say of an adapter's strength, and what it was made for.
  private static let adapterSettings = [
    "peft_type", "base_model_name_or_path", "r", "lora_alpha", "use_rslora", "use_dora",
  ]

  /// Names of files of weights.
  static let stems = ["diffusion_pytorch_model", "model", "pytorch_model"]
}
