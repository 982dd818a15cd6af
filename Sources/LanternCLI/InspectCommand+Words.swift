import Lantern
import LanternFormats
import LanternModels

extension InspectCommand {
  /// A word of a file of textual inversion.
  struct Word {
    /// The word; nil where the file has none.
    let word: String?
    /// How many vectors stand for it.
    let vectors: Int
    /// Features of each, by text encoder.
    let features: [Int]

    /// Whose text encoders have so many features.
    private var model: String? {
      switch features {
      case [192]: "the shipped picturebook"
      case [768]: "Stable Diffusion 1"
      case [1024]: "Stable Diffusion 2"
      case [768, 1280]: "Stable Diffusion XL"
      default: nil
      }
    }

    var text: String {
      let named = word.map { "\($0.escapingControls()): " } ?? ""
      let counts = features.map(String.init).joined(separator: " and ")
      return "\(named)\(vectors) vector\(vectors == 1 ? "" : "s") of \(counts) features"
        + (model.map { ", as \($0) has" } ?? "")
    }

    var json: JSONValue {
      .object([
        "word": word.map(JSONValue.string) ?? .null, "vectors": .integer(vectors),
        "features": .array(features.map(JSONValue.integer)),
        "model": model.map(JSONValue.string) ?? .null,
      ])
    }
  }

  /// The words of a file of textual inversion; none of another.
  static func words(of file: any TensorFile) -> [Word] {
    guard let read = try? TextualInversionFile(file) else { return [] }
    return read.entries.map { entry in
      let features = entry.tables.values.compactMap { $0.shape.last }.sorted()
      let vectors = entry.tables.values.first?.shape.first ?? 0
      return Word(word: entry.word, vectors: vectors, features: features)
    }
  }
}
