package import LanternFormats
import LanternLayers
package import LanternModels

extension Judge {
  /// What tells a judge from another: its folder's name and the bytes of its weights.
  ///
  /// - Throws: ``FormatError`` where there are none.
  package static func identity(folder: String) throws(FormatError) -> String {
    let archive = try TensorArchive(folder: folder, stems: ["model"])
    return "\(FileSystem.split(folder).name), \(archive.byteCount) bytes"
  }

  /// Loads a judge.
  ///
  /// - Parameter folder: with `config.json` and `model.safetensors`, as `weights/judge`.
  /// - Throws: ``FormatError`` or ``ModelError`` that names the file and what is wrong with it.
  package init(folder: String) throws {
    let path = FileSystem.join(folder, "config.json")
    let config = try Config(path: path)
    let kind = try config.string("model_type")
    guard let make = ModelCatalogue.judges[kind] else {
      throw FormatError.unsupportedSetting(key: "model_type", value: kind, file: path)
    }
    self = try make(config, Weights(TensorArchive(folder: folder, stems: ["model"])))
  }
}
