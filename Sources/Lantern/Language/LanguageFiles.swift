import LanternFormats
import LanternLayers
import LanternModels
import LanternPlatform
import LanternTensor

/// The files of a language model, of which nothing but what they say of themselves was read.
struct LanguageFiles {
  /// Path of the GGUF file or the folder.
  let path: String
  /// The class of the network.
  let className: String
  let config: Config
  /// As they are stored.
  let weights: TensorArchive
  /// The same as the network reads them: what was quantized decoded, with what adapters add.
  private let decoded: TensorArchive
  /// What of adapters has no effect: a line each.
  let notes: [String]
  /// Nil of a folder.
  let file: GGUFFile?

  /// Opens the files.
  ///
  /// - Parameters:
  ///   - path: a GGUF file, or a folder with `config.json` and weights.
  ///   - loras: what is added to the weights.
  /// - Throws: an error that names the file, what is wrong with it, and the remedy.
  init(_ path: String, adding loras: [LoRA] = []) throws {
    guard !FileSystem.isDirectory(path) else {
      self.path = path
      (config, className) = try Self.config(folder: path)
      weights = try TensorArchive(folder: path, stems: LanguageModel.stems)
      file = nil
      (decoded, notes) = try Self.adapted(
        Quantization.decoded(weights, config), className, config.json, loras)
      return
    }
    let file = try GGUFFile(path)
    let model = try GGUFLanguageModel(file)
    (self.path, self.file) = (file.path, file)
    (className, config) = (model.className, model.config)
    weights = TensorArchive(files: [model.tensors])
    (decoded, notes) = try Self.adapted(weights, className, config.json, loras)
  }

  /// Weights with what adapters add to them, and notes on what of these has no effect.
  private static func adapted(
    _ weights: TensorArchive, _ className: String, _ settings: JSONValue, _ loras: [LoRA]
  ) throws -> (TensorArchive, [String]) {
    guard !loras.isEmpty else { return (weights, []) }
    let adapters = try loras.flatMap { try $0.languageAdapters(for: settings) }
    let file = try AdaptedFile(weights, adding: adapters, of: LoRA.languageModel) { name in
      ModelCatalogue.isTransposed(name, in: className)
    }
    let misfits = try adapters.compactMap { try $0.checkFit() }
    return (
      weights.replacing(file, idle: weights.idle),
      adapters.flatMap(\.notes) + misfits + loras.compactMap(\.idleNote)
    )
  }

  /// A folder's settings, and the class that they name.
  static func config(folder: String) throws(FormatError) -> (config: Config, className: String) {
    let file = FileSystem.join(folder, "config.json")
    guard FileSystem.exists(file) else {
      throw .missingFile(
        path: file,
        remedy: "give a GGUF file, or a folder with config.json, weights and a tokenizer")
    }
    let config = try Config(path: file)
    let names = try config.strings("architectures", default: [])
    return (config, names.first ?? "without architectures")
  }

  /// The network, and the bytes of memory that its weights take.
  ///
  /// - Parameters:
  ///   - precision: what it computes in.
  ///   - isPlan: whether none of its linear maps is read, so that it computes nothing.
  /// - Returns: both.
  /// - Throws: ``RequestError/unsupportedLanguageModel(kind:path:supported:)``, ``ModelError``.
  func network(_ precision: Precision, isPlan: Bool = false) throws -> (
    network: any CausalLanguageModel, bytes: Int
  ) {
    guard let make = ModelCatalogue.languageModels[className] else {
      throw RequestError.unsupportedLanguageModel(
        kind: className, path: path,
        supported: ModelCatalogue.languageModels.keys.sorted().joined(separator: ", "))
    }
    let weights = Weights(decoded, precision: precision, isPlan: isPlan)
    return (try make(config, weights), weights.heldBytes)
  }
}
