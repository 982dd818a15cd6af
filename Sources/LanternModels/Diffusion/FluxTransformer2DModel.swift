package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of FLUX.1's transformer, read from diffusers' `transformer/config.json`.
package struct FluxTransformer2DConfig: Sendable {
  let inChannels: Int
  let outChannels: Int
  let layers: (joint: Int, single: Int)
  let heads: Int
  let headSize: Int
  let textFeatures: Int
  let pooledFeatures: Int
  let axes: [Int]
  let embedsGuidance: Bool

  var features: Int { heads * headSize }
  let inner: Int

  static let eps: Float = 1e-6

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a missing, mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` for sizes that do not fit.
  package init(_ config: Config) throws(ModelError) {
    do throws(FormatError) {
      try config.expect("patch_size", [.integer(1)])
      inChannels = try config.integer("in_channels", default: 64)
      outChannels = try config.optionalInteger("out_channels") ?? inChannels
      layers = (
        try config.integer("num_layers", default: 19),
        try config.integer("num_single_layers", default: 38)
      )
      headSize = try config.integer("attention_head_dim", default: 128)
      heads = try config.integer("num_attention_heads", default: 24)
      textFeatures = try config.integer("joint_attention_dim", default: 4096)
      pooledFeatures = try config.integer("pooled_projection_dim", default: 768)
      axes = try config.integers("axes_dims_rope", default: [16, 56, 56])
      embedsGuidance = try config.bool("guidance_embeds", default: false)
      try config.finish()
    } catch {
      throw .file(error)
    }
    inner = try TransformerSizes.inner(heads, headSize, ratio: 4, file: config.file)
    try TransformerSizes.check(
      [inChannels, outChannels, textFeatures, pooledFeatures],
      layers: [layers.joint, layers.single], file: config.file)
    try TransformerSizes.check(axes: axes, count: 3, theta: 1, of: headSize, file: config.file)
    guard inChannels % 4 == 0, outChannels % 4 == 0 else {
      throw .inconsistent(
        reason:
          "a token is of two by two latents: in_channels and out_channels must be multiples of 4",
        file: config.file)
    }
  }
}

/// FLUX.1's transformer (Black Forest Labs 2024; arXiv:2506.15742), on tokens of two by two latents.
package struct FluxTransformer2DModel: DenoiserNetwork {
  private let config: FluxTransformer2DConfig
  private let timeEmbedding: TimestepEmbedding
  private let guidanceEmbedding: TimestepEmbedding?
  private let pooledEmbedding: TimestepEmbedding
  private let contextEmbedder: Linear
  /// What the conditioning vector makes of each block.
  private let modulations: [TextAndPicture<AdaLayerNormZero>]
  private let singleModulations: [AdaLayerNormZeroSingle]
  private let transformer: JointTransformer

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: FluxTransformer2DConfig, _ weights: Weights) throws(ModelError) {
    self.config = config
    let size = config.features
    func embedding(_ name: String, _ features: Int) throws(ModelError) -> TimestepEmbedding {
      try TimestepEmbedding(
        weights["time_text_embed"][name], features, size, cosineFirst: true, shift: 0)
    }
    timeEmbedding = try embedding("timestep_embedder", 256)
    guidanceEmbedding = config.embedsGuidance ? try embedding("guidance_embedder", 256) : nil
    pooledEmbedding = try embedding("text_embedder", config.pooledFeatures)
    contextEmbedder = try Linear(weights["context_embedder"], config.textFeatures, size)
    let (joint, single) = (weights["transformer_blocks"], weights["single_transformer_blocks"])
    modulations = try (0..<config.layers.joint).map { index throws(ModelError) in
      func modulation(_ name: String) throws(ModelError) -> AdaLayerNormZero {
        try AdaLayerNormZero(joint[index][name], conditioning: size, features: size)
      }
      return TextAndPicture(
        text: try modulation("norm1_context"), picture: try modulation("norm1"))
    }
    singleModulations = try (0..<config.layers.single).map { index throws(ModelError) in
      try AdaLayerNormZeroSingle(single[index]["norm"], conditioning: size, features: size)
    }
    transformer = JointTransformer(
      xEmbedder: try Linear(weights["x_embedder"], config.inChannels, size),
      blocks: try (0..<config.layers.joint).map { index throws(ModelError) in
        try JointBlock(joint[index], config)
      },
      singleBlocks: try (0..<config.layers.single).map { index throws(ModelError) in
        try ParallelBlock(single[index], config)
      },
      axes: 3, rotary: AxialRotaryEmbedding(axes: config.axes, theta: 10000),
      normOut: try AdaLayerNormContinuous(
        weights["norm_out"], conditioning: size, features: size,
        eps: FluxTransformer2DConfig.eps, isAffine: false),
      projOut: try Linear(weights["proj_out"], size, config.outChannels))
    try weights.finish()
  }

  package var geometry: LatentGeometry {
    // 1024² pixels, as in diffusers.
    LatentGeometry(
      inputChannels: config.inChannels / 4, outputChannels: config.outChannels / 4, width: 128,
      height: 128, patchSize: 2)
  }
  package var conditioningFeatures: Int { config.textFeatures }
  package var embedsGuidance: Bool { config.embedsGuidance }
  package func pooledFeatures(sizes count: Int) -> Int { config.pooledFeatures }

  package func conditioned(on conditioning: Conditioning, caching: StepCache?) throws(TensorError)
    -> ConditionedDenoiser
  {
    let added = try conditioning.pooled.map { pooled throws(TensorError) in
      try pooledEmbedding(pooled)
    }
    let predict = try transformer.conditioned(
      on: contextEmbedder(conditioning.states),
      references: conditioning.references.map { reference throws(TensorError) in
        try reference.pixelUnshuffled(by: 2)
      }, caching: caching
    ) { timestep, batch throws(TensorError) in
      var time = try timeEmbedding(timestep, batch: batch)
      if let guidanceEmbedding, let guidance = conditioning.guidance {
        time = try time + guidanceEmbedding(guidance * 1000, batch: batch)
      }
      if let added { time = try time + added }
      return (time, try modulations(time))
    }
    return { latent, timestep throws(TensorError) in
      try predict(latent.pixelUnshuffled(by: 2), timestep).pixelShuffled(by: 2)
    }
  }

  private func modulations(_ time: Tensor) throws(TensorError) -> JointTransformer.Modulations {
    JointTransformer.Modulations(
      blocks: try modulations.map { norms throws(TensorError) in
        TextAndPicture(text: try norms.text(time), picture: try norms.picture(time))
      },
      singleBlocks: try singleModulations.map { norm throws(TensorError) in try norm(time) })
  }
}

extension JointBlock {
  fileprivate init(_ weights: Weights, _ config: FluxTransformer2DConfig) throws(ModelError) {
    let eps = FluxTransformer2DConfig.eps
    func feedForward(_ name: String) throws(ModelError) -> FeedForward {
      try FeedForward(
        weights[name]["net.0.proj"], weights[name]["net.2"], config.features, inner: config.inner,
        activation: .geluTanh)
    }
    self.init(
      try JointAttention(
        weights["attn"], config.features, heads: config.heads, headSize: config.headSize,
        bias: true, eps: eps),
      TextAndPicture(text: try feedForward("ff_context"), picture: try feedForward("ff")), eps: eps)
  }
}

extension ParallelBlock {
  fileprivate init(_ weights: Weights, _ config: FluxTransformer2DConfig) throws(ModelError) {
    let (size, inner, eps) = (config.features, config.inner, FluxTransformer2DConfig.eps)
    self.init(
      try Attention(
        weights["attn"], size, heads: config.heads, headSize: config.headSize,
        norm: .rmsNorm(eps: eps), naming: .parallel),
      .activated(try Linear(weights["proj_mlp"], size, inner), .geluTanh),
      try Linear(weights["proj_out"], size + inner, size), eps: eps)
  }
}
