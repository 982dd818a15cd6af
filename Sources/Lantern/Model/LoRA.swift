import LanternPlatform
import LanternFormats
import LanternLayers

/// A low-rank adapter of a model's weights (LoRA, Hu et al. 2021, arXiv:2106.09685): a style, a
/// subject, or drawing in few steps.
public struct LoRA: Sendable, Equatable {
  /// A file in diffusers', PEFT's or kohya's spelling, or a folder that diffusers or PEFT wrote.
  public var path: String
  /// How much of it is added; 1 is all, and less than 0 goes the other way.
  public var strength: Float

  /// All of a file, or a part of it.
  public init(_ path: String, strength: Float = 1) {
    self.path = path
    self.strength = strength
  }

  /// The file's or folder's name without the folder it is in.
  package var name: String {
    var path = path[...]
    while path.count > 1, path.last == "/" { path.removeLast() }
    return FileSystem.split(String(path)).name
  }

  /// Its name, and the strength after a colon.
  package var label: String { "\(name):\(strength)" }

  /// Opens the file, or those of the folder.
  func adapters() throws -> [LowRankAdapter] {
    guard strength.isFinite else {
      throw RequestError.range(
        name: "strength of \(path)", found: "\(strength)", allowed: "a number")
    }
    return try Self.files(at: path).map { file in
      try LowRankAdapter(
        openTensorFile(file.path), config: file.config, strength: strength)
    }
  }

  private static let settingsName = "adapter_config.json"
  private static let names = [
    "adapter_model", "pytorch_lora_weights",
  ].flatMap { stem in ["safetensors", "bin"].map { "\(stem).\($0)" } }

  /// The files of an adapter, each with PEFT's settings where they are next to it.
  private static func files(at path: String) throws(FormatError) -> [(
    path: String, config: String?
  )] {
    guard FileSystem.isDirectory(path) else {
      let config = FileSystem.join(FileSystem.split(path).folder, settingsName)
      return [(path, FileSystem.exists(config) ? config : nil)]
    }
    // What PEFT calls the text encoder's and the U-Net's adapters, each in a folder of its own.
    let parts = ["unet", "text_encoder"].map { FileSystem.join(path, $0) }.filter {
      FileSystem.exists(FileSystem.join($0, settingsName))
    }
    if !parts.isEmpty {
      var all: [(path: String, config: String?)] = []
      for part in parts { all += try files(at: part) }
      return all
    }
    let all = try FileSystem.list(path)
    let hasSettings = all.contains(settingsName)
    let config = hasSettings ? FileSystem.join(path, settingsName) : nil
    if let name = names.first(where: all.contains) {
      return [(FileSystem.join(path, name), config)]
    }
    // As in diffusers, which takes those of training for none.
    let others = [".safetensors", ".bin"].map { ending in
      all.filter { name in
        name.hasSuffix(ending)
          && !["scheduler", "optimizer", "checkpoint"].contains(where: name.contains)
      }
    }
    guard let found = others.first(where: { !$0.isEmpty }) else {
      let named = all.filter { FileSystem.exists("\(path)/\($0)/\(settingsName)") }
      throw .missingFile(
        path: FileSystem.join(path, names[0]),
        remedy: named.isEmpty
          ? "a LoRA's folder holds it, or \(names[2])"
          : "there are adapters in \(named.joined(separator: ", ")): name one of these folders")
    }
    guard found.count == 1 else {
      throw .missingFile(
        path: FileSystem.join(path, names[0]),
        remedy: "there are \(found.joined(separator: ", ")): name one of them")
    }
    return [(FileSystem.join(path, found[0]), config)]
  }
}
