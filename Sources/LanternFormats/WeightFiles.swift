import LanternPlatform

/// The names of a component's weights, as diffusers and `transformers` give them: a stem, a variant
/// such as `fp16`, parts with an index, and the ending.
struct WeightFiles {
  private let names: Set<String>
  private let stems: [String]
  /// Which variants there are, sorted.
  let variants: [String]

  private static let endings = ["safetensors", "bin", "pth", "pt", "ckpt"]

  init(names: [String], stems: [String]) {
    self.names = Set(names)
    self.stems = stems
    self.variants = Set(names.compactMap { Self.variant(of: $0, stems) }).sorted()
  }

  /// The file of weights, or the index of its parts: safetensors first, then by stem.
  ///
  /// - Parameter variant: nil for the plain files.
  /// - Returns: a name; nil where there is none.
  func find(variant: String?) -> String? {
    let groups = [Array(Self.endings.prefix(1)), Array(Self.endings.dropFirst())]
    for endings in groups {
      for stem in stems {
        for ending in endings {
          let all =
            variant.map { variant in
              [
                "\(stem).\(variant).\(ending)", "\(stem).\(ending).index.\(variant).json",
                "\(stem).\(variant).\(ending).index.json",
              ]
            } ?? ["\(stem).\(ending)", "\(stem).\(ending).index.json"]
          if let found = all.first(where: names.contains) { return found }
        }
      }
    }
    return nil
  }

  /// The variant that a name is of; nil for plain files, parts, and what is none of the weights.
  private static func variant(of name: String, _ stems: [String]) -> String? {
    for stem in stems where name.hasPrefix("\(stem).") {
      let parts = name.dropFirst(stem.count + 1).split(
        separator: ".", omittingEmptySubsequences: false
      ).map(String.init)
      let variant: String? =
        switch parts.count {
        case 2 where endings.contains(parts[1]): parts[0]
        case 4 where endings.contains(parts[0]) && parts[1] == "index" && parts[3] == "json":
          parts[2]
        case 4 where endings.contains(parts[1]) && Array(parts[2...]) == ["index", "json"]: parts[0]
        default: nil
        }
      // `model.fp16-00001-of-00002.safetensors` is a part, which the index names.
      if let variant, !variant.isEmpty, !variant.contains("-of-") { return variant }
    }
    return nil
  }

  /// The error where there is none: which files there are instead.
  func missing(in folder: String) -> FormatError {
    let expected = FileSystem.join(folder, "\(stems.first ?? "model").safetensors")
    if variants.count > 1 {
      return .missingFile(
        path: expected,
        remedy: "there are the variants \(variants.joined(separator: ", ")): name one of them")
    }
    let part = names.filter { $0.contains("-of-0") }.min()
    if let part {
      return .missingFile(
        path: "\(expected).index.json",
        remedy: "it says what is in \(JSON.quoted(part)) and the other parts: fetch it too")
    }
    let endings = Self.endings + ["msgpack", "h5", "onnx", "xml", "gguf", "pb", "mlmodel"]
    let others = names.filter { name in endings.contains { name.hasSuffix(".\($0)") } }.sorted()
    for name in others {
      let path = FileSystem.join(folder, name)
      if let kind = FileKind.refusal(at: path) {
        return .unsupportedFileKind(path: path, remedy: kind)
      }
    }
    let remedy = "the weights of this component belong there: fetch the model again"
    guard let name = others.first else { return .missingFile(path: expected, remedy: remedy) }
    return .missingFile(
      path: expected, remedy: "\(remedy), or, if \(JSON.quoted(name)) is it, rename that")
  }
}
