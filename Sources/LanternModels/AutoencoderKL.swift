package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of an autoencoder, read from diffusers' `vae/config.json`.
package struct AutoencoderKLConfig: Sendable {
  var inChannels: Int
  var outChannels: Int
  var blockOutChannels: [Int]
  var layersPerBlock: Int
  package var latentChannels: Int
  var normNumGroups: Int
  /// Pixels a side that the model was trained on, the size of a tile.
  package var sampleSize: Int
  package var scalingFactor: Float
  package var shiftFactor: Float
  var useQuantConv: Bool
  var usePostQuantConv: Bool
  var midBlockAddAttention: Bool

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a missing, mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when lists differ in length or sizes do not divide.
  package init(_ config: Config) throws(ModelError) {
    let downTypes: [String]
    let upTypes: [String]
    do throws(FormatError) {
      try config.expect("act_fn", [.string("silu"), .string("swish")])
      try config.expect("latents_mean", [.null])
      try config.expect("latents_std", [.null])
      downTypes = try config.strings("down_block_types", default: ["DownEncoderBlock2D"])
      upTypes = try config.strings("up_block_types", default: ["UpDecoderBlock2D"])
      for (key, kinds, known) in [
        ("down_block_types", downTypes, "DownEncoderBlock2D"),
        ("up_block_types", upTypes, "UpDecoderBlock2D"),
      ] {
        if let other = kinds.first(where: { $0 != known }) {
          throw FormatError.unsupportedSetting(key: key, value: other, file: config.file)
        }
      }
      inChannels = try config.integer("in_channels", default: 3)
      outChannels = try config.integer("out_channels", default: 3)
      blockOutChannels = try config.integers("block_out_channels", default: [64])
      layersPerBlock = try config.integer("layers_per_block", default: 1)
      latentChannels = try config.integer("latent_channels", default: 4)
      normNumGroups = try config.integer("norm_num_groups", default: 32)
      sampleSize = try config.integer("sample_size", default: 32)
      scalingFactor = try config.float("scaling_factor", default: 0.18215)
      shiftFactor = try config.float("shift_factor", default: 0)
      useQuantConv = try config.bool("use_quant_conv", default: true)
      usePostQuantConv = try config.bool("use_post_quant_conv", default: true)
      midBlockAddAttention = try config.bool("mid_block_add_attention", default: true)
      try config.finish(ignoring: ["force_upcast"])
    } catch {
      throw .file(error)
    }
    let sizes = [
      inChannels, outChannels, layersPerBlock, latentChannels, normNumGroups, sampleSize,
    ]
    guard (sizes + blockOutChannels).allSatisfy({ (1...65536).contains($0) }),
      !blockOutChannels.isEmpty, blockOutChannels.count <= 8,
      downTypes.count == blockOutChannels.count, upTypes.count == blockOutChannels.count,
      blockOutChannels.allSatisfy({ $0 % normNumGroups == 0 }),
      !midBlockAddAttention || (blockOutChannels.last ?? 0) <= 1024, scalingFactor != 0
    else {
      throw .inconsistent(
        reason: "block_out_channels must be 1 to 8 positive multiples of norm_num_groups, "
          + "one for each of down_block_types and up_block_types, and scaling_factor not 0",
        file: config.file)
    }
  }

  /// Channels of the decoder's layers at full size: those of the level below, doubled in size.
  package var widestChannels: Int { blockOutChannels[min(1, blockOutChannels.count - 1)] }

  /// Pixels a side that one latent stands for.
  package var downsampling: Int { 1 << (blockOutChannels.count - 1) }
}

