package import LanternFormats
package import LanternLayers
import LanternTensor

/// The settings of a decoder of Llama's kind, read from transformers' `config.json`.
package struct LlamaConfig: Sendable {
  /// transformers' classes of this kind, which differ in what their settings are called and mean.
  package enum Architecture: Sendable {
    case llama, mistral, qwen2, qwen3
  }

  var vocabSize: Int
  var hiddenSize: Int
  var intermediateSize: Int
  var numHiddenLayers: Int
  var numAttentionHeads: Int
  var numKeyValueHeads: Int
  var headSize: Int
  /// Tokens that the positions were trained for.
  var maxPositionEmbeddings: Int
  var rmsNormEps: Float
  var hiddenAct: Activation
  var tieWordEmbeddings: Bool
  /// Whether queries, keys and values have biases, the output of attention, and the feed-forward layer.
  var biases = (projections: false, output: false, feedForward: false)
  /// Whether each head's queries and keys are normalised.
  let hasHeadNorms: Bool
  /// Of each layer, how many tokens a token attends to: all before it where nil.
  var slidingWindows: [Int?] = []
  var rope: RopeParameters

  private static let harmless = TransformersSettings.harmless.union(["pretraining_tp"])

  /// Reads the settings; absent ones are those of the class.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when sizes do not divide.
  package init(_ config: Config, of architecture: Architecture) throws(ModelError) {
    do throws(FormatError) {
      let isQwen = architecture == .qwen2 || architecture == .qwen3
      vocabSize = try config.integer("vocab_size", default: isQwen ? 151_936 : 32000)
      hiddenSize = try config.integer("hidden_size", default: 4096)
      intermediateSize = try config.integer(
        "intermediate_size",
        default: isQwen ? 22016 : architecture == .mistral ? 14336 : 11008)
      numHiddenLayers = try config.integer("num_hidden_layers", default: 32)
      numAttentionHeads = try config.integer("num_attention_heads", default: 32)
      // A key that stands there as null means as many as heads.
      let fewest = architecture == .mistral ? 8 : isQwen ? 32 : numAttentionHeads
      let isNull = config.value("num_key_value_heads") == .null
      numKeyValueHeads = try config.integer(
        "num_key_value_heads", default: isNull ? numAttentionHeads : fewest)
      let divided = numAttentionHeads > 0 ? hiddenSize / numAttentionHeads : 0
      headSize = try config.integer("head_dim", default: architecture == .qwen3 ? 128 : divided)
      maxPositionEmbeddings = try config.integer(
        "max_position_embeddings",
        default: isQwen ? 32768 : architecture == .mistral ? 131_072 : 2048)
      rmsNormEps = try config.float("rms_norm_eps", default: 1e-6)
      hiddenAct = try TransformersSettings.activation(config, default: "silu")
      tieWordEmbeddings = try config.bool("tie_word_embeddings", default: false)
      hasHeadNorms = architecture == .qwen3
      rope = try RopeParameters(config, length: maxPositionEmbeddings)
      guard rope.isWhole else {
        throw .unsupportedSetting(
          key: "partial_rotary_factor", value: "less than 1", file: config.file)
      }
      biases = try Self.biases(config, architecture)
      slidingWindows = try Self.windows(config, architecture, layers: numHiddenLayers)
      try config.finish(ignoring: Self.harmless)
    } catch {
      throw .file(error)
    }
    try check(config.file)
  }

  private static func biases(_ config: Config, _ architecture: Architecture) throws(FormatError)
    -> (projections: Bool, output: Bool, feedForward: Bool)
  {
    switch architecture {
    case .llama:
      let attention = try config.bool("attention_bias", default: false)
      return (attention, attention, try config.bool("mlp_bias", default: false))
    case .mistral: return (false, false, false)
    case .qwen2: return (true, false, false)
    case .qwen3:
      let attention = try config.bool("attention_bias", default: false)
      return (attention, attention, false)
    }
  }

  /// Of each layer, how many tokens a token attends to.
  private static func windows(
    _ config: Config, _ architecture: Architecture, layers: Int
  ) throws(FormatError) -> [Int?] {
    let count = max(0, min(layers, 1024))
    guard architecture != .llama else { return Array(repeating: nil, count: count) }
    // A key that stands there as null means no window.
    let isNull = config.value("sliding_window") == .null
    let size = try config.integer("sliding_window", default: 4096)
    guard size > 0 else {
      throw .unsupportedSetting(key: "sliding_window", value: "\(size)", file: config.file)
    }
    guard architecture != .mistral else {
      return Array(repeating: isNull ? nil : size, count: count)
    }
    let isUsed = try config.bool("use_sliding_window", default: false) && !isNull
    let first = try config.integer("max_window_layers", default: 28)
    let defaultValue = (0..<count).map {
      isUsed && $0 >= first ? "sliding_attention" : "full_attention"
    }
    let types = try config.strings("layer_types", default: defaultValue)
    guard types.count == count else {
      throw .unsupportedSetting(
        key: "layer_types", value: "of \(types.count) layers", file: config.file)
    }
    return try types.map { type throws(FormatError) in
      switch type {
      case "full_attention": return nil
      case "sliding_attention" where isUsed: return size
      default: throw .unsupportedSetting(key: "layer_types", value: type, file: config.file)
      }
    }
  }

  private func check(_ file: String) throws(ModelError) {
    let sizes = [
      vocabSize, hiddenSize, intermediateSize, numHiddenLayers, numAttentionHeads, numKeyValueHeads,
      headSize, maxPositionEmbeddings,
    ]
    guard sizes.allSatisfy({ (1...1 << 24).contains($0) }), numHiddenLayers <= 1024,
      headSize <= 1024, headSize % 2 == 0, numAttentionHeads <= 1 << 14,
      numAttentionHeads % numKeyValueHeads == 0
    else {
      throw .inconsistent(
        reason: "sizes must be positive, num_key_value_heads must divide num_attention_heads, and "
          + "head_dim be even and at most 1024", file: file)
    }
  }
}
