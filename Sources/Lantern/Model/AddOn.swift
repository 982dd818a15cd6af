import LanternFormats
import LanternLayers
import LanternModels
import LanternPlatform
import LanternTensor

/// Loads models that are added to another one: a folder that diffusers wrote, or a file of weights that says
/// by its tensors what it is.
enum AddOn {
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
    let name = try config.string("_class_name")
    guard let make = classes[name] else {
      throw RequestError.unsupportedModel(
        kind: name, path: path, supported: classes.keys.sorted().joined(separator: ", "))
    }
    let archive = try TensorArchive(folder: path, stems: ["diffusion_pytorch_model"])
    return try make(config, Weights(archive, precision: precision))
  }
}
