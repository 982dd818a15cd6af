package import LanternLayers
package import LanternTensor

/// The U-Net of Stable Diffusion 1 and 2: from a noisy latent, a timestep and a text to the prediction
/// (Rombach et al. 2022, arXiv:2112.10752).
package struct UNet2DConditionModel: DenoiserNetwork {
  package let config: UNet2DConditionConfig
  private let convIn: Conv2d
  private let timeEmbedding: TimestepEmbedding
  /// The additional embedding, of a pooled vector and sizes.
  private let addEmbedding: TimestepEmbedding?
  private let downBlocks: [DownBlock2D]
  private let upBlocks: [UpBlock2D]
  private let midBlock: MidBlock2D?
  private let normOut: GroupNorm
  private let convOut: Conv2d

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: UNet2DConditionConfig, _ weights: Weights) throws(ModelError) {
    self.config = config
    let channels = config.blockOutChannels
    let last = channels.count - 1
    self.convIn = try Conv2d(
      weights["conv_in"], config.inChannels, channels[0],
      ConvolutionWindow(config.convInKernel, padding: .all(config.convInKernel / 2)))
    self.timeEmbedding = try TimestepEmbedding(
      weights["time_embedding"], channels[0], config.timeEmbeddingDim,
      cosineFirst: config.flipSinToCos, shift: config.freqShift,
      condition: config.timeCondProjDim)

    self.addEmbedding = try config.addition.map { addition throws(ModelError) in
      try TimestepEmbedding(
        weights["add_embedding"], addition.features, config.timeEmbeddingDim,
        cosineFirst: config.flipSinToCos, shift: config.freqShift)
    }

    // Skip connections are pushed on the way down and popped on the way up.
    var skips = [channels[0]]
    var down: [DownBlock2D] = []
    for index in channels.indices {
      let level = config.level(index, hasAttention: config.downHasAttention[index])
      down.append(
        try DownBlock2D(
          weights["down_blocks"][index], level, inputs: channels[max(index - 1, 0)],
          isLast: index == last))
      skips += Array(
        repeating: channels[index], count: config.layersPerBlock[index] + (index == last ? 0 : 1))
    }
    self.downBlocks = down

    var up: [UpBlock2D] = []
    for index in channels.indices {
      let mirror = last - index
      let level = config.level(mirror, hasAttention: config.upHasAttention[index])
      let taken = Array(skips.suffix(level.layers + 1).reversed())
      skips.removeLast(min(level.layers + 1, skips.count))
      up.append(
        try UpBlock2D(
          weights["up_blocks"][index], level, inputs: channels[min(mirror + 1, last)],
          skips: taken, isLast: index == last))
    }
    self.upBlocks = up

    self.midBlock =
      config.hasMidBlock
      ? try MidBlock2D(weights["mid_block"], config.level(last, hasAttention: true)) : nil
    self.normOut = try GroupNorm(
      weights["conv_norm_out"], groups: config.normNumGroups, channels: channels[0],
      eps: config.normEps)
    self.convOut = try Conv2d(
      weights["conv_out"], channels[0], config.outChannels,
      ConvolutionWindow(config.convOutKernel, padding: .all(config.convOutKernel / 2)))
    try weights.finish()
  }

  package var geometry: LatentGeometry {
    LatentGeometry(
      inputChannels: config.inChannels, outputChannels: config.outChannels,
      width: config.sampleSize.width, height: config.sampleSize.height)
  }

  package var conditioningFeatures: Int { config.crossAttentionDim }
  package var embedsGuidance: Bool { config.timeCondProjDim != nil }

  package func pooledFeatures(sizes count: Int) -> Int {
    config.addition.map { $0.features - count * $0.timeFeatures } ?? 0
  }

  package func conditioned(on conditioning: Conditioning, caching: StepCache?) throws(TensorError)
    -> ConditionedDenoiser
  {
    let attentions =
      downBlocks.flatMap(\.attentions) + (midBlock.map { [$0.attention] } ?? [])
      + upBlocks.flatMap(\.attentions)
    var all: [Attention.KeysAndValues] = []
    for attention in attentions { all += try attention.keysAndValues(of: conditioning.states) }
    let context = TextContext(all)
    let added = try added(conditioning)
    let guidance = try guidance(conditioning)
    let cache = caching.map(FeatureCache.init)
    return { latent, timestep throws(TensorError) in
      try predict(latent, timestep: timestep, context: context, added: added, guidance, cache)
    }
  }

  /// The embedding of the pooled vector and of sizes, `[row, feature]`; nil for a model without.
  private func added(_ conditioning: Conditioning) throws(TensorError) -> Tensor? {
    guard let addEmbedding, let addition = config.addition else { return nil }
    let sizes = conditioning.sizes
    guard let pooled = conditioning.pooled, sizes.count == pooled.shape[0],
      sizes.allSatisfy({ pooledFeatures(sizes: $0.count) == pooled.shape[1] })
    else {
      throw .shape(
        op: "UNet2DConditionModel",
        expected: "a pooled vector and sizes for each row, of \(addition.features) features",
        found: sizes.map(\.count))
    }
    let rows = sizes.joined().flatMap {
      TimestepEmbedding.sinusoid(
        $0, addition.timeFeatures, cosineFirst: config.flipSinToCos, shift: config.freqShift)
    }
    let encoded = try Tensor(rows, shape: [pooled.shape[0], rows.count / pooled.shape[0]])
    return try addEmbedding(Tensor.concatenated([pooled, encoded], axis: 1))
  }

  /// The strength of guidance as sines and cosines, `[row, feature]`, as latent consistency models take it
  /// (Luo et al. 2023, arXiv:2310.04378); nil for a model without.
  private func guidance(_ conditioning: Conditioning) throws(TensorError) -> Tensor? {
    guard let features = config.timeCondProjDim else { return nil }
    let rows = conditioning.states.shape[0]
    // At scale 1 nothing is added to the prediction with the prompt: the embedding counts from there.
    let row = TimestepEmbedding.sinusoid(
      1000 * ((conditioning.guidance ?? 1) - 1), features, cosineFirst: false, shift: 1)
    return try Tensor(
      [[Float]](repeating: row, count: rows).flatMap(\.self), shape: [rows, features])
  }

  private func predict(
    _ latent: Tensor, timestep: Float, context: TextContext, added: Tensor?, _ guidance: Tensor?,
    _ cache: FeatureCache?
  ) throws(TensorError) -> Tensor {
    // Every resnet takes the embedding's SiLU, so it is computed once.
    var time = try timeEmbedding(timestep, batch: latent.shape[0], condition: guidance)
    if let added { time = try time + added }
    time = try time.applying(.silu)
    var h = try convIn(latent)
    var skips = [h]
    var text = context.reader
    // The last layer on the way up takes the first skip connection, the output of `convIn`.
    let last = upBlocks.count - 1
    let cut = upBlocks[last].layers - 1
    if let features = try cache?.forecast(at: timestep, latent.shape) {
      h = features
      text = context.reader(last: upBlocks[last].attentions.last?.depth ?? 0)
    } else {
      for block in downBlocks { h = try block(h, time: time, text: &text, skips: &skips) }
      if let midBlock { h = try midBlock(h, time: time, text: &text) }
      for block in upBlocks[..<last] {
        h = try block(h, time: time, text: &text, skips: &skips, layers: 0..<block.layers)
      }
      h = try upBlocks[last](h, time: time, text: &text, skips: &skips, layers: 0..<cut)
      try cache?.note(h, at: timestep)
    }
    h = try upBlocks[last](h, time: time, text: &text, skips: &skips, layers: cut..<cut + 1)
    return try convOut(normOut(consume h, silu: true))
  }
}
