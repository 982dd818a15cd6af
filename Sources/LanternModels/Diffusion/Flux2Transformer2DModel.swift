package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of FLUX.2's transformer, read from diffusers' `transformer/config.json`.
package struct Flux2Transformer2DConfig: Sendable {
  let inChannels: Int
  let outChannels: Int
  let layers: (joint: Int, single: Int)
  let heads: Int
  let headSize: Int
  let textFeatures: Int
  let timeChannels: Int
  let inner: Int
  let axes: [Int]
  let theta: Double
  let eps: Float
  let embedsGuidance: Bool

  var features: Int { heads * headSize }

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a missing, mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` for sizes that do not fit.
  package init(_ config: Config) throws(ModelError) {
    let ratio: Double
    do throws(FormatError) {
      try config.expect("patch_size", [.integer(1)])
      inChannels = try config.integer("in_channels", default: 128)
      outChannels = try config.optionalInteger("out_channels") ?? inChannels
      layers = (
        try config.integer("num_layers", default: 8),
        try config.integer("num_single_layers", default: 48)
      )
      headSize = try config.integer("attention_head_dim", default: 128)
      heads = try config.integer("num_attention_heads", default: 48)
      textFeatures = try config.integer("joint_attention_dim", default: 15360)
      timeChannels = try config.integer("timestep_guidance_channels", default: 256)
      ratio = try config.double("mlp_ratio", default: 3)
      axes = try config.integers("axes_dims_rope", default: [32, 32, 32, 32])
      theta = try config.double("rope_theta", default: 2000)
      eps = try config.float("eps", default: 1e-6)
      embedsGuidance = try config.bool("guidance_embeds", default: true)
      try config.finish()
    } catch {
      throw .file(error)
    }
    inner = try TransformerSizes.inner(heads, headSize, ratio: ratio, file: config.file)
    try TransformerSizes.check(
      [inChannels, outChannels, textFeatures, timeChannels], layers: [layers.joint, layers.single],
      file: config.file)
    try TransformerSizes.check(axes: axes, count: 4, theta: theta, of: headSize, file: config.file)
  }
}

/// FLUX.2's transformer (Black Forest Labs 2025): all its blocks share what the timestep makes of them, and no map has a
/// bias.
package struct Flux2Transformer2DModel: DenoiserNetwork {
  private let config: Flux2Transformer2DConfig
  private let timeEmbedding: TimestepEmbedding
  private let guidanceEmbedding: TimestepEmbedding?
  private let modulation: TextAndPicture<AdaLayerNormZero>
  private let singleModulation: AdaLayerNormZeroSingle
  private let contextEmbedder: Linear
  private let transformer: JointTransformer

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: Flux2Transformer2DConfig, _ weights: Weights) throws(ModelError) {
    self.config = config
    let size = config.features
    func time(_ name: String) throws(ModelError) -> TimestepEmbedding {
      try TimestepEmbedding(
        weights["time_guidance_embed"][name], config.timeChannels, size, cosineFirst: true,
        shift: 0, bias: false)
    }
    func modulation(_ name: String) throws(ModelError) -> AdaLayerNormZero {
      try AdaLayerNormZero(weights[name], conditioning: size, features: size, bias: false)
    }
    timeEmbedding = try time("timestep_embedder")
    guidanceEmbedding = config.embedsGuidance ? try time("guidance_embedder") : nil
    self.modulation = TextAndPicture(
      text: try modulation("double_stream_modulation_txt"),
      picture: try modulation("double_stream_modulation_img"))
    singleModulation = try AdaLayerNormZeroSingle(
      weights["single_stream_modulation"], conditioning: size, features: size, bias: false)
    contextEmbedder = try Linear(
      weights["context_embedder"], config.textFeatures, size, bias: false)
    transformer = JointTransformer(
      xEmbedder: try Linear(weights["x_embedder"], config.inChannels, size, bias: false),
      blocks: try (0..<config.layers.joint).map { index throws(ModelError) in
        try JointBlock(weights["transformer_blocks"][index], config)
      },
      singleBlocks: try (0..<config.layers.single).map { index throws(ModelError) in
        try ParallelBlock(weights["single_transformer_blocks"][index], config)
      },
      axes: 4, rotary: AxialRotaryEmbedding(axes: config.axes, theta: config.theta),
      normOut: try AdaLayerNormContinuous(
        weights["norm_out"], conditioning: size, features: size, eps: config.eps, isAffine: false,
        bias: false),
      projOut: try Linear(weights["proj_out"], size, config.outChannels, bias: false))
    try weights.finish()
  }

  package var geometry: LatentGeometry {
    // 1024² pixels, as in diffusers.
    LatentGeometry(
      inputChannels: config.inChannels, outputChannels: config.outChannels, width: 64, height: 64)
  }
  package var conditioningFeatures: Int { config.textFeatures }
  package var embedsGuidance: Bool { config.embedsGuidance }
  package func pooledFeatures(sizes count: Int) -> Int { 0 }

  package func conditioned(on conditioning: Conditioning, caching: StepCache?) throws(TensorError)
    -> ConditionedDenoiser
  {
    try transformer.conditioned(
      on: contextEmbedder(conditioning.states), references: conditioning.references,
      caching: caching
    ) { timestep, batch throws(TensorError) in
      let time = try self.time(timestep, conditioning.guidance, batch: batch)
      return (time, try modulations(time))
    }
  }

  private func time(_ timestep: Float, _ guidance: Float?, batch: Int) throws(TensorError)
    -> Tensor
  {
    let time = try timeEmbedding(timestep, batch: batch)
    guard let guidanceEmbedding, let guidance else { return time }
    return try time + guidanceEmbedding(guidance * 1000, batch: batch)
  }

  private func modulations(_ time: Tensor) throws(TensorError) -> JointTransformer.Modulations {
    let parts = TextAndPicture(
      text: try modulation.text(time), picture: try modulation.picture(time))
    let single = try singleModulation(time)
    return JointTransformer.Modulations(
      blocks: transformer.blocks.map { _ in parts },
      singleBlocks: transformer.singleBlocks.map { _ in single })
  }
}

extension JointBlock {
  fileprivate init(_ weights: Weights, _ config: Flux2Transformer2DConfig) throws(ModelError) {
    func feedForward(_ name: String) throws(ModelError) -> FeedForward {
      try FeedForward(
        gatesFirst: weights[name]["linear_in"], weights[name]["linear_out"], config.features,
        inner: config.inner, activation: .silu)
    }
    self.init(
      try JointAttention(
        weights["attn"], config.features, heads: config.heads, headSize: config.headSize,
        bias: false, eps: config.eps),
      TextAndPicture(text: try feedForward("ff_context"), picture: try feedForward("ff")),
      eps: config.eps)
  }
}

extension ParallelBlock {
  fileprivate init(_ weights: Weights, _ config: Flux2Transformer2DConfig) throws(ModelError) {
    let (attention, name) = (weights["attn"], "to_qkv_mlp_proj")
    let (size, inner) = (config.features, config.inner)
    self.init(
      try Attention(
        attention, size, heads: config.heads, headSize: config.headSize,
        norm: .rmsNorm(eps: config.eps), naming: .fusedParallel(name, others: 2 * inner)),
      .gated(
        try GatedLinear(
          gatesFirst: attention[name], size, inner, behind: 3 * size, activation: .silu)),
      try Linear(attention["to_out"], size + inner, size, bias: false), eps: config.eps)
  }
}
