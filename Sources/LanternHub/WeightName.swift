/// The name of a file of weights, or of the index of its parts, as diffusers and `transformers` give them.
struct WeightName {
  /// The variant, as `fp16`; nil for plain weights.
  let variant: String?
  /// The format's ending, as `safetensors`.
  let format: String
  /// Whether the variant stands behind the part's number, as older programs wrote it.
  let isLegacy: Bool
  /// Whether it is an index.
  let isIndex: Bool

  private static let stems = ["diffusion_pytorch_model", "model", "pytorch_model", "weights"]
  /// Formats that components of pipelines have.
  static let formats = ["safetensors", "bin", "onnx", "pb"]

  /// The parts of a name; nil for a file of another kind.
  init?(_ name: Substring) {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count >= 2 else { return nil }
    let (stem, format) = (parts[0], parts[1])
    let isStem = Self.stems.contains(stem)
    switch parts.count {
    case 2 where Self.formats.contains(format) && (isStem || Self.isPart(stem, of: Self.stems)):
      self.init(nil, format)
    case 3 where isStem && Self.formats.contains(parts[2]):
      self.init(Self.withoutPart(format), parts[2])
    case 3 where Self.withoutPart(stem) != stem: self.init(format, parts[2], isLegacy: true)
    case 4 where isStem && Self.formats.contains(format) && parts[2...] == ["index", "json"]:
      self.init(nil, format, isIndex: true)
    case 5 where isStem && Self.formats.contains(format) && parts[2] == "index":
      self.init(parts[3], format, isIndex: true)
    case 5 where isStem && Self.formats.contains(format) && parts[3...] == ["index", "json"]:
      self.init(parts[2], format, isLegacy: true, isIndex: true)
    default: return nil
    }
  }

  private init(
    _ variant: String?, _ format: String, isLegacy: Bool = false, isIndex: Bool = false
  ) {
    (self.variant, self.format) = (variant, format)
    (self.isLegacy, self.isIndex) = (isLegacy, isIndex)
  }

  private static func isPart(_ name: String, of stems: [String]) -> Bool {
    let plain = withoutPart(name)
    return plain != name && stems.contains(plain)
  }

  /// A name without `-00001-of-00002` at its end.
  private static func withoutPart(_ name: String) -> String {
    let pieces = name.split(separator: "-", omittingEmptySubsequences: false)
    guard pieces.count > 3, pieces[pieces.count - 2] == "of",
      [pieces[pieces.count - 1], pieces[pieces.count - 3]].allSatisfy({ piece in
        piece.utf8.count == 5 && piece.utf8.allSatisfy { (0x30...0x39).contains($0) }
      })
    else { return name }
    return pieces.dropLast(3).joined(separator: "-")
  }
}
