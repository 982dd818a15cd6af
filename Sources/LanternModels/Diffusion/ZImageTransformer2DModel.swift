package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of Z-Image's transformer, read from diffusers' `transformer/config.json`.
package struct ZImageTransformer2DConfig: Sendable {
  let channels: Int
  let features: Int
  let layers: Int
  let refinerLayers: Int
  let heads: Int
  let normEps: Float
  let hasHeadNorms: Bool
  let textFeatures: Int
  let theta: Double
  let timeScale: Float
  let axes: [Int]

  /// Of the conditioning vector.
  var timeFeatures: Int { min(features, 256) }
  var inner: Int { features * 8 / 3 }

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a missing, mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` for sizes that do not fit.
  package init(_ config: Config) throws(ModelError) {
    do throws(FormatError) {
      try config.expect("all_patch_size", [[2]])
      try config.expect("all_f_patch_size", [[1]])
      try config.expect("siglip_feat_dim", [.null])
      channels = try config.integer("in_channels", default: 16)
      features = try config.integer("dim", default: 3840)
      layers = try config.integer("n_layers", default: 30)
      refinerLayers = try config.integer("n_refiner_layers", default: 2)
      heads = try config.integer("n_heads", default: 30)
      normEps = try config.float("norm_eps", default: 1e-5)
      hasHeadNorms = try config.bool("qk_norm", default: true)
      textFeatures = try config.integer("cap_feat_dim", default: 2560)
      theta = try config.double("rope_theta", default: 256)
      timeScale = try config.float("t_scale", default: 1000)
      axes = try config.integers("axes_dims", default: [32, 48, 48])
      // The reference has as many heads of keys, whatever the file says, and tables of positions up to `axes_lens`.
      try config.finish(ignoring: ["n_kv_heads", "axes_lens"])
    } catch {
      throw .file(error)
    }
    guard heads > 0, features % heads == 0 else {
      throw .inconsistent(reason: "n_heads must divide dim", file: config.file)
    }
    _ = try TransformerSizes.inner(heads, features / heads, ratio: 1, file: config.file)
    try TransformerSizes.check(
      [channels, textFeatures], layers: [layers, refinerLayers], file: config.file)
    try TransformerSizes.check(
      axes: axes, count: 3, theta: theta, of: features / heads, file: config.file)
  }
}

/// Z-Image's transformer (Cai et al. 2025, arXiv:2511.22699): text and picture in one stream, each behind refiners of its
/// own.
package struct ZImageTransformer2DModel: DenoiserNetwork {
  private let config: ZImageTransformer2DConfig
  private let timeEmbedder: Linear
  private let timeProjection: (weight: Tensor, bias: Tensor)
  private let xEmbedder: Linear
  private let captionNorm: RMSNorm
  private let captionEmbedder: Linear
  /// What stands for padding.
  private let (xPadding, captionPadding): (Tensor, Tensor)
  private let noiseRefiner: [ZImageBlock]
  private let contextRefiner: [ZImageBlock]
  private let layers: [ZImageBlock]
  private let rotary: AxialRotaryEmbedding
  private let finalModulation: Linear
  private let finalLinear: Linear

  /// Sequences are filled up to multiples of so many tokens.
  private static let multiple = 32

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: ZImageTransformer2DConfig, _ weights: Weights) throws(ModelError) {
    self.config = config
    let (size, time, pixels) = (config.features, config.timeFeatures, 4 * config.channels)
    func blocks(_ name: String, _ count: Int, isModulated: Bool = true) throws(ModelError)
      -> [ZImageBlock]
    {
      try (0..<count).map { index throws(ModelError) in
        try ZImageBlock(weights[name][index], config, isModulated: isModulated)
      }
    }
    xEmbedder = try Linear(weights["all_x_embedder.2-1"], pixels, size)
    let final = weights["all_final_layer.2-1"]
    finalLinear = try Linear(final["linear"], size, pixels)
    finalModulation = try Linear(final["adaLN_modulation"][1], time, size)
    noiseRefiner = try blocks("noise_refiner", config.refinerLayers)
    contextRefiner = try blocks("context_refiner", config.refinerLayers, isModulated: false)
    timeEmbedder = try Linear(weights["t_embedder.mlp"][0], 256, 1024)
    let projection = weights["t_embedder.mlp"][2]
    timeProjection = (
      try projection.tensor("weight", [time, 1024]), try projection.tensor("bias", [time])
    )
    captionNorm = try RMSNorm(
      weights["cap_embedder"][0], config.textFeatures, eps: config.normEps)
    captionEmbedder = try Linear(weights["cap_embedder"][1], config.textFeatures, size)
    xPadding = try weights.tensor("x_pad_token", [1, size])
    captionPadding = try weights.tensor("cap_pad_token", [1, size])
    layers = try blocks("layers", config.layers)
    rotary = AxialRotaryEmbedding(
      axes: config.axes, theta: config.theta, roundsAngles: true)
    try weights.finish()
  }

  package var geometry: LatentGeometry {
    // 1024² pixels, as in diffusers.
    LatentGeometry(
      inputChannels: config.channels, outputChannels: config.channels, width: 128, height: 128,
      patchSize: 2)
  }
  package var conditioningFeatures: Int { config.textFeatures }
  package var embedsGuidance: Bool { false }
  package func pooledFeatures(sizes count: Int) -> Int { 0 }

  package func conditioned(on conditioning: Conditioning, caching: StepCache?) throws(TensorError)
    -> ConditionedDenoiser
  {
    // Texts of different lengths see nothing of one another, nor of what fills them up to the longest.
    let captions = try (0..<conditioning.states.shape[0]).map { row throws(TensorError) in
      try caption(conditioning.text(row))
    }
    let caches = captions.map { _ in caching.map(FeatureCache.init) }
    return { latent, timestep throws(TensorError) in
      let time = try self.time(timestep)
      let rows = try (0..<latent.shape[0]).map { row throws(TensorError) in
        try predict(
          latent.sliced(axis: 0, row..<row + 1).contiguous(), captions[row], time, at: timestep,
          caches[row])
      }
      return rows.count == 1 ? rows[0] : try Tensor.concatenated(rows, axis: 0)
    }
  }

  private func time(_ timestep: Float) throws(TensorError) -> Tensor {
    // The reference counts from noise, 0, to the picture, 1.
    let sinusoid = TimestepEmbedding.sinusoid(
      (1000 - timestep) / 1000 * config.timeScale, 256, cosineFirst: true, shift: 0)
    let first = try timeEmbedder(Tensor(sinusoid, shape: [1, 256]), activation: .silu)
    // All blocks depend on these few sums of 1024 products: short runs, added in f64, round as little as the reference's.
    let sums = try (timeProjection.weight * first).sum() + timeProjection.bias
    return try sums.reshaped([1, sums.elementCount])
  }

  /// A text's tokens, refined, and their positions.
  private struct Caption: Sendable {
    let tokens: Tensor
    let positions: [[Int]]
  }

  private func caption(_ states: Tensor) throws(TensorError) -> Caption {
    let tokens = try padded(captionEmbedder(captionNorm(states)), with: captionPadding)
    let positions = (0..<tokens.shape[1]).map { [$0 + 1, 0, 0] }
    let turn = try rotary.turn(positions)
    var h = tokens
    for block in contextRefiner { h = try block(h, turn, nil) }
    return Caption(tokens: h, positions: positions)
  }

  /// `[1, height, width, channel]` of as much.
  private func predict(
    _ latent: Tensor, _ caption: Caption, _ time: Tensor, at timestep: Float,
    _ cache: FeatureCache?
  ) throws(TensorError) -> Tensor {
    let (height, width) = (latent.shape[1] / 2, latent.shape[2] / 2)
    let count = height * width
    let features: Tensor
    if let found = try cache?.forecast(at: timestep, [1, count, config.features]) {
      features = found
    } else {
      features = try self.features(latent, caption, time, height, width)
      try cache?.note(features, at: timestep)
    }
    let scale = try finalModulation(time.applying(.silu)).scaled(by: 1, plus: 1)
    let normed = try LayerNorm(eps: 1e-6)(features) * scale
    // The reference's answer points from the noise to the picture.
    return try finalLinear(normed).scaled(by: -1)
      .reshaped([1, height, width, 2, 2, config.channels]).permuted([0, 1, 3, 2, 4, 5])
      .reshaped([1, 2 * height, 2 * width, config.channels])
  }

  private func features(
    _ latent: Tensor, _ caption: Caption, _ time: Tensor, _ height: Int, _ width: Int
  ) throws(TensorError) -> Tensor {
    let count = height * width
    let patches = try latent.reshaped([1, height, 2, width, 2, config.channels])
      .permuted([0, 1, 3, 2, 4, 5]).reshaped([1, count, 4 * config.channels])
    var h = try padded(xEmbedder(patches), with: xPadding)
    var positions: [[Int]] = []
    for y in 0..<height {
      positions += (0..<width).map { [caption.positions.count + 1, y, $0] }
    }
    positions += Array(repeating: [0, 0, 0], count: h.shape[1] - count)
    let turn = try rotary.turn(positions)
    for block in noiseRefiner { h = try block(h, turn, time) }
    h = try Tensor.concatenated([h, caption.tokens], axis: 1)
    let all = try rotary.turn(positions + caption.positions)
    for block in layers { h = try block(h, all, time) }
    return try h.sliced(axis: 1, 0..<count).contiguous()
  }

  /// Tokens `[1, token, feature]` with padding behind them.
  private func padded(_ tokens: Tensor, with padding: Tensor) throws(TensorError) -> Tensor {
    let missing = (Self.multiple - tokens.shape[1] % Self.multiple) % Self.multiple
    guard missing > 0 else { return tokens }
    let row = try padding.reshaped([1, 1, config.features])
    return try Tensor.concatenated([tokens] + Array(repeating: row, count: missing), axis: 1)
  }
}

/// Attention and a gated feed-forward layer, each between two norms, with scales and gates by the timestep or without.
private struct ZImageBlock: Sendable {
  private let attention: Attention
  private let feedForward: FeedForward
  /// Before attention and behind it, before the feed-forward layer and behind it.
  private let norms: [RMSNorm]
  private let modulation: Linear?

  init(_ weights: Weights, _ config: ZImageTransformer2DConfig, isModulated: Bool)
    throws(ModelError)
  {
    let size = config.features
    attention = try Attention(
      weights["attention"], size, heads: config.heads, bias: false, outBias: false,
      norm: config.hasHeadNorms ? .rmsNorm(eps: 1e-5) : nil, naming: .diffusers)
    let maps = weights["feed_forward"]
    feedForward = try FeedForward(
      values: maps["w3"], gates: maps["w1"], maps["w2"], size, inner: config.inner,
      activation: .silu)
    norms = try ["attention_norm1", "attention_norm2", "ffn_norm1", "ffn_norm2"].map {
      name throws(ModelError) in try RMSNorm(weights[name], size, eps: config.normEps)
    }
    modulation =
      isModulated
      ? try Linear(weights["adaLN_modulation"][0], config.timeFeatures, 4 * size) : nil
  }

  /// The shape of `x`, `[1, token, feature]`.
  func callAsFunction(
    _ x: Tensor, _ turn: RotaryEmbedding.Turn, _ time: Tensor?
  ) throws(TensorError) -> Tensor {
    let parts = try modulation.flatMap { modulation throws(TensorError) in
      try time.map { time throws(TensorError) in try Self.parts(modulation(time)) }
    }
    func scaled(_ x: Tensor, _ part: Int) throws(TensorError) -> Tensor {
      if let parts { try x * parts[part] } else { x }
    }
    let normed = try scaled(norms[0](x), 0)
    let attended = try attention.project(
      attention.attend(
        attention.queries(of: normed, turn: turn),
        to: attention.keysAndValues(of: normed, turn: turn)))
    let h = try x + scaled(norms[1](attended), 1)
    return try h + scaled(norms[3](feedForward(scaled(norms[2](h), 2))), 3)
  }

  /// Scale, gate, scale and gate, each `[1, feature]`.
  private static func parts(_ all: Tensor) throws(TensorError) -> [Tensor] {
    let size = all.shape[1] / 4
    return try (0..<4).map { part throws(TensorError) in
      let found = try all.sliced(axis: 1, part * size..<(part + 1) * size).contiguous()
      return part % 2 == 0 ? try found.scaled(by: 1, plus: 1) : try found.applying(.tanh)
    }
  }
}
