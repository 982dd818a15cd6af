package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The sizes of an IP-Adapter, which its tensors show.
package struct IPAdapterConfig: Sendable {
  /// How a picture's features become tokens, and the sizes of that.
  enum Projection: Sendable, Equatable {
    /// A linear map of the picture's embedding to `tokens` tokens: the plain ones.
    case linear(tokens: Int)
    /// A feed-forward layer for each hidden state, of which each is a token: "full face".
    case feedForward(inner: Int)
    /// A resampler of hidden states: "Plus".
    case resampler(Resampler)
  }

  /// The sizes of a resampler.
  struct Resampler: Sendable, Equatable {
    var tokens: Int
    var width: Int
    var layers: Int
    var heads: Int
    var inner: Int
  }

  let projection: Projection
  /// Features of the picture that it takes.
  let inputs: Int
  /// Features of a token.
  let features: Int
  /// Channels of each attention, in the order of the file.
  let attentionChannels: [Int]

  /// Features of a resampler's head, which no tensor shows.
  static let headSize = 64

  /// Reads the sizes.
  ///
  /// - Throws: ``ModelError/unsupported(what:file:)`` for a variant that is not read,
  ///   ``ModelError/inconsistent(reason:file:)`` for sizes that make no adapter.
  package init(_ file: any TensorFile) throws(ModelError) {
    func size(_ name: String, _ axis: Int) -> Int { file.size("image_proj.\(name)", axis) }
    func has(_ name: String) -> Bool { file.contains("image_proj.\(name)") }
    if file.names.contains(where: { $0.contains("_lora.") })
      || has("perceiver_resampler.proj_in.weight")
      || (has("norm.weight") && has("proj.2.weight") && !has("proj.3.weight"))
    {
      throw .unsupported(
        what: "is an IP-Adapter of the kind FaceID, which follows the faces that insightface finds",
        file: file.path)
    }
    let attentions =
      0..<(0..<4096).prefix {
        file.contains("ip_adapter.\(2 * $0 + 1).to_k_ip.weight")
      }.count
    attentionChannels = attentions.map { file.size("ip_adapter.\(2 * $0 + 1).to_k_ip.weight", 0) }
    features = file.size("ip_adapter.1.to_k_ip.weight", 1)
    if has("proj.weight") {
      inputs = size("proj.weight", 1)
      projection = .linear(tokens: features > 0 ? size("proj.weight", 0) / features : 0)
    } else if has("proj.3.weight") {
      inputs = size("proj.0.weight", 1)
      projection = .feedForward(inner: size("proj.0.weight", 0))
    } else {
      inputs = size("proj_in.weight", 1)
      projection = .resampler(
        Resampler(
          tokens: size("latents", 1), width: size("latents", 2),
          layers: file.count("image_proj.layers.", ".0.to_q.weight"),
          heads: size("layers.0.0.to_q.weight", 0) / Self.headSize,
          inner: size("layers.0.1.1.weight", 0)))
    }
    guard isSensible else {
      throw .inconsistent(
        reason:
          "\(attentionChannels.count) attentions, \(inputs) features of a picture, \(features) of a "
          + "token and \(projection) make no IP-Adapter", file: file.path)
    }
  }

  private var isSensible: Bool {
    let own =
      switch projection {
      case .linear(let tokens): [tokens]
      case .feedForward(let inner): [inner]
      case .resampler(let sizes):
        [sizes.tokens, sizes.width, sizes.layers, sizes.heads, sizes.inner]
      }
    return !attentionChannels.isEmpty
      && ([inputs, features] + attentionChannels + own).allSatisfy { (1...1 << 20).contains($0) }
  }

  /// A file of an IP-Adapter; nil for another model.
  package static func renamed(_ file: any TensorFile) -> (any TensorFile)? {
    file.names.contains { $0.hasPrefix("ip_adapter.") || $0.hasPrefix("image_proj.") } ? file : nil
  }
}

