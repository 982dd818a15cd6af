import LanternFormats
import LanternLayers
import LanternTensor

/// BERT's settings under the keys of a GGUF file, as llama.cpp reads them.
struct GGUFEncoderKeys {
  private let config: BertConfig
  private let row: GGUFArchitecture
  private let file: String
  private(set) var notes: [String] = []

  init(_ config: BertConfig, _ row: GGUFArchitecture, file: String) {
    (self.config, self.row, self.file) = (config, row, file)
  }

  /// The keys.
  ///
  /// - Throws: ``FormatError`` for what llama.cpp takes otherwise.
  func fields() throws(FormatError) -> [GGUFField] {
    guard config.activation == .gelu else {
      throw .unsupportedFileKind(
        path: file,
        remedy: "another activation than GELU, which llama.cpp does not read from a GGUF file of "
          + row.name)
    }
    func key(_ name: String) -> String { "\(row.name).\(name)" }
    return [
      GGUFField("general.architecture", row.name),
      GGUFField(key("context_length"), config.positions),
      GGUFField(key("embedding_length"), config.sizes.features),
      GGUFField(key("block_count"), config.sizes.layers),
      GGUFField(key("feed_forward_length"), config.sizes.inner),
      GGUFField(key("vocab_size"), config.sizes.vocabulary),
      GGUFField(key("attention.head_count"), config.sizes.heads),
      GGUFField(key("attention.layer_norm_epsilon"), config.normEps),
      GGUFField(key("attention.causal"), false),
      GGUFField("tokenizer.ggml.token_type_count", config.segments),
    ]
  }

  /// The weights, but for those of a pooler and of heads.
  mutating func views(_ archive: TensorArchive) throws(FormatError) -> [GGUFContent.Part] {
    var parts: [GGUFContent.Part] = []
    var left: [String] = []
    for name in archive.names where !name.hasSuffix("position_ids") {
      let plain = name.hasPrefix("bert.") ? String(name.dropFirst("bert.".count)) : name
      guard let original = row.original(plain), let (type, shape) = archive.info(name) else {
        left.append(name)
        continue
      }
      parts.append(
        GGUFContent.Part(name: original, shape: shape, storedType: type) {
          () throws(FormatError) in
          try GGUFContent.found(archive.tensor(name), name, archive.file(of: name))
        })
    }
    if !left.isEmpty {
      notes.append("left out, of no use to vectors: \(left.sorted().joined(separator: ", "))")
    }
    return parts
  }
}
