import LanternFormats
import LanternLayers
import LanternPlatform
import LanternTensor

/// A decoder's settings under the keys of a GGUF file, as llama.cpp reads them: the other way of ``GGUFSettings``.
struct GGUFKeys {
  private let config: LlamaConfig
  private let row: GGUFArchitecture
  private let file: String
  private(set) var notes: [String] = []

  init(_ config: LlamaConfig, _ row: GGUFArchitecture, file: String) {
    (self.config, self.row, self.file) = (config, row, file)
  }

  private var sizes: DecoderSizes { config.sizes }
  private var isGemma: Bool { row.name.hasPrefix("gemma") }

  private func refusal(_ what: String) -> FormatError {
    .unsupportedFileKind(
      path: file, remedy: "\(what), which llama.cpp does not read from a GGUF file of \(row.name)")
  }

  // MARK: What no key says

  /// Refuses what llama.cpp takes otherwise.
  mutating func check() throws(FormatError) {
    guard config.activation == (isGemma ? .geluTanh : .silu) else {
      throw refusal("another activation than the class's")
    }
    guard !config.biases.feedForward else { throw refusal("\"mlp_bias\" is true") }
    let isBiased = config.biases.projections
    guard !isBiased || ["llama", "qwen2"].contains(row.name) else {
      throw refusal("\"attention_bias\" is true")
    }
    guard row.name != "gemma2" || config.tieWordEmbeddings else {
      throw refusal("\"tie_word_embeddings\" is false")
    }
    // The 27 B models alone scale by features over heads.
    let isLargest = isGemma && sizes.layers == (row.name == "gemma2" ? 46 : 62)
    let divisor = isLargest ? sizes.features / sizes.heads : sizes.sizeOfHead
    let scale = config.scoreScale ?? 1 / Float(sizes.sizeOfHead).squareRoot()
    guard abs(scale * Float(divisor).squareRoot() - 1) < 1e-6 else {
      throw refusal("\"query_pre_attn_scalar\" is not \(divisor)")
    }
    try checkWindows()
    try checkRotation()
  }

  private var windows: Set<Int> { Set(config.sizes.windows.compactMap { $0 }) }

  /// Every how many layers one has no window; nil where there is no such number.
  private var period: Int? {
    (1...sizes.layers + 1).first { period in
      config.sizes.windows.enumerated().allSatisfy { ($1 != nil) == (($0 + 1) % period != 0) }
    }
  }

  private mutating func checkWindows() throws(FormatError) {
    let shortest = windows.min() ?? .max
    guard shortest < sizes.maximumLength else { return }
    if isGemma {
      guard period != nil else { throw refusal("layers with windows in another order") }
    } else if row.keys["attention.sliding_window"] == nil {
      notes.append(
        "\(file): the window of \(shortest) tokens is left out, which no key of \(row.name) says: longer texts are "
          + "continued otherwise")
    } else {
      notes.append(
        "\(file): llama.cpp leaves out \(row.name)'s window of \(shortest) tokens, and continues longer texts "
          + "otherwise")
    }
  }

  private func checkRotation() throws(FormatError) {
    if let windowed = config.windowedRope, windowed.scaling != .none {
      throw refusal("scaled positions of layers with a window")
    }
    switch config.rope.scaling {
    case .dynamic: throw refusal("\"rope_type\" is \"dynamic\"")
    case .yarn(let factor, _, _, _, let attention, let truncates):
      guard truncates, abs(attention - (0.1 * log(factor) + 1)) < 1e-6 else {
        throw refusal("YaRN with an attention factor of its own, or bounds that are not rounded")
      }
    default: break
    }
  }

  // MARK: Keys

  private func key(_ name: String) -> String { "\(row.name).\(name)" }

  func fields() -> [GGUFField] {
    var fields = [
      GGUFField("general.architecture", row.name),
      GGUFField(key("context_length"), sizes.maximumLength),
      GGUFField(key("embedding_length"), sizes.features),
      GGUFField(key("block_count"), sizes.layers),
      GGUFField(key("feed_forward_length"), sizes.inner),
      GGUFField(key("vocab_size"), sizes.vocabulary),
      GGUFField(key("attention.head_count"), sizes.heads),
      GGUFField(key("attention.head_count_kv"), sizes.headsOfKeys),
      GGUFField(key("attention.key_length"), sizes.sizeOfHead),
      GGUFField(key("attention.value_length"), sizes.sizeOfHead),
      GGUFField(key("attention.layer_norm_rms_epsilon"), config.normEps),
      GGUFField(key("rope.dimension_count"), config.rope.features(sizes.sizeOfHead)),
      GGUFField(key("rope.freq_base"), config.rope.theta),
    ]
    if row.keys["attention.sliding_window"] != nil {
      let window = windows.min() ?? 0
      if window > 0 || !isGemma {
        fields.append(GGUFField(key("attention.sliding_window"), window))
      }
      // llama.cpp knows the usual order without it, and older ones of it do not read it.
      if isGemma, let period, period != (row.name == "gemma2" ? 2 : 6) {
        // A period of more layers than there are: none is without a window.
        fields.append(
          GGUFField(
            key("attention.sliding_window_pattern"), period > sizes.layers ? 0 : period))
      }
    }
    if let windowed = config.windowedRope {
      fields.append(GGUFField(key("rope.freq_base_swa"), windowed.theta))
    }
    if let cap = config.softCaps.scores {
      fields.append(GGUFField(key("attn_logit_softcapping"), cap))
    }
    if let cap = config.softCaps.logits {
      fields.append(GGUFField(key("final_logit_softcapping"), cap))
    }
    return fields + scaling()
  }

