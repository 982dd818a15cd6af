package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of a ControlNet, read from diffusers' `config.json`.
package struct ControlNetModelConfig: Sendable {
  var unet: UNet2DConditionConfig
  /// Channels of the picture's embedding, level by level.
  var embeddingChannels: [Int]
  /// Whether the network was trained on pictures of blue, green and red.
  var isReversed: Bool

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a missing, mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when lists differ in length or sizes do not divide.
  package init(_ file: Config) throws(ModelError) {
    let config: Config
    do throws(FormatError) {
      let down = try file.strings(
        "down_block_types",
        default: Array(repeating: "CrossAttnDownBlock2D", count: 3) + ["DownBlock2D"])
      // The U-Net that it is the half of has a way up of the same kinds.
      let up = down.reversed().map { JSONValue.string($0.replacing("Down", with: "Up")) }
      config = file.adding(["up_block_types": .array(up)])
      embeddingChannels = try config.integers(
        "conditioning_embedding_out_channels", default: [16, 32, 96, 256])
      let order = "controlnet_conditioning_channel_order"
      try config.expect(order, [.string("rgb"), .string("bgr")])
      isReversed = try config.string(order, default: "rgb") == "bgr"
      try config.expect("conditioning_channels", [.integer(3)])
      try config.expect("global_pool_conditions", [.bool(false)])
    } catch {
      throw .file(error)
    }
    unet = try UNet2DConditionConfig(config)
    guard (1...8).contains(embeddingChannels.count),
      embeddingChannels.allSatisfy({ (1...4096).contains($0) })
    else {
      throw .inconsistent(
        reason: "conditioning_embedding_out_channels must be 1 to 8 sensible numbers",
        file: config.file)
    }
  }
}

/// A ControlNet of Stable Diffusion 1, 2 or XL: a copy of the U-Net's encoder that takes a picture too, with
/// 1×1 convolutions behind it that began as zeros (Zhang et al. 2023, arXiv:2302.05543).
package struct ControlNetModel: ControlNetwork {
  private let config: ControlNetModelConfig
  private let encoder: UNetEncoder
  /// `controlnet_cond_embedding`: convolutions of the picture down to the latent's size.
  private let embedding: [Conv2d]
  private let zeroConvolutions: [Conv2d]

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: ControlNetModelConfig, _ weights: Weights) throws(ModelError) {
    self.config = config
    encoder = try UNetEncoder(config.unet, weights)
    let (channels, hint) = (config.embeddingChannels, weights["controlnet_cond_embedding"])
    var embedding = [try Conv2d(hint["conv_in"], 3, channels[0], .same3)]
    for (index, pair) in zip(channels, channels.dropFirst()).enumerated() {
      embedding.append(try Conv2d(hint["blocks"][2 * index], pair.0, pair.0, .same3))
      embedding.append(
        try Conv2d(
          hint["blocks"][2 * index + 1], pair.0, pair.1,
          ConvolutionWindow(3, stride: 2, padding: .all(1))))
    }
    let outputs = encoder.skipChannels
    embedding.append(
      try Conv2d(hint["conv_out"], channels[channels.count - 1], outputs[0], .same3))
    self.embedding = embedding
    let middle = outputs[outputs.count - 1]
    zeroConvolutions =
      try outputs.indices.map { index throws(ModelError) in
        try Conv2d(weights["controlnet_down_blocks"][index], outputs[index], outputs[index], .pixel)
      } + [try Conv2d(weights["controlnet_mid_block"], middle, middle, .pixel)]
    try weights.finish()
  }

  package var residualChannels: [Int] { encoder.residualChannels }
  package var conditioningFeatures: Int { config.unet.crossAttentionDim }

  package func pooledFeatures(sizes count: Int) -> Int { config.unet.pooledFeatures(sizes: count) }

  package func conditioned(on conditioning: Conditioning, hint: Tensor) throws(TensorError)
    -> ConditionedControl
  {
    var h = hint
    if config.isReversed {
      let channels = try [2, 1, 0].map { channel throws(TensorError) in
        try hint.sliced(axis: 3, channel..<channel + 1)
      }
      h = try Tensor.concatenated(channels, axis: 3)
    }
    for convolution in embedding.dropLast() { h = try convolution(h, activation: .silu) }
    let embedded = try embedding[embedding.count - 1](h)
    let context = try TextContext(encoder.keysAndValues(of: conditioning.states))
    let added = try encoder.added(conditioning)
    let guidance = try encoder.guidance(conditioning)
    return { latent, timestep throws(TensorError) in
      let own = try latent.sliced(axis: 3, 0..<config.unet.inChannels).contiguous()
      let time = try encoder.time(
        timestep, batch: own.shape[0], added: added, guidance: guidance)
      var text = context.reader
      let (skips, middle) = try encoder(own, time: time, text: &text, hint: embedded)
      return ControlResiduals(
        skips: try zip(zeroConvolutions, skips + [middle]).map {
          convolution, state throws(TensorError) in
          try convolution(state)
        })
    }
  }
}
