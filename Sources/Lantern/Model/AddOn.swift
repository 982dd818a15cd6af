import LanternFormats
import LanternLayers
import LanternModels
import LanternPlatform
import LanternTensor

/// Loads models that are added to another one: a folder that diffusers or transformers wrote, or a file of
/// weights that says by its tensors what it is.
enum AddOn {
  /// Names that files of weights have in folders.
  private static let stems = ["diffusion_pytorch_model", "model", "pytorch_model"]

  /// Loads a model.
  ///
  /// - Parameters:
  ///   - path: a folder or a file.
  ///   - classes: models by the class that a folder names.
  ///   - rows: models by what a file holds.
  ///   - precision: what it computes in.
  /// - Returns: the model.
  /// - Throws: an error that names the file, what is wrong with it, and the remedy.
  static func load<Model>(
    _ path: String,
    _ classes: [String: @Sendable (Config, Weights) throws(ModelError) -> Model],
    _ rows: [FileRow<Model>], _ precision: Precision
  ) throws -> Model {
    guard FileSystem.isDirectory(path) else {
      let file = try openTensorFile(path)
      for row in rows {
        if let model = try row.model(of: file, precision) { return model }
      }
      throw RequestError.unsupportedModel(
        kind: CheckpointKind(names: file.names)?.name ?? "that is not known", path: path,
        supported: "files of \(rows.map(\.name).joined(separator: ", "))")
    }
    let config = try Config(path: FileSystem.join(path, "config.json"))
    let architecture = config.value("architectures")?.array?.first?.string
    let name = try architecture ?? config.string("_class_name")
    guard let make = classes[name] else {
      throw RequestError.unsupportedModel(
        kind: name, path: path, supported: classes.keys.sorted().joined(separator: ", "))
    }
    let archive = try TensorArchive(folder: path, stems: stems)
    return try make(config, Weights(archive, precision: precision))
  }
}

/// Models that were added to another one, by their paths, until they are released.
struct AddOnCache<Model: Sendable>: Sendable {
  private let models = Locked<[String: Model]>([:])

  /// The model of a path, made now if it is not cached.
  func callAsFunction(_ path: String, make: () throws -> Model) throws -> Model {
    if let cached = models({ $0[path] }) { return cached }
    let model = try make()
    models { $0[path] = model }
    return model
  }

  func release() { models { $0 = [:] } }
}
