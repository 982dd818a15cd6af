package import LanternLayers
package import LanternTensor

/// The U-Net of Stable Diffusion 1 and 2: from a noisy latent, a timestep and a text to the prediction
/// (Rombach et al. 2022, arXiv:2112.10752).
package struct UNet2DConditionModel: DenoiserNetwork {
  package let config: UNet2DConditionConfig
  private let convIn: Conv2d
  private let timeEmbedding: TimestepEmbedding
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
      cosineFirst: config.flipSinToCos, shift: config.freqShift)

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

  package func conditioned(on conditioning: Conditioning) throws(TensorError)
    -> ConditionedDenoiser
  {
    let attentions =
      downBlocks.flatMap(\.attentions) + (midBlock.map { [$0.attention] } ?? [])
      + upBlocks.flatMap(\.attentions)
    var all: [Attention.KeysAndValues] = []
    for attention in attentions { all += try attention.keysAndValues(of: conditioning.states) }
    let context = TextContext(all)
    return { latent, timestep throws(TensorError) in
      try predict(latent, timestep: timestep, context: context)
    }
  }

  private func predict(_ latent: Tensor, timestep: Float, context: TextContext)
    throws(TensorError) -> Tensor
  {
    // Every resnet takes the embedding's SiLU, so it is computed once.
    let time = try timeEmbedding(timestep, batch: latent.shape[0]).applying(.silu)
    var h = try convIn(latent)
    var skips = [h]
    var text = context.reader
    for block in downBlocks { h = try block(h, time: time, text: &text, skips: &skips) }
    if let midBlock { h = try midBlock(h, time: time, text: &text) }
    for block in upBlocks { h = try block(h, time: time, text: &text, skips: &skips) }
    return try convOut(normOut(consume h, silu: true))
  }
}
