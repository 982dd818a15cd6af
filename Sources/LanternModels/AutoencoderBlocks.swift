import LanternFormats
import LanternLayers
import LanternTensor

/// The settings of encoder and decoder that diffusers' autoencoders share.
struct AutoencoderBlocksConfig: Sendable {
  var inChannels: Int
  var outChannels: Int
  var blockOutChannels: [Int]
  var layersPerBlock: Int
  var latentChannels: Int
  var normNumGroups: Int
  /// Pixels a side that the model was trained on, the size of a tile.
  var sampleSize: Int
  var midBlockAddAttention: Bool

  /// Reads the settings.
  ///
  /// - Parameters:
  ///   - config: of a `config.json`.
  ///   - standard: latent channels where the file says nothing of them.
  /// - Throws: ``ModelError/file(_:)`` for a missing, mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when lists differ in length or sizes do not divide.
  init(_ config: Config, latentChannels standard: Int) throws(ModelError) {
    let downTypes: [String]
    let upTypes: [String]
    do throws(FormatError) {
      try config.expect("act_fn", [.string("silu"), .string("swish")])
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
      layersPerBlock = try config.sameInteger("layers_per_block", default: 1)
      latentChannels = try config.integer("latent_channels", default: standard)
      normNumGroups = try config.integer("norm_num_groups", default: 32)
      sampleSize = try config.size("sample_size", default: 32).height
      midBlockAddAttention = try config.bool("mid_block_add_attention", default: true)
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
      !midBlockAddAttention || (blockOutChannels.last ?? 0) <= 1024
    else {
      throw .inconsistent(
        reason: "block_out_channels must be 1 to 8 positive multiples of norm_num_groups, "
          + "one for each of down_block_types and up_block_types",
        file: config.file)
    }
  }

  /// Pixels a side that one latent stands for.
  var downsampling: Int { 1 << (blockOutChannels.count - 1) }
}

/// `UNetMidBlock2D`: a single-headed attention, or none, between two resnets.
private struct AutoencoderMidBlock: Sendable {
  private let resnet1: ResnetBlock2D
  private let norm: GroupNorm?
  private let attention: Attention?
  private let resnet2: ResnetBlock2D

  init(_ weights: Weights, _ config: AutoencoderBlocksConfig, _ channels: Int) throws(ModelError) {
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

struct AutoencoderEncoder: Sendable {
  private let convIn: Conv2d
  private let levels: [(resnets: [ResnetBlock2D], downsampler: Downsample2D?)]
  private let midBlock: AutoencoderMidBlock
  private let normOut: GroupNorm
  private let convOut: Conv2d

  /// - Parameters:
  ///   - weights: the place of its tensors.
  ///   - config: sizes.
  ///   - outputs: channels of what it gives.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  init(_ weights: Weights, _ config: AutoencoderBlocksConfig, outputs: Int) throws(ModelError) {
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
    self.convOut = try Conv2d(weights["conv_out"], last, outputs, .same3)
  }

  func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    var h = try convIn(x)
    for level in levels {
      for resnet in level.resnets { h = try resnet(consume h) }
      if let downsampler = level.downsampler { h = try downsampler(h) }
    }
    return try convOut(normOut(midBlock(consume h), silu: true))
  }
}

struct AutoencoderDecoder: Sendable {
  private let convIn: Conv2d
  private let midBlock: AutoencoderMidBlock
  private let levels: [(resnets: [ResnetBlock2D], upsampler: Upsample2D?)]
  private let normOut: GroupNorm
  private let convOut: Conv2d

  init(_ weights: Weights, _ config: AutoencoderBlocksConfig) throws(ModelError) {
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
    for (index, level) in levels.enumerated() {
      for resnet in level.resnets { h = try resnet(consume h) }
      guard let upsampler = level.upsampler else { continue }
      // Most memory is needed by the last level, for which what the others worked in is too small.
      let isSmall = index == levels.count - 2
      if isSmall { BufferPool.shared.drain(atLeast: 4 << 20) }
      h = try upsampler(h)
      if isSmall { BufferPool.shared.drain(atLeast: 4 << 20) }
    }
    return try convOut(normOut(consume h, silu: true))
  }
}
