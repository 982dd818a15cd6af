package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of Stable Diffusion 3's transformer, read from diffusers' `transformer/config.json`.
package struct SD3Transformer2DConfig: Sendable {
  let sampleSize: Int
  let channels: (input: Int, output: Int)
  let layers: Int
  let heads: Int
  let headSize: Int
  let textFeatures: Int
  let pooledFeatures: Int
  /// Rows and columns of the table of positions.
  let positions: Int
  /// Layers whose picture attends to itself a second time.
  let dualLayers: Set<Int>
  let hasHeadNorms: Bool
  let inner: Int

  var features: Int { heads * headSize }

  static let eps: Float = 1e-6
  static let patchSize = 2

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a missing, mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` for sizes that do not fit.
  package init(_ config: Config) throws(ModelError) {
    let projected: Int
    do throws(FormatError) {
      try config.expect("patch_size", [.integer(Self.patchSize)])
      try config.expect("qk_norm", ["rms_norm"])
      sampleSize = try config.integer("sample_size", default: 128)
      let input = try config.integer("in_channels", default: 16)
      channels = (input, try config.optionalInteger("out_channels") ?? input)
      layers = try config.integer("num_layers", default: 18)
      headSize = try config.integer("attention_head_dim", default: 64)
      heads = try config.integer("num_attention_heads", default: 18)
      textFeatures = try config.integer("joint_attention_dim", default: 4096)
      projected = try config.integer("caption_projection_dim", default: 1152)
      pooledFeatures = try config.integer("pooled_projection_dim", default: 2048)
      positions = try config.integer("pos_embed_max_size", default: 96)
      dualLayers = Set(try config.integers("dual_attention_layers", default: []))
      hasHeadNorms = try config.optionalString("qk_norm") != nil
      try config.finish()
    } catch {
      throw .file(error)
    }
    inner = try TransformerSizes.inner(heads, headSize, ratio: 4, file: config.file)
    try TransformerSizes.check(
      [channels.input, channels.output, textFeatures, pooledFeatures], layers: [layers],
      file: config.file)
    guard projected == features, (1...4096).contains(positions), (1...8192).contains(sampleSize),
      layers > 0
    else {
      throw .inconsistent(
        reason: "caption_projection_dim must be the \(features) features of a token, num_layers at "
          + "least 1, pos_embed_max_size 1 to 4096 and sample_size 1 to 8192", file: config.file)
    }
  }
}

/// Stable Diffusion 3's and 3.5's transformer (Esser et al. 2024, arXiv:2403.03206): blocks of two streams, text and
/// picture.
package struct SD3Transformer2DModel: DenoiserNetwork {
  private let config: SD3Transformer2DConfig
  private let patchEmbed: PatchEmbed
  /// `[row, column, feature]`, as it is stored.
  private let positions: Tensor
  private let timeEmbedding: TimestepEmbedding
  private let pooledEmbedding: TimestepEmbedding
  private let contextEmbedder: Linear
  private let blocks: [SD3Block]
  private let normOut: AdaLayerNormContinuous
  private let projOut: Linear

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: SD3Transformer2DConfig, _ weights: Weights) throws(ModelError) {
    self.config = config
    let (size, side) = (config.features, config.positions)
    let embed = weights["pos_embed"]
    patchEmbed = try PatchEmbed(
      embed, channels: config.channels.input, features: size,
      patchSize: SD3Transformer2DConfig.patchSize)
    let table = try embed.table("pos_embed", [1, side * side, size])
    do {
      positions = try table.reshaped([side, side, size])
    } catch {
      throw .tensor(error)
    }
    func embedding(_ name: String, _ features: Int) throws(ModelError) -> TimestepEmbedding {
      try TimestepEmbedding(
        weights["time_text_embed"][name], features, size, cosineFirst: true, shift: 0)
    }
    timeEmbedding = try embedding("timestep_embedder", 256)
    pooledEmbedding = try embedding("text_embedder", config.pooledFeatures)
    contextEmbedder = try Linear(weights["context_embedder"], config.textFeatures, size)
    blocks = try (0..<config.layers).map { index throws(ModelError) in
      try SD3Block(weights["transformer_blocks"][index], config, index)
    }
    normOut = try AdaLayerNormContinuous(
      weights["norm_out"], conditioning: size, features: size, eps: SD3Transformer2DConfig.eps,
      isAffine: false)
    projOut = try Linear(
      weights["proj_out"], size,
      SD3Transformer2DConfig.patchSize * SD3Transformer2DConfig.patchSize * config.channels.output)
    try weights.finish()
  }

  package var geometry: LatentGeometry {
    LatentGeometry(
      inputChannels: config.channels.input, outputChannels: config.channels.output,
      width: config.sampleSize, height: config.sampleSize,
      patchSize: SD3Transformer2DConfig.patchSize)
  }
  package var conditioningFeatures: Int { config.textFeatures }
  package var embedsGuidance: Bool { false }
  package func pooledFeatures(sizes count: Int) -> Int { config.pooledFeatures }

  package func conditioned(on conditioning: Conditioning, caching: StepCache?) throws(TensorError)
    -> ConditionedDenoiser
  {
    let text = try contextEmbedder(conditioning.states)
    let added = try conditioning.pooled.map { pooled throws(TensorError) in
      try pooledEmbedding(pooled)
    }
    let cache = caching.map(FeatureCache.init)
    return { latent, timestep throws(TensorError) in
      let (height, width) = (latent.shape[1], latent.shape[2])
      var time = try timeEmbedding(timestep, batch: latent.shape[0])
      if let added { time = try time + added }
      let patch = SD3Transformer2DConfig.patchSize
      let shape = [latent.shape[0], height / patch * (width / patch), config.features]
      let features: Tensor
      if let found = try cache?.forecast(at: timestep, shape) {
        features = found
      } else {
        features = try self.features(latent, text, time)
        try cache?.note(features, at: timestep)
      }
      return try PatchEmbed.unpatchify(
        projOut(normOut(features, time)), height: height, width: width, patchSize: patch)
    }
  }

  /// The picture's tokens behind all blocks.
  private func features(_ latent: Tensor, _ text: Tensor, _ time: Tensor) throws(TensorError)
    -> Tensor
  {
    let positions = try self.positions(latent)
    var streams = TextAndPicture(text: text, picture: try patchEmbed(latent) + positions)
    for block in blocks { streams = try block(streams, time) }
    return streams.picture
  }

  /// Those of a latent, `[1, token, feature]`: from the middle of the table.
  private func positions(_ latent: Tensor) throws(TensorError) -> Tensor {
    let side = config.positions
    let (rows, columns) = (
      latent.shape[1] / SD3Transformer2DConfig.patchSize,
      latent.shape[2] / SD3Transformer2DConfig.patchSize
    )
    guard rows <= side, columns <= side else {
      throw .shape(
        op: "table of positions",
        expected: "at most \(SD3Transformer2DConfig.patchSize * side) latents a side",
        found: latent.shape)
    }
    let (top, left) = ((side - rows) / 2, (side - columns) / 2)
    return try positions.sliced(axis: 0, top..<top + rows)
      .sliced(axis: 1, left..<left + columns).contiguous().converted(to: .float32)
      .reshaped([1, rows * columns, config.features])
  }
}

/// diffusers' `JointTransformerBlock`.
private struct SD3Block: Sendable {
  private let attention: JointAttention
  /// Of the picture to itself.
  private let second: Attention?
  private let pictureNorm: AdaLayerNormZero
  private let pictureFeedForward: FeedForward
  private let text: TextSide
  private let norm: LayerNorm

  /// What the text's stream has: in the last block, behind which no one reads it, a norm alone.
  private enum TextSide: Sendable {
    case whole(AdaLayerNormZero, FeedForward)
    case read(AdaLayerNormContinuous)
  }

  init(_ weights: Weights, _ config: SD3Transformer2DConfig, _ index: Int) throws(ModelError) {
    let (size, eps) = (config.features, SD3Transformer2DConfig.eps)
    let isLast = index == config.layers - 1
    let hasSecond = config.dualLayers.contains(index)
    func feedForward(_ name: String) throws(ModelError) -> FeedForward {
      try FeedForward(
        weights[name]["net.0.proj"], weights[name]["net.2"], size, inner: config.inner,
        activation: .geluTanh)
    }
    pictureNorm = try AdaLayerNormZero(
      weights["norm1"], conditioning: size, features: size, hasSecondAttention: hasSecond)
    let textNorm = weights["norm1_context"]
    text =
      isLast
      ? .read(
        try AdaLayerNormContinuous(
          textNorm, conditioning: size, features: size, eps: eps, isAffine: false))
      : .whole(
        try AdaLayerNormZero(textNorm, conditioning: size, features: size),
        try feedForward("ff_context"))
    attention = try JointAttention(
      weights["attn"], size, heads: config.heads, headSize: config.headSize, bias: true,
      eps: config.hasHeadNorms ? eps : nil, projectsText: !isLast)
    second =
      hasSecond
      ? try Attention(
        weights["attn2"], size, heads: config.heads, headSize: config.headSize, bias: true,
        norm: config.hasHeadNorms ? .rmsNorm(eps: eps) : nil, naming: .diffusers) : nil
    pictureFeedForward = try feedForward("ff")
    norm = LayerNorm(eps: eps)
  }

  /// The shapes of `streams`, each `[batch, token, feature]`.
  func callAsFunction(_ streams: TextAndPicture<Tensor>, _ time: Tensor) throws(TensorError)
    -> TextAndPicture<Tensor>
  {
    let parts = try pictureNorm(time)
    let (words, textParts): (Tensor, AdaLayerNormZero.Parts?)
    switch text {
    case .whole(let norm, _):
      let found = try norm(time)
      (words, textParts) = (try self.norm(streams.text, found.attention), found)
    case .read(let norm): (words, textParts) = (try norm(streams.text, time), nil)
    }
    let attended = try attention(
      TextAndPicture(text: words, picture: norm(streams.picture, parts.attention)))
    var picture = streams.picture
    if let second, let its = parts.second {
      // Both read the block's input.
      picture = try picture + second(norm(picture, its.norm)) * its.gate
    }
    let drawn = try parts.joined(picture, attended.picture, pictureFeedForward, norm)
    guard let textParts, case .whole(_, let feedForward) = text else {
      return TextAndPicture(text: streams.text, picture: drawn)
    }
    return TextAndPicture(
      text: try textParts.joined(streams.text, attended.text, feedForward, norm), picture: drawn)
  }
}