/// The autoencoder that Stable Diffusion draws in the latents of (Rombach et al. 2022,
/// arXiv:2112.10752, section 3.1).
package struct AutoencoderKL: Sendable {
  package let config: AutoencoderKLConfig
  private let encoder: Encoder
  private let decoder: Decoder
  private let quantConv: Conv2d?
  private let postQuantConv: Conv2d?

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: AutoencoderKLConfig, _ weights: Weights) throws(ModelError) {
    self.config = config
    let latents = config.latentChannels
    self.encoder = try Encoder(weights["encoder"], config)
    self.decoder = try Decoder(weights["decoder"], config)
    self.quantConv =
      config.useQuantConv
      ? try Conv2d(weights["quant_conv"], 2 * latents, 2 * latents, .pixel) : nil
    self.postQuantConv =
      config.usePostQuantConv
      ? try Conv2d(weights["post_quant_conv"], latents, latents, .pixel) : nil
    try weights.finish()
  }

  /// Mean and logarithm of the variance of a picture's latent, unscaled.
  ///
  /// - Parameter picture: `[batch, height, width, 3]`, −1…1, sizes multiples of ``AutoencoderKLConfig/downsampling``.
  /// - Returns: two tensors `[batch, height / downsampling, width / downsampling, latent channel]`.
  /// - Throws: ``TensorError`` for a wrong shape.
  package func moments(of picture: Tensor) throws(TensorError) -> (
    mean: Tensor, logVariance: Tensor
  ) {
    var h = try encoder(picture)
    if let quantConv { h = try quantConv(h) }
    let latents = config.latentChannels
    return (
      try h.sliced(axis: 3, 0..<latents).contiguous(),
      try h.sliced(axis: 3, latents..<2 * latents).clamped(to: -30...20)
    )
  }

  /// A latent drawn from the distribution that the picture is encoded to, scaled for diffusion.
  ///
  /// - Parameters:
  ///   - picture: see ``moments(of:)``.
  ///   - noise: standard normal numbers of the latent's shape.
  /// - Returns: `[batch, height / downsampling, width / downsampling, latent channel]`.
  /// - Throws: ``TensorError`` for a wrong shape.
  package func encode(_ picture: Tensor, noise: Tensor) throws(TensorError) -> Tensor {
    let (mean, logVariance) = try moments(of: picture)
    let deviation = try logVariance.scaled(by: 0.5).applying(.exponential)
    let drawn = try mean + deviation * noise
    return try drawn.scaled(
      by: config.scalingFactor, plus: -config.shiftFactor * config.scalingFactor)
  }

  /// The picture of a scaled latent.
  ///
  /// - Parameters:
  ///   - latent: `[batch, height, width, latent channel]`.
  ///   - tiled: whether to decode overlapping tiles one by one, for little memory.
  /// - Returns: `[batch, height · downsampling, width · downsampling, 3]`, about −1…1.
  /// - Throws: ``TensorError`` for a wrong shape.
  package func decode(_ latent: Tensor, tiled: Bool = false) throws(TensorError) -> Tensor {
    let unscaled = try latent.scaled(by: 1 / config.scalingFactor, plus: config.shiftFactor)
    return tiled ? try decodeTiles(unscaled) : try decodeWhole(unscaled)
  }

  func decodeWhole(_ latent: Tensor) throws(TensorError) -> Tensor {
    guard let postQuantConv else { return try decoder(latent) }
    return try decoder(postQuantConv(latent))
  }
}

/// `UNetMidBlock2D`: a single-headed attention, or none, between two resnets.
private struct AutoencoderMidBlock: Sendable {
  private let resnet1: ResnetBlock2D
  private let norm: GroupNorm?
  private let attention: Attention?
  private let resnet2: ResnetBlock2D

  init(_ weights: Weights, _ config: AutoencoderKLConfig, _ channels: Int) throws(ModelError) {
    let groups = config.normNumGroups
    self.resnet1 = try ResnetBlock2D(
      weights["resnets"][0], channels, channels, groups: groups, eps: 1e-6)
    if config.midBlockAddAttention {
      let place = weights["attentions"][0]
      self.norm = try GroupNorm(place["group_norm"], groups: groups, channels: channels, eps: 1e-6)
      self.attention = try Attention(place, channels, heads: 1, spelling: .autoencoder)
    } else {
      self.norm = nil
      self.attention = nil
    }
    self.resnet2 = try ResnetBlock2D(
      weights["resnets"][1], channels, channels, groups: groups, eps: 1e-6)
  }