/// An IP-Adapter: tokens of a picture, and keys and values of them for each attention to the text of a U-Net (Ye
/// et al. 2023, arXiv:2308.06721).
package struct IPAdapter: ImagePromptAdapter {
  private enum Projection {
    case linear(Linear, LayerNorm, tokens: Int)
    case feedForward(FeedForward, LayerNorm)
    case resampler(PictureResampler)
  }

  private let config: IPAdapterConfig
  private let projection: Projection
  private let attentions: [(k: Linear, v: Linear)]

  package var attentionChannels: [Int] { config.attentionChannels }
  package var inputs: Int { config.inputs }
  package var takesStates: Bool {
    if case .linear = projection { false } else { true }
  }

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: IPAdapterConfig, _ root: Weights) throws(ModelError) {
    self.config = config
    let (weights, inputs, features) = (root["image_proj"], config.inputs, config.features)
    switch config.projection {
    case .linear(let tokens):
      projection = .linear(
        try Linear(weights["proj"], inputs, tokens * features),
        try LayerNorm(weights["norm"], features), tokens: tokens)
    case .feedForward(let inner):
      projection = .feedForward(
        try FeedForward(
          weights["proj"][0], weights["proj"][2], inputs, inner: inner, outputs: features,
          activation: .gelu),
        try LayerNorm(weights["proj"][3], features))
    case .resampler(let sizes):
      projection = .resampler(
        try PictureResampler(sizes, weights, inputs: inputs, outputs: features))
    }
    attentions = try config.attentionChannels.enumerated().map {
      index, channels throws(ModelError) in
      let attention = root["ip_adapter"][2 * index + 1]
      return (
        try Linear(attention["to_k_ip"], features, channels, bias: false),
        try Linear(attention["to_v_ip"], features, channels, bias: false)
      )
    }
    try root.finish()
  }

  package func tokens(of picture: Tensor) throws(TensorError) -> Tensor {
    switch projection {
    case .linear(let linear, let norm, let tokens):
      try norm(linear(picture).reshaped([picture.shape[0], tokens, config.features]))
    case .feedForward(let feedForward, let norm): try norm(feedForward(picture))
    case .resampler(let resampler): try resampler(picture)
    }
  }

  package func keysAndValues(of tokens: Tensor) throws(TensorError) -> [Attention.KeysAndValues] {
    try attentions.map { attention throws(TensorError) in
      Attention.KeysAndValues(keys: try attention.k(tokens), values: try attention.v(tokens))
    }
  }
}

/// The perceiver of IP-Adapter Plus: a fixed number of tokens attends to hidden states and to itself, layer by
/// layer (Alayrac et al. 2022, arXiv:2204.14198).
private struct PictureResampler: Sendable {
  private let latents: Tensor
  private let projectIn: Linear
  private let layers: [Layer]
  private let projectOut: Linear
  private let normOut: LayerNorm

  init(_ sizes: IPAdapterConfig.Resampler, _ weights: Weights, inputs: Int, outputs: Int)
    throws(ModelError)
  {
    latents = try weights.tensor("latents", [1, sizes.tokens, sizes.width])
    projectIn = try Linear(weights["proj_in"], inputs, sizes.width)
    layers = try (0..<sizes.layers).map { index throws(ModelError) in
      try Layer(weights["layers"][index], sizes)
    }
    projectOut = try Linear(weights["proj_out"], sizes.width, outputs)
    normOut = try LayerNorm(weights["norm_out"], outputs)
  }

  func callAsFunction(_ states: Tensor) throws(TensorError) -> Tensor {
    let x = try projectIn(states)
    var h = try Tensor(repeating: 0, shape: [x.shape[0], 1, 1]) + latents
    for layer in layers { h = try layer(h, to: x) }
    return try normOut(projectOut(h))
  }

  private struct Layer: Sendable {
    private let norm1: LayerNorm
    private let norm2: LayerNorm
    private let q: Linear
    private let k: Linear
    private let v: Linear
    private let out: Linear
    private let norm: LayerNorm
    private let feedForward: FeedForward
    private let heads: Int
    private let precision: Precision

    init(_ weights: Weights, _ sizes: IPAdapterConfig.Resampler) throws(ModelError) {
      let (attention, ahead) = (weights[0], weights[1])
      let (width, inner) = (sizes.width, sizes.heads * IPAdapterConfig.headSize)
      norm1 = try LayerNorm(attention["norm1"], width)
      norm2 = try LayerNorm(attention["norm2"], width)
      q = try Linear(attention["to_q"], width, inner, bias: false)
      let keysAndValues = attention["to_kv"]
      k = try Linear(keysAndValues, width, 2 * inner, rows: 0..<inner, bias: false)
      v = try Linear(keysAndValues, width, 2 * inner, rows: inner..<2 * inner, bias: false)
      out = try Linear(attention["to_out"], inner, width, bias: false)
      norm = try LayerNorm(ahead[0], width)
      feedForward = try FeedForward(
        ahead[1], ahead[3], width, inner: sizes.inner, bias: false, activation: .gelu)
      (heads, precision) = (sizes.heads, weights.precision)
    }

    func callAsFunction(_ latents: Tensor, to states: Tensor) throws(TensorError) -> Tensor {
      let own = try norm2(latents)
      let context = try Tensor.concatenated([norm1(states), own], axis: 1)
      let attended = try attention(
        q(own), k(context), v(context), heads: heads, mask: .none, scale: nil, precision: precision)
      let h = try out(attended, residual: latents)
      return try feedForward(norm(h), residual: h)
    }
  }
}
