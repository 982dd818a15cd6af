import LanternFormats
import LanternModels
import LanternPlatform
package import LanternTensor

/// A folder as transformers lays it out, a language model's or an encoder's, written anew: weights in another type, or in
/// files of a size.
package struct LanguageFolder {
  /// What is left out: a line each.
  package private(set) var notes: [String] = []
  private let folder: String
  private let target: String
  private let config: JSONValue
  private let archive: TensorArchive
  private let dtype: DType?
  private let limit: Int?

  /// PyTorch's names of types.
  private static let names: [DType: String] = [
    .float32: "float32", .float16: "float16", .bfloat16: "bfloat16",
  ]

  /// Whether a path is that of a folder that this reads: one with `config.json` that is no part of another model.
  package static func isFolder(_ path: String) -> Bool {
    FileSystem.exists(FileSystem.join(path, "config.json"))
      && !FileSystem.exists(FileSystem.join(path, "model_index.json"))
  }

  /// Opens a folder.
  ///
  /// - Parameters:
  ///   - folder: with `config.json` and weights.
  ///   - target: where to write.
  ///   - dtype: what weights are stored as: `float32`, `float16`, `bfloat16`; as they are when nil.
  ///   - limit: bytes of a file's tensors at most; one file for all when nil.
  /// - Throws: an error that names the file, what is wrong with it, and the remedy.
  package init(_ folder: String, to target: String, as dtype: DType? = nil, limit: Int? = nil)
    throws
  {
    (self.folder, self.target, self.dtype, self.limit) = (folder, target, dtype, limit)
    let settings = try LanguageFiles.config(folder: folder).config
    archive = try TensorArchive(folder: folder, stems: LanguageModel.stems)
    var members = settings.json.object ?? [:]
    if let dtype {
      if let quantized = members["quantization_config"], quantized != .null {
        throw FormatError.unsupportedSetting(
          key: "quantization_config", value: "there, and quantized weights have no other type",
          file: settings.file)
      }
      let key = members["torch_dtype"] == nil ? "dtype" : "torch_dtype"
      members[key] = .string(Self.names[dtype] ?? dtype.rawValue)
    }
    config = .object(members)
    notes = archive.notes
    let left = try FileSystem.list(folder).filter(isLeft).sorted()
    if !left.isEmpty { notes.append("left out: \(left.joined(separator: ", "))") }
  }

  /// Writes the folder, whole or not at all.
  ///
  /// - Parameter onFile: called before files are written; throw to stop.
  /// - Throws: an error that names what is wrong, or what `onFile` throws; nothing is there then.
  package func write(onFile: () throws -> Void = {}) throws {
    try AtomicFolder.write(to: target) { path in
      for name in try FileSystem.list(folder).sorted() {
        let source = FileSystem.join(folder, name)
        if isLeft(name) || isWeight(name) || name == "config.json" { continue }
        try onFile()
        guard FileSystem.isDirectory(source) else {
          try copy(source, to: FileSystem.join(path, name))
          continue
        }
        // A module of sentence-transformers.
        try FileSystem.makeFolder(FileSystem.join(path, name))
        for part in try FileSystem.list(source) {
          try copy(
            FileSystem.join(source, part),
            to: FileSystem.join(FileSystem.join(path, name), part))
        }
      }
      try AtomicFile.write(
        Array((JSON.indented(config) + "\n").utf8), to: FileSystem.join(path, "config.json"))
      try onFile()
      try SafetensorsFile.write(
        tensors(), in: path, stem: "model", limit: limit, countsParameters: true)
      try onFile()
    }
  }

  private func tensors() throws(FormatError) -> [PlannedTensor] {
    try ModuleOrder.sorted(archive.names).map { name throws(FormatError) in
      try PlannedTensor(name, as: dtype) { [archive] () throws(FormatError) in
        guard let found = try archive.tensor(name) else {
          throw .missingTensor(name: name, file: archive.file(of: name))
        }
        return found
      }
    }
  }

  private func copy(_ file: String, to path: String) throws(FormatError) {
    try AtomicFile.write(try FileSystem.read(file, limit: JSON.sizeLimit), to: path)
  }

  /// Whether a file is of the weights that are written anew.
  private func isWeight(_ name: String) -> Bool {
    archive.paths.contains { FileSystem.split($0).name == name }
      || name.hasSuffix(".safetensors.index.json") || name.hasSuffix(".bin.index.json")
  }

  /// Whether a file is of other weights, or a folder of none of the model's modules.
  private func isLeft(_ name: String) -> Bool {
    let path = FileSystem.join(folder, name)
    if FileSystem.isDirectory(path) {
      let modules = try? FileSystem.list(path)
      return name.hasPrefix(".") || modules?.contains("config.json") != true
        || modules?.contains { FileSystem.isDirectory(FileSystem.join(path, $0)) } == true
    }
    let endings = [".safetensors", ".bin", ".pt", ".pth", ".gguf", ".h5", ".msgpack", ".onnx"]
    return name.hasPrefix(".") || (endings.contains(where: name.hasSuffix) && !isWeight(name))
  }
}
