package import LanternFormats
package import LanternLayers
import LanternTensor

/// The settings of a decoder of Llama's kind, read from transformers' `config.json`.
package struct LlamaConfig: Sendable {
  /// transformers' classes of this kind, which differ in what their settings are called and mean.
  package enum Architecture: Sendable {
    case llama, mistral, mixtral, qwen2, qwen3, qwen2Moe, qwen3Moe, phi3, gemma2, gemma3, glm, glm4

    var isGemma: Bool { self == .gemma2 || self == .gemma3 }
    var isGLM: Bool { self == .glm || self == .glm4 }
  }

  var sizes: DecoderSizes
  var normEps: Float
  var activation: Activation
  var tieWordEmbeddings: Bool
  /// Whether queries, keys and values have biases, the output of attention, and the feed-forward layer.
  var biases = (projections: false, output: false, feedForward: false)
  /// Whether each head's queries and keys are normalised.
  let hasHeadNorms: Bool
  /// Whether queries, keys and values are one matrix, and whether gates and values of the feed-forward layer are.
  let isFused: (attention: Bool, feedForward: Bool)
  /// Whether what attention and the feed-forward layer give is normalised before it is added.
  let hasBranchNorms: Bool
  /// Whether norms scale by 1 + weight.
  var normsAddOne = false
  /// What embeddings are multiplied by.
  var embeddingScale: Float?
  /// Of attention's scores; 1/√headSize when nil.
  var scoreScale: Float?
  /// c of c · tanh(x / c), which attention's scores and the logits become.
  var softCaps: (scores: Float?, logits: Float?) = (nil, nil)
  /// How layers choose among experts, and which do; none where nil.
  var experts: (settings: MixtureOfExperts.Settings, layers: Set<Int>)?
  /// How the class calls tensors, where it is otherwise than here.
  var names: DecoderNames?
  var rope: RopeParameters
  var pairing = RotaryEmbedding.Pairing.halves
  /// Of layers with a window, where they turn otherwise.
  var windowedRope: RopeParameters?
  /// Whether tokens attend to those behind them too, and nothing has logits.
  let isBidirectional: Bool

  private static let harmless = TransformersSettings.harmless.union(["pretraining_tp"])

  /// Reads the settings; absent ones are those of the class.
  ///
  /// - Parameters:
  ///   - config: the settings.
  ///   - architecture: the class.
  ///   - isBidirectional: whether tokens attend to those behind them too, as Gemma 3's settings say of an encoder.
  /// - Throws: ``ModelError/file(_:)`` for a mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when sizes do not divide.
  package init(_ config: Config, of architecture: Architecture, isBidirectional: Bool = false)
    throws(ModelError)
  {
    self.isBidirectional = isBidirectional
    var ignored = Self.harmless
    hasHeadNorms = [.qwen3, .qwen3Moe, .gemma3].contains(architecture)
    hasBranchNorms = architecture.isGemma || architecture == .glm4
    isFused = (
      attention: architecture == .phi3, feedForward: architecture == .phi3 || architecture.isGLM
    )
    do throws(FormatError) {
      sizes = try DecoderSizes(config, default: Self.sizes(architecture))
      normEps = try config.float("rms_norm_eps", default: Self.normEps(architecture))
      activation =
        architecture.isGemma
        ? try TransformersSettings.activation(
          config, "hidden_activation", default: "gelu_pytorch_tanh")
        : try TransformersSettings.activation(config, default: "silu")
      tieWordEmbeddings = try config.bool("tie_word_embeddings", default: architecture.isGemma)
      if architecture == .gemma3 {
        let both = try RopeParameters.byLayerType(config, length: sizes.maximumLength)
        (rope, windowedRope) = (both.full, both.sliding)
      } else {
        rope = try RopeParameters(
          config, theta: architecture == .mixtral ? 1_000_000 : 10000,
          partialFactor: architecture.isGLM ? 0.5 : 1, length: sizes.maximumLength,
          isPhi3: architecture == .phi3)
      }
      biases = try Self.biases(config, architecture)
      sizes.windows = try Self.windows(config, architecture, layers: sizes.layers)
      experts = try Self.experts(config, architecture, sizes)
      names = Self.names(architecture)
      if architecture.isGLM { pairing = .interleaved }
      if experts != nil { ignored.formUnion(Self.routerTraining) }
      if architecture.isGemma { try readGemma(config, architecture) }
      if architecture.isGemma { ignored.formUnion(["cache_implementation", "hidden_act"]) }
      if architecture == .phi3 { ignored.formUnion(["embd_pdrop", "resid_pdrop"]) }
      try config.finish(ignoring: ignored)
    } catch {
      throw .file(error)
    }
    try sizes.check(config.file)
    try checkExperts(config.file)
    do throws(FormatError) {
      try rope.check(
        headSize: sizes.sizeOfHead, isWhole: architecture != .phi3 && !architecture.isGLM,
        config.file)
      try windowedRope?.check(headSize: sizes.sizeOfHead, isWhole: true, config.file)
    } catch {
      throw .file(error)
    }
  }

  /// The sizes of a class where settings do not say.
  private static func sizes(_ architecture: Architecture) -> DecoderSizes {
    switch architecture {
    case .llama:
      DecoderSizes(
        vocabulary: 32000, features: 4096, inner: 11008, layers: 32, heads: 32, maximumLength: 2048)
    case .mistral, .mixtral:
      DecoderSizes(
        vocabulary: 32000, features: 4096, inner: 14336, layers: 32, heads: 32, keyValueHeads: 8,
        maximumLength: 131_072)
    case .qwen2, .qwen3:
      DecoderSizes(
        vocabulary: 151_936, features: 4096, inner: 22016, layers: 32, heads: 32, keyValueHeads: 32,
        headSize: architecture == .qwen3 ? 128 : nil, maximumLength: 32768)
    case .qwen2Moe:
      DecoderSizes(
        vocabulary: 151_936, features: 2048, inner: 5632, layers: 24, heads: 16, keyValueHeads: 16,
        maximumLength: 32768)
    case .qwen3Moe:
      DecoderSizes(
        vocabulary: 151_936, features: 2048, inner: 6144, layers: 24, heads: 32, keyValueHeads: 4,
        maximumLength: 32768)
    case .glm, .glm4:
      DecoderSizes(
        vocabulary: 151_552, features: 4096, inner: 13696, layers: 40, heads: 32, keyValueHeads: 2,
        headSize: 128, maximumLength: 131_072)
    case .phi3:
      DecoderSizes(
        vocabulary: 32064, features: 3072, inner: 8192, layers: 32, heads: 32, maximumLength: 4096)
    case .gemma2, .gemma3:
      DecoderSizes(
        vocabulary: architecture == .gemma2 ? 256_000 : 262_208, features: 2304, inner: 9216,
        layers: 26, heads: 8, keyValueHeads: 4, headSize: 256,
        maximumLength: architecture == .gemma2 ? 8192 : 131_072)
    }
  }

  private static func normEps(_ architecture: Architecture) -> Float {
    switch architecture {
    case .phi3, .mixtral: 1e-5
    case .glm, .glm4: 0.000_000_156_25
    default: 1e-6
    }
  }

  private static func biases(_ config: Config, _ architecture: Architecture) throws(FormatError)
    -> (projections: Bool, output: Bool, feedForward: Bool)
  {
    switch architecture {
    case .mistral, .mixtral, .phi3: return (false, false, false)
    case .qwen2: return (true, false, false)
    case .qwen2Moe: return (try config.bool("qkv_bias", default: true), false, false)
    case .glm, .glm4: return (try config.bool("attention_bias", default: true), false, false)
    case .llama, .qwen3, .qwen3Moe, .gemma2, .gemma3:
      let attention = try config.bool("attention_bias", default: false)
      let feedForward =
        architecture == .llama ? try config.bool("mlp_bias", default: false) : false
      return (attention, attention, feedForward)
    }
  }

  /// What Gemma's settings alone have (Gemma Team 2024, arXiv:2408.00118, and 2025, arXiv:2503.19786).
  private mutating func readGemma(_ config: Config, _ architecture: Architecture)
    throws(FormatError)
  {
    // llama.cpp's files hold the sum.
    normsAddOne = try config.bool("norms_add_one", default: true)
    // transformers rounds it to the type that it holds the table in: here f32, whatever the file has.
    embeddingScale = Float(sizes.features).squareRoot()
    func cap(_ key: String, default standard: Float?) throws(FormatError) -> Float? {
      let found = config.has(key) ? try config.optionalFloat(key) : standard
      guard found.map({ $0 > 0 }) != false else {
        throw .unsupportedSetting(key: key, value: "not positive", file: config.file)
      }
      return found
    }
    let scalar = try config.float("query_pre_attn_scalar", default: 256)
    guard scalar > 0 else {
      throw .unsupportedSetting(
        key: "query_pre_attn_scalar", value: "\(scalar)", file: config.file)
    }
    scoreScale = 1 / scalar.squareRoot()
    softCaps.logits = try cap(
      "final_logit_softcapping", default: architecture == .gemma2 ? 30 : nil)
    if architecture == .gemma2 {
      softCaps.scores = try cap("attn_logit_softcapping", default: 50)
    } else {
      try config.expect("attn_logit_softcapping", [])
    }
    try config.expect("use_bidirectional_attention", [.bool(isBidirectional)])
  }
}