  func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    var h = try resnet1(x)
    if let norm, let attention {
      let shape = h.shape
      let tokens = [shape[0], shape[1] * shape[2], shape[3]]
      h = try attention(norm(h).reshaped(tokens), residual: h.reshaped(tokens)).reshaped(shape)
    }
    return try resnet2(h)
  }
}

private struct Encoder: Sendable {
  private let convIn: Conv2d
  private let levels: [(resnets: [ResnetBlock2D], downsampler: Downsample2D?)]
  private let midBlock: AutoencoderMidBlock
  private let normOut: GroupNorm
  private let convOut: Conv2d

  init(_ weights: Weights, _ config: AutoencoderKLConfig) throws(ModelError) {
    let channels = config.blockOutChannels
    let last = channels[channels.count - 1]
    self.convIn = try Conv2d(weights["conv_in"], config.inChannels, channels[0], .same3)
    self.levels = try channels.indices.map { index throws(ModelError) in
      let place = weights["down_blocks"][index]
      let resnets = try (0..<config.layersPerBlock).map { layer throws(ModelError) in
        try ResnetBlock2D(
          place["resnets"][layer], channels[layer == 0 ? max(index - 1, 0) : index],
          channels[index], groups: config.normNumGroups, eps: 1e-6)
      }
      let downsampler =
        index == channels.count - 1
        ? nil
        : try Downsample2D(place["downsamplers"][0], channels[index], padding: .bottomRight)
      return (resnets, downsampler)
    }
    self.midBlock = try AutoencoderMidBlock(weights["mid_block"], config, last)
    self.normOut = try GroupNorm(
      weights["conv_norm_out"], groups: config.normNumGroups, channels: last, eps: 1e-6)
    self.convOut = try Conv2d(weights["conv_out"], last, 2 * config.latentChannels, .same3)
  }

  func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    var h = try convIn(x)
    for level in levels {
      for resnet in level.resnets { h = try resnet(h) }
      if let downsampler = level.downsampler { h = try downsampler(h) }
    }
    return try convOut(normOut(midBlock(h), silu: true))
  }
}

private struct Decoder: Sendable {
  private let convIn: Conv2d
  private let midBlock: AutoencoderMidBlock
  private let levels: [(resnets: [ResnetBlock2D], upsampler: Upsample2D?)]
  private let normOut: GroupNorm
  private let convOut: Conv2d

  init(_ weights: Weights, _ config: AutoencoderKLConfig) throws(ModelError) {
    let channels = Array(config.blockOutChannels.reversed())
    let last = channels[channels.count - 1]
    self.convIn = try Conv2d(weights["conv_in"], config.latentChannels, channels[0], .same3)
    self.midBlock = try AutoencoderMidBlock(weights["mid_block"], config, channels[0])
    self.levels = try channels.indices.map { index throws(ModelError) in
      let place = weights["up_blocks"][index]
      let resnets = try (0...config.layersPerBlock).map { layer throws(ModelError) in
        try ResnetBlock2D(
          place["resnets"][layer], channels[layer == 0 ? max(index - 1, 0) : index],
          channels[index], groups: config.normNumGroups, eps: 1e-6)
      }
      let upsampler =
        index == channels.count - 1
        ? nil : try Upsample2D(place["upsamplers"][0], channels[index])
      return (resnets, upsampler)
    }
    self.normOut = try GroupNorm(
      weights["conv_norm_out"], groups: config.normNumGroups, channels: last, eps: 1e-6)
    self.convOut = try Conv2d(weights["conv_out"], last, config.outChannels, .same3)
  }

  func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    var h = try midBlock(convIn(x))
    for level in levels {
      for resnet in level.resnets { h = try resnet(h) }
      if let upsampler = level.upsampler { h = try upsampler(h) }
    }
    return try convOut(normOut(h, silu: true))
  }
}
