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
  /// Nil of a folder.
  let file: GGUFFile?

  /// Opens the files.
  ///
  /// - Parameter path: a GGUF file, or a folder with `config.json` and weights.
  /// - Throws: an error that names the file, what is wrong with it, and the remedy.
  init(_ path: String) throws {
    guard !FileSystem.isDirectory(path) else {
      self.path = path
      (config, className) = try Self.config(folder: path)
      weights = try TensorArchive(folder: path, stems: LanguageModel.stems)
      file = nil
      return
    }
    let file = try GGUFFile(path)
    let model = try GGUFLanguageModel(file)
    (self.path, self.file) = (file.path, file)
    (className, config) = (model.className, model.config)
    weights = TensorArchive(files: [model.tensors])
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
    let decoded = try Quantization.decoded(weights, config)
    let weights = Weights(decoded, precision: precision, isPlan: isPlan)
    return (try make(config, weights), weights.heldBytes)
  }
}
