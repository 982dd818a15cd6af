import LanternFormats
package import LanternLayers
package import LanternTensor

/// The U-Net of Stable Diffusion 1 and 2: from a noisy latent, a timestep and a text to the prediction
/// (Rombach et al. 2022, arXiv:2112.10752).
package struct UNet2DConditionModel: DenoiserNetwork {
  package let config: UNet2DConditionConfig
  private let encoder: UNetEncoder
  private let upBlocks: [UpBlock2D]
  private let normOut: GroupNorm
  private let convOut: Conv2d

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: UNet2DConditionConfig, _ root: Weights) throws(ModelError) {
    self.config = config
    let weights = root.spelledToo(UNetLayout(config).names.inverse.callAsFunction)
    let channels = config.blockOutChannels
    let last = channels.count - 1
    self.encoder = try UNetEncoder(config, weights)

    // Skip connections are pushed on the way down and popped on the way up.
    var skips = encoder.skipChannels
    var up: [UpBlock2D] = []
    for index in channels.indices {
      let mirror = last - index
      let level = config.up(index)
      let taken = Array(skips.suffix(level.layers).reversed())
      skips.removeLast(min(level.layers, skips.count))
      up.append(
        try UpBlock2D(
          weights["up_blocks"][index], level, inputs: channels[min(mirror + 1, last)],
          skips: taken, isLast: index == last))
    }
    self.upBlocks = up

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
  package var residualChannels: [Int] { encoder.residualChannels }
  package var blockResiduals: [BlockResidual] { encoder.blockResiduals }
  package var embedsGuidance: Bool { config.timeCondProjDim != nil }

  package var crossAttentionChannels: [Int] {
    (encoder.downAttentions + upBlocks.flatMap(\.attentions) + encoder.midAttentions).flatMap {
      Array(repeating: $0.channels, count: $0.depth)
    }
  }

  package func pooledFeatures(sizes count: Int) -> Int { config.pooledFeatures(sizes: count) }

  package func conditioned(on conditioning: Conditioning, caching: StepCache?) throws(TensorError)
    -> ConditionedDenoiser
  {
    var all = try encoder.keysAndValues(of: conditioning.states)
    let encoderCount = all.count
    for attention in upBlocks.flatMap(\.attentions) {
      all += try attention.keysAndValues(of: conditioning.states)
    }
    let context = try TextContext(
      all, conditioning.pictures, middle: encoder.midAttentions.map(\.depth).reduce(0, +),
      up: all.count - encoderCount)
    let added = try encoder.added(conditioning)
    let guidance = try encoder.guidance(conditioning)
    let cache = caching.map(FeatureCache.init)
    return { latent, timestep throws(TensorError) in
      let residuals = try conditioning.residuals?(latent, timestep)
      let time = try encoder.time(
        timestep, batch: latent.shape[0], added: added, guidance: guidance)
      return try predict(
        latent, timestep, time: time, context: context, residuals: residuals, cache)
    }
  }

  private func predict(
    _ latent: Tensor, _ timestep: Float, time: Tensor, context: TextContext,
    residuals: ControlResiduals?, _ cache: FeatureCache?
  ) throws(TensorError) -> Tensor {
    var text = context.reader
    var (skips, h): ([Tensor], Tensor)
    // The last layer on the way up takes the first skip connection.
    let last = upBlocks.count - 1
    let cut = upBlocks[last].layers - 1
    if let features = try cache?.forecast(at: timestep, latent.shape) {
      (skips, h) = ([try encoder.first(latent)], features)
      if let residual = residuals?.skips.first { skips[0] = try skips[0] + residual }
      text = context.reader(last: upBlocks[last].attentions.last?.depth ?? 0)
    } else {
      (skips, h) = try encoder(latent, time: time, text: &text, blocks: residuals?.blocks ?? [])
      var sums = try ControlResiduals.sum(skips + [h], residuals?.skips ?? [])
      h = sums.removeLast()
      skips = sums
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
