package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of SANA's transformer, read from diffusers' `transformer/config.json`.
package struct SanaTransformer2DConfig: Sendable {
  let channels: (input: Int, output: Int)
  let layers: Int
  let heads: (own: Int, text: Int)
  let headSizes: (own: Int, text: Int)
  let textFeatures: Int
  let feedForwardRatio: Double
  let hasAttentionBias: Bool
  /// Height and width of the latents that it was trained on.
  let sampleSize: Int
  let patchSize: Int
  /// What positions are divided by; nil for a model without positions.
  let interpolationScale: Int?
  let normEps: Float
  let embedsGuidance: Bool
  let guidanceScale: Float
  let hasNorms: Bool
  let timestepScale: Float

  var features: Int { heads.own * headSizes.own }

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a missing, mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` for sizes that do not fit.
  package init(_ config: Config) throws(ModelError) {
    let context: Int
    do throws(FormatError) {
      try config.expect("norm_elementwise_affine", [false])
      try config.expect("qk_norm", ["rms_norm_across_heads"])
      let input = try config.integer("in_channels", default: 32)
      channels = (input, try config.optionalInteger("out_channels") ?? input)
      heads = (
        try config.integer("num_attention_heads", default: 70),
        try config.integer("num_cross_attention_heads", default: 20)
      )
      headSizes = (
        try config.integer("attention_head_dim", default: 32),
        try config.integer("cross_attention_head_dim", default: 112)
      )
      layers = try config.integer("num_layers", default: 20)
      context = try config.integer("cross_attention_dim", default: 2240)
      textFeatures = try config.integer("caption_channels", default: 2304)
      feedForwardRatio = try config.double("mlp_ratio", default: 2.5)
      hasAttentionBias = try config.bool("attention_bias", default: false)
      sampleSize = try config.integer("sample_size", default: 32)
      patchSize = try config.integer("patch_size", default: 1)
      interpolationScale = try config.optionalInteger("interpolation_scale")
      normEps = try config.float("norm_eps", default: 1e-6)
      embedsGuidance = try config.bool("guidance_embeds", default: false)
      guidanceScale = try config.float("guidance_embeds_scale", default: 0.1)
      hasNorms = try config.optionalString("qk_norm") != nil
      timestepScale = try config.float("timestep_scale", default: 1)
      try config.finish(ignoring: ["dropout"])
    } catch {
      throw .file(error)
    }
    _ = try TransformerSizes.inner(
      heads.own, headSizes.own, ratio: feedForwardRatio, file: config.file)
    _ = try TransformerSizes.inner(heads.text, headSizes.text, ratio: 1, file: config.file)
    try TransformerSizes.check(
      [channels.input, channels.output, textFeatures], layers: [layers], file: config.file)
    guard context == features, heads.text * headSizes.text == features, features % 4 == 0,
      [channels.input, 2 * channels.input].contains(channels.output),
      (1...4096).contains(sampleSize), (1...8).contains(patchSize), sampleSize % patchSize == 0,
      interpolationScale ?? 1 > 0
    else {
      throw .inconsistent(
        reason:
          "cross_attention_dim and the heads of both attentions must have the \(features) features of "
          + "a token, a multiple of 4, out_channels be in_channels or twice as many, and sample_size 1 to 4096",
        file: config.file)
    }
  }
}

/// SANA's and SANA-Sprint's transformer (Xie et al. 2024, arXiv:2410.10629; Chen et al. 2025, arXiv:2503.09641): linear
/// attention, and feed-forward layers over neighbours.
package struct SanaTransformer2DModel: DenoiserNetwork {
  private let config: SanaTransformer2DConfig
  private let patchEmbed: PatchEmbed
  private let captionProjection: FeedForward
  private let captionNorm: RMSNorm
  private let timeEmbedding: TimestepEmbedding
  private let guidanceEmbedding: TimestepEmbedding?
  private let modulation: Linear
  private let blocks: [SanaBlock]
  private let lastTable: ScaleShiftTable
  private let projOut: Linear

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: SanaTransformer2DConfig, _ weights: Weights) throws(ModelError) {
    self.config = config
    let (size, patch) = (config.features, config.patchSize)
    patchEmbed = try PatchEmbed(
      weights["patch_embed"], channels: config.channels.input, features: size, patchSize: patch)
    let time = weights["time_embed"]
    func embedding(_ weights: Weights) throws(ModelError) -> TimestepEmbedding {
      try TimestepEmbedding(weights, 256, size, cosineFirst: true, shift: 0)
    }
    timeEmbedding = try embedding(
      config.embedsGuidance ? time["timestep_embedder"] : time["emb.timestep_embedder"])
    guidanceEmbedding = config.embedsGuidance ? try embedding(time["guidance_embedder"]) : nil
    modulation = try Linear(time["linear"], size, 6 * size)
    let caption = weights["caption_projection"]
    captionProjection = try FeedForward(
      caption["linear_1"], caption["linear_2"], config.textFeatures, inner: size, outputs: size,
      activation: .geluTanh)
    captionNorm = try RMSNorm(weights["caption_norm"], size, eps: 1e-5)
    blocks = try (0..<config.layers).map { index throws(ModelError) in
      try SanaBlock(weights["transformer_blocks"][index], config)
    }
    lastTable = try ScaleShiftTable(weights, features: size, parts: 2)
    projOut = try Linear(weights["proj_out"], size, patch * patch * config.channels.output)
    // The empty text is encoded.
    try weights.finish(ignoring: ["patch_embed.pos_embed", "caption_projection.y_embedding"])
  }

  package var geometry: LatentGeometry {
    LatentGeometry(
      inputChannels: config.channels.input, outputChannels: config.channels.input,
      width: config.sampleSize, height: config.sampleSize, patchSize: config.patchSize)
  }
  package var conditioningFeatures: Int { config.textFeatures }
  package var embedsGuidance: Bool { config.embedsGuidance }
  package func pooledFeatures(sizes count: Int) -> Int { 0 }

  package func conditioned(on conditioning: Conditioning, caching: StepCache?) throws(TensorError)
    -> ConditionedDenoiser
  {
    let texts = try conditioning.texts().map { text throws(TensorError) in
      try captionNorm(captionProjection(text))
    }
    let contexts = try blocks.map { block throws(TensorError) in
      try texts.map { text throws(TensorError) in try block.context(of: text) }
    }
    let cache = caching.map(FeatureCache.init)
    return { latent, timestep throws(TensorError) in
      let (batch, height, width) = (latent.shape[0], latent.shape[1], latent.shape[2])
      let patch = config.patchSize
      let time = try self.time(timestep, conditioning.guidance, batch: batch)
      let shape = [batch, height / patch * (width / patch), config.features]
      let features: Tensor
      if let found = try cache?.forecast(at: timestep, shape) {
        features = found
      } else {
        features = try self.features(latent, contexts, modulation(time.applying(.silu)))
        try cache?.note(features, at: timestep)
      }
      let normed = try LayerNorm(eps: 1e-6)(features, lastTable.last(time))
      let found = try PatchEmbed.unpatchify(
        projOut(normed), height: height, width: width, patchSize: patch)
      // Behind the prediction may stand its variance, which no sampler here takes.
      return try found.sliced(axis: 3, 0..<config.channels.input).contiguous()
    }
  }

  /// `[batch, feature]`.
  private func time(_ timestep: Float, _ guidance: Float?, batch: Int) throws(TensorError)
    -> Tensor
  {
    guard let guidanceEmbedding else {
      return try timeEmbedding(timestep * config.timestepScale, batch: batch)
    }
    // Sprint's counts from 0 to 1.
    let time = try timeEmbedding(timestep / 1000, batch: batch)
    return try time
      + guidanceEmbedding((guidance ?? 1) * config.guidanceScale, batch: batch)
  }

  /// The picture's tokens behind all blocks.
  private func features(
    _ latent: Tensor, _ contexts: [[Attention.KeysAndValues]], _ shared: Tensor
  ) throws(TensorError) -> Tensor {
    let (rows, columns) = (latent.shape[1] / config.patchSize, latent.shape[2] / config.patchSize)
    var h = try patchEmbed(latent)
    if let scale = config.interpolationScale {
      h =
        try h
        + PatchEmbed.positions(
          rows: rows, columns: columns, features: config.features,
          baseSize: config.sampleSize / config.patchSize, interpolationScale: Float(scale))
    }
    for (block, context) in zip(blocks, contexts) {
      h = try block(h, context, shared, rows: rows, columns: columns)
    }
    return h
  }
}

/// diffusers' `SanaTransformerBlock`.
private struct SanaBlock: Sendable {
  private let table: ScaleShiftTable
  private let attention: SanaAttention
  private let crossAttention: SanaAttention
  private let feedForward: GLUMBConv
  private let norm: LayerNorm

  init(_ weights: Weights, _ config: SanaTransformer2DConfig) throws(ModelError) {
    let size = config.features
    table = try ScaleShiftTable(weights, features: size, parts: 6)
    attention = try SanaAttention(
      weights["attn1"], size, heads: config.heads.own, bias: config.hasAttentionBias,
      isNormalized: config.hasNorms)
    crossAttention = try SanaAttention(
      weights["attn2"], size, heads: config.heads.text, bias: true,
      isNormalized: config.hasNorms)
    feedForward = try GLUMBConv(
      weights["ff"], size, ratio: config.feedForwardRatio, isNormalized: false)
    norm = LayerNorm(eps: config.normEps)
  }

  func context(of text: Tensor) throws(TensorError) -> Attention.KeysAndValues {
    try crossAttention.keysAndValues(of: text)
  }

  /// The shape of `x`, `[batch, token, feature]`, of tokens in rows and columns.
  func callAsFunction(
    _ x: Tensor, _ texts: [Attention.KeysAndValues], _ shared: Tensor, rows: Int, columns: Int
  ) throws(TensorError) -> Tensor {
    let parts = try table(shared)
    let attended = try attention.linear(norm(x, parts.attention))
    var h = try x + attended * parts.attentionGate
    h = try h + crossAttention.softmax(h, to: texts)
    let grid = try norm(h, parts.feedForward).reshaped([x.shape[0], rows, columns, x.shape[2]])
    return try h + feedForward(grid).reshaped(x.shape) * parts.feedForwardGate
  }
}

/// An attention whose queries and keys may be normalised over all heads.
private struct SanaAttention: Sendable {
  private let (q, k, v, out): (Linear, Linear, Linear, Linear)
  private let norms: (q: RMSNorm, k: RMSNorm)?
  private let heads: Int
  private let precision: Precision

  init(_ weights: Weights, _ size: Int, heads: Int, bias: Bool, isNormalized: Bool)
    throws(ModelError)
  {
    q = try Linear(weights["to_q"], size, size, bias: bias)
    k = try Linear(weights["to_k"], size, size, bias: bias)
    v = try Linear(weights["to_v"], size, size, bias: bias)
    out = try Linear(weights["to_out"][0], size, size)
    norms =
      isNormalized
      ? (
        try RMSNorm(weights["norm_q"], size, eps: 1e-5),
        try RMSNorm(weights["norm_k"], size, eps: 1e-5)
      ) : nil
    (self.heads, precision) = (heads, weights.precision)
  }

  func keysAndValues(of x: Tensor) throws(TensorError) -> Attention.KeysAndValues {
    let keys = try k(x)
    return Attention.KeysAndValues(
      keys: try norms.map { norms throws(TensorError) in try norms.k(keys) } ?? keys,
      values: try v(x))
  }

  private func queries(of x: Tensor) throws(TensorError) -> Tensor {
    let queries = try q(x)
    return try norms.map { norms throws(TensorError) in try norms.q(queries) } ?? queries
  }

  /// Of tokens to each other, with ReLU in place of softmax.
  func linear(_ x: Tensor) throws(TensorError) -> Tensor {
    let all = try keysAndValues(of: x)
    return try out(LinearAttention.attend(queries(of: x), all.keys, all.values, heads: heads))
  }

  /// Of each row to its text, or of all to one.
  func softmax(_ x: Tensor, to texts: [Attention.KeysAndValues]) throws(TensorError) -> Tensor {
    let queries = try queries(of: x)
    func attended(_ queries: Tensor, _ text: Attention.KeysAndValues) throws(TensorError)
      -> Tensor
    {
      try attention(queries, text.keys, text.values, heads: heads, precision: precision)
    }
    if texts.count == 1 { return try out(attended(queries, texts[0])) }
    let rows = try texts.enumerated().map { row, text throws(TensorError) in
      try attended(queries.sliced(axis: 0, row..<row + 1).contiguous(), text)
    }
    return try out(Tensor.concatenated(rows, axis: 0))
  }
}
