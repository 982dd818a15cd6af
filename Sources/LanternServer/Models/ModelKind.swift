import Lantern
import LanternFormats
import LanternPlatform

/// What a model on the shelf does.
enum ModelKind: String, Sendable {
  case image, language, embedding, story, upscaler

  /// What it does, in words.
  var words: String {
    switch self {
    case .image: "draws"
    case .language: "writes"
    case .embedding: "makes vectors of texts"
    case .story: "tells stories"
    case .upscaler: "enlarges pictures"
    }
  }

  /// The kind of what lies at a path, by the names of its files; nil for what is no model.
  init?(path: String) {
    let name = path.lowercased()
    if FileSystem.isFile(path) {
      if name.hasSuffix(".gguf") {
        self = .language
      } else if [".safetensors", ".ckpt"].contains(where: name.hasSuffix) {
        self = .image
      } else {
        return nil
      }
      return
    }
    func has(_ file: String) -> Bool { FileSystem.exists(FileSystem.join(path, file)) }
    if has("model_index.json") {
      self = .image
    } else if has("modules.json") || TextEmbedder.isEncoder(path) {
      self = .embedding
    } else if LanguageGenerator.isModel(path) {
      self = .language
    } else if StoryGenerator.isModel(path) {
      self = .story
    } else {
      return nil
    }
  }
}

extension FileSystem {
  /// Bytes of a model's files: of the weights alone.
  static func weightBytes(_ path: String, depth: Int = 0) -> Int {
    if isFile(path) { return Int(FileStamp(of: path)?.byteCount ?? 0) }
    guard depth < 3, let names = try? list(path) else { return 0 }
    return names.reduce(0) { sum, name in
      let inner = join(path, name)
      if isDirectory(inner) { return sum + weightBytes(inner, depth: depth + 1) }
      let isWeights = [".safetensors", ".bin", ".gguf", ".ckpt"].contains(where: name.hasSuffix)
      return isWeights ? sum + Int(FileStamp(of: inner)?.byteCount ?? 0) : sum
    }
  }
}
