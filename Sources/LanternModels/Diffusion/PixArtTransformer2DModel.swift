package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of PixArt's transformer, read from diffusers' `transformer/config.json`.
package struct PixArtTransformer2DConfig: Sendable {
  let channels: (input: Int, output: Int)
  let layers: Int
  let heads: Int
  let headSize: Int
  let textFeatures: Int
  /// Height and width of the latents that it was trained on.
  let sampleSize: Int
  let interpolationScale: Float
  let normEps: Float
  /// Whether height, width and their ratio are added to the timestep (PixArt-α of 1024²).
  let takesSizes: Bool

  var features: Int { heads * headSize }
  let inner: Int

  static let patchSize = 2

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a missing, mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` for sizes that do not fit.
  package init(_ config: Config) throws(ModelError) {
    let context: Int
    do throws(FormatError) {
      try config.expect("patch_size", [.integer(Self.patchSize)])
      try config.expect("norm_type", ["ada_norm_single"])
      try config.expect("activation_fn", ["gelu-approximate"])
      try config.expect("attention_bias", [true])
      try config.expect("attention_type", ["default"])
      try config.expect("norm_elementwise_affine", [false])
      heads = try config.integer("num_attention_heads", default: 16)
      headSize = try config.integer("attention_head_dim", default: 72)
      let input = try config.integer("in_channels", default: 4)
      channels = (input, try config.optionalInteger("out_channels") ?? input)
      layers = try config.integer("num_layers", default: 28)
      context = try config.integer("cross_attention_dim", default: 1152)
      textFeatures = try config.integer("caption_channels")
      sampleSize = try config.integer("sample_size", default: 128)
      normEps = try config.float("norm_eps", default: 1e-6)
      let scale = try config.optionalInteger("interpolation_scale")
      interpolationScale = Float(scale ?? max(sampleSize / 64, 1))
      let isSaid = config.value("use_additional_conditions") ?? .null != .null
      takesSizes =
        isSaid ? try config.bool("use_additional_conditions") : sampleSize == 128
      // Dropout is of training; the others do nothing in the reference.
      try config.finish(ignoring: [
        "dropout", "norm_num_groups", "num_embeds_ada_norm", "upcast_attention",
        "use_linear_projection", "num_vector_embeds",
      ])
    } catch {
      throw .file(error)
    }
    inner = try TransformerSizes.inner(heads, headSize, ratio: 4, file: config.file)
    try TransformerSizes.check(
      [channels.input, channels.output, textFeatures], layers: [layers], file: config.file)
    guard context == features, features % 12 == 0 || !takesSizes && features % 4 == 0,
      [channels.input, 2 * channels.input].contains(channels.output),
      (2...8192).contains(sampleSize), interpolationScale > 0
    else {
      throw .inconsistent(
        reason:
          "cross_attention_dim must be the \(features) features of a token, a multiple of 4 and with "
          + "sizes of 3, out_channels in_channels or twice as many, and sample_size 2 to 8192",
        file: config.file)
    }
  }
}

/// PixArt-α's and Σ's transformer (Chen et al. 2023, arXiv:2310.00426; 2024, arXiv:2403.04692): self-attention of the
/// picture and attention to the text, modulated by the timestep.
package struct PixArtTransformer2DModel: DenoiserNetwork {
  private let config: PixArtTransformer2DConfig
  private let patchEmbed: PatchEmbed
  private let captionProjection: FeedForward
  private let timeEmbedding: TimestepEmbedding
  private let sizeEmbeddings: (resolution: TimestepEmbedding, ratio: TimestepEmbedding)?
  private let modulation: Linear
  private let blocks: [PixArtBlock]
  private let lastTable: ScaleShiftTable
  private let projOut: Linear

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: PixArtTransformer2DConfig, _ weights: Weights) throws(ModelError) {
    self.config = config
    let (size, patch) = (config.features, PixArtTransformer2DConfig.patchSize)
    let caption = weights["caption_projection"]
    patchEmbed = try PatchEmbed(
      weights["pos_embed"], channels: config.channels.input, features: size, patchSize: patch)
    captionProjection = try FeedForward(
      caption["linear_1"], caption["linear_2"], config.textFeatures, inner: size, outputs: size,
      activation: .geluTanh)
    let embedders = weights["adaln_single.emb"]
    func embedding(_ name: String, _ outputs: Int) throws(ModelError) -> TimestepEmbedding {
      try TimestepEmbedding(embedders[name], 256, outputs, cosineFirst: true, shift: 0)
    }
    timeEmbedding = try embedding("timestep_embedder", size)
    sizeEmbeddings =
      config.takesSizes
      ? (
        try embedding("resolution_embedder", size / 3),
        try embedding("aspect_ratio_embedder", size / 3)
      ) : nil
    modulation = try Linear(weights["adaln_single.linear"], size, 6 * size)
    blocks = try (0..<config.layers).map { index throws(ModelError) in
      try PixArtBlock(weights["transformer_blocks"][index], config)
    }
    lastTable = try ScaleShiftTable(weights, features: size, parts: 2)
    projOut = try Linear(weights["proj_out"], size, patch * patch * config.channels.output)
    // Places are computed, and the empty text is encoded.
    try weights.finish(ignoring: ["pos_embed.pos_embed", "caption_projection.y_embedding"])
  }

  package var geometry: LatentGeometry {
    LatentGeometry(
      inputChannels: config.channels.input, outputChannels: config.channels.input,
      width: config.sampleSize, height: config.sampleSize,
      patchSize: PixArtTransformer2DConfig.patchSize)
  }
  package var conditioningFeatures: Int { config.textFeatures }
  package var embedsGuidance: Bool { false }
  package func pooledFeatures(sizes count: Int) -> Int { 0 }

  package func conditioned(on conditioning: Conditioning, caching: StepCache?) throws(TensorError)
    -> ConditionedDenoiser
  {
    let texts = try conditioning.texts().map { text throws(TensorError) in
      try captionProjection(text)
    }
    let contexts = try blocks.map { block throws(TensorError) in try block.context(of: texts) }
    let cache = caching.map(FeatureCache.init)
    return { latent, timestep throws(TensorError) in
      let (batch, height, width) = (latent.shape[0], latent.shape[1], latent.shape[2])
      let patch = PixArtTransformer2DConfig.patchSize
      let time = try self.time(timestep, height, width, batch: batch)
      let shape = [batch, height / patch * (width / patch), config.features]
      let features: Tensor
      if let found = try cache?.forecast(at: timestep, shape) {
        features = found
      } else {
        features = try self.features(latent, contexts, modulation(time.applying(.silu)))
        try cache?.note(features, at: timestep)
      }
      let normed = try LayerNorm(eps: 1e-6)(features, lastTable.last(time))
      // Behind the noise stands its variance, which no sampler here takes.
      return try PatchEmbed.unpatchify(
        projOut(normed), height: height, width: width, patchSize: patch
      ).sliced(axis: 3, 0..<config.channels.input).contiguous()
    }
  }

  /// `[batch, feature]`.
  private func time(_ timestep: Float, _ height: Int, _ width: Int, batch: Int)
    throws(TensorError) -> Tensor
  {
    let time = try timeEmbedding(timestep, batch: batch)
    guard let sizeEmbeddings else { return time }
    // In pixels, of which a latent of its autoencoder has 8 a side.
    let added = try Tensor.concatenated(
      [
        sizeEmbeddings.resolution(Float(8 * height), batch: batch),
        sizeEmbeddings.resolution(Float(8 * width), batch: batch),
        sizeEmbeddings.ratio(Float(height) / Float(width), batch: batch),
      ], axis: 1)
    return try time + added
  }

  /// The picture's tokens behind all blocks.
  private func features(_ latent: Tensor, _ contexts: [TextRows], _ shared: Tensor)
    throws(TensorError) -> Tensor
  {
    let patch = PixArtTransformer2DConfig.patchSize
    let positions = try PatchEmbed.positions(
      rows: latent.shape[1] / patch, columns: latent.shape[2] / patch, features: config.features,
      baseSize: config.sampleSize / patch, interpolationScale: config.interpolationScale)
    var h = try patchEmbed(latent) + positions
    for (block, context) in zip(blocks, contexts) { h = try block(h, context, shared) }
    return h
  }
}

/// diffusers' `BasicTransformerBlock` with `ada_norm_single`.
private struct PixArtBlock: Sendable {
  private let table: ScaleShiftTable
  private let attention: Attention
  private let crossAttention: Attention
  private let feedForward: FeedForward
  private let norm: LayerNorm

  init(_ weights: Weights, _ config: PixArtTransformer2DConfig) throws(ModelError) {
    let size = config.features
    func attention(_ name: String) throws(ModelError) -> Attention {
      try Attention(
        weights[name], size, heads: config.heads, headSize: config.headSize, bias: true,
        naming: .diffusers)
    }
    table = try ScaleShiftTable(weights, features: size, parts: 6)
    self.attention = try attention("attn1")
    crossAttention = try attention("attn2")
    feedForward = try FeedForward(
      weights["ff"]["net.0.proj"], weights["ff"]["net.2"], size, inner: config.inner,
      activation: .geluTanh)
    norm = LayerNorm(eps: config.normEps)
  }

  func context(of texts: [Tensor]) throws(TensorError) -> TextRows {
    try TextRows(texts, crossAttention)
  }

  /// The shape of `x`, `[batch, token, feature]`.
  func callAsFunction(_ x: Tensor, _ context: TextRows, _ shared: Tensor) throws(TensorError)
    -> Tensor
  {
    let parts = try table(shared)
    let attended = try x + attention(norm(x, parts.attention)) * parts.attentionGate
    // Text is attended to without a norm.
    let h = try crossAttention(attended, to: context, residual: attended)
    return try h + feedForward(norm(h, parts.feedForward)) * parts.feedForwardGate
  }
}
