import LanternPlatform
package import LanternFormats
import LanternLayers
package import LanternModels

extension Judge {
  /// The identity of a judge: a hash of its weights (FNV-1a of 64 bits, by words of 8
  /// bytes).
  ///
  /// - Throws: ``FormatError`` where there are none.
  package static func identity(folder: String) throws(FormatError) -> String {
    let path = FileSystem.join(folder, "model.safetensors")
    let bytes = try FileSystem.read(path, limit: 1 << 30)
    var hash = FNV1a()
    bytes.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[..<($0.count & ~7)])) }
    return hash.hex
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