  private func scaling() -> [GGUFField] {
    func kind(_ name: String, _ factor: Double) -> [GGUFField] {
      [
        GGUFField(key("rope.scaling.type"), name),
        GGUFField(key("rope.scaling.factor"), Float(factor)),
      ]
    }
    func trained(_ length: Int) -> GGUFField {
      GGUFField(key("rope.scaling.original_context_length"), length)
    }
    switch config.rope.scaling {
    case .none, .dynamic, .llama3, .divided: return []
    case .linear(let factor): return kind("linear", factor)
    case .yarn(let factor, let length, let fast, let slow, _, _):
      return kind("yarn", factor) + [
        trained(length), GGUFField(key("rope.scaling.yarn_beta_fast"), Float(fast)),
        GGUFField(key("rope.scaling.yarn_beta_slow"), Float(slow)),
      ]
    case .longrope(_, _, let length, let attention):
      return [trained(length), GGUFField(key("rope.scaling.attn_factor"), Float(attention))]
    }
  }

  // MARK: Tensors

  /// Tensors that hold settings.
  func tensors() -> [(name: String, numbers: [Float])] {
    switch config.rope.scaling {
    case .llama3, .divided:
      [("rope_freqs.weight", config.rope.embedding(headSize: sizes.sizeOfHead).divisors)]
    case .longrope(let short, let long, _, _):
      [
        ("rope_factors_long.weight", long.map { Float($0) }),
        ("rope_factors_short.weight", short.map { Float($0) }),
      ]
    default: []
    }
  }

  /// The weights: rows of queries and keys in llama.cpp's order, norms as it adds them.
  func views(_ archive: TensorArchive) throws(FormatError) -> [GGUFContent.Part] {
    var parts: [GGUFContent.Part] = []
    for name in archive.names {
      // Made anew from settings.
      if name.hasSuffix("rotary_emb.inv_freq") { continue }
      if name == "lm_head.weight", config.tieWordEmbeddings { continue }
      // Zeros that a library gives to layers without biases.
      if archive.idle.contains(name), !config.biases.projections { continue }
      guard let original = row.original(name), let (type, shape) = archive.info(name) else {
        throw .unsupportedFileKind(
          path: archive.file(of: name),
          remedy: "tensor \(JSON.quoted(name)) is none that a GGUF file of \(row.name) has")
      }
      let heads =
        name.contains(".q_proj.")
        ? sizes.heads : name.contains(".k_proj.") ? sizes.headsOfKeys : nil
      let isNorm = config.normsAddOne && name.hasSuffix("norm.weight")
      var part = GGUFContent.Part(name: original, shape: shape, storedType: type) {
        [row] () throws(FormatError) in
        let file = archive.file(of: name)
        let tensor = try GGUFContent.found(archive.tensor(name), name, file)
        do throws(TensorError) {
          if isNorm { return try tensor.converted(to: .float32).scaled(by: 1, plus: 1) }
          guard row.isInterleaved, let heads else { return tensor }
          return try Self.interleaved(tensor, heads: heads)
        } catch {
          throw .tensor(error)
        }
      }
      if archive.format(name)?.packedForm != nil {
        part.stored = { [row] () throws(FormatError) in
          let blocks = try archive.blocks(name)
          guard row.isInterleaved, let heads, let blocks else { return blocks }
          do throws(TensorError) {
            return try blocks.reorderingRows(Self.order(rows: blocks.shape[0], heads: heads))
          } catch {
            throw .tensor(error)
          }
        }
      }
      parts.append(part)
    }
    return parts
  }

  /// The row of a folder's tensor that becomes each row of a file's.
  private static func order(rows: Int, heads: Int) -> [Int] {
    let half = max(1, rows / max(1, heads) / 2)
    return (0..<rows).map { row in
      row / (2 * half) * 2 * half + row % 2 * half + row % (2 * half) / 2
    }
  }

  /// Rows i and half + i of each head as rows 2i and 2i + 1.
  private static func interleaved(_ tensor: Tensor, heads: Int) throws(TensorError) -> Tensor {
    let rows = tensor.shape.first ?? 0
    guard heads > 0, rows > 0, rows % (2 * heads) == 0 else {
      throw .shape(op: "heads", expected: "rows of \(heads) heads", found: tensor.shape)
    }
    return try tensor.reshaped([heads, 2, rows / heads / 2, tensor.elementCount / rows])
      .permuted([0, 2, 1, 3]).contiguous().reshaped(tensor.shape)
  }
}
