import LanternFormats
import LanternLayers
import LanternTensor

/// The shape of a convolutional encoder and decoder of pictures, which autoencoders and makers of picture
/// tokens share since VQGAN (Esser et al. 2021, arXiv:2012.09841), and what their checkpoints call its
/// tensors.
struct ConvolutionalCodecConfig: Sendable {
  /// Levels of an encoder or decoder, from pictures' full size to the smallest.
  struct Levels: Sendable {
    /// Channels of each.
    var channels: [Int]
    /// Residual blocks of each.
    var resnets: [Int]
  }

  /// Channels of a picture that is encoded, and of one that is decoded.
  var inChannels = 3
  var outChannels = 3
  var latentChannels: Int
  /// Channels behind the encoder's first convolution.
  var firstChannels: Int
  var encoder: Levels
  var decoder: Levels
  var normNumGroups: Int
  /// Whether there is attention between the residual blocks of the smallest level.
  var hasAttention = true
  /// Pixels a side of the pictures that it was trained on, the size of a tile.
  var sampleSize: Int
  var naming: CodecNaming

  /// Channels of the decoder's layers at full size: those of the level below, doubled in size.
  var widestChannels: Int { decoder.channels[min(1, decoder.channels.count - 1)] }

  /// Pixels a side that one latent stands for.
  var downsampling: Int { 1 << (encoder.channels.count - 1) }
}

/// Names of an encoder's and decoder's tensors in a checkpoint.
struct CodecNaming: Sendable {
  let down: String
  let up: String
  let resnets: String
  let downsampler: String
  let upsampler: String
  let middleResnets: [String]
  let middleAttention: String
  let attentionNorm: String
  let attention: Attention.Naming
  let normOut: String
  /// Whether the decoder's levels are numbered in the order in which they run, from the smallest.
  let countsUpFromSmallest: Bool

  /// `down_blocks.0.resnets.0`: diffusers.
  static let diffusers = CodecNaming(
    down: "down_blocks", up: "up_blocks", resnets: "resnets", downsampler: "downsamplers.0",
    upsampler: "upsamplers.0", middleResnets: ["mid_block.resnets.0", "mid_block.resnets.1"],
    middleAttention: "mid_block.attentions.0", attentionNorm: "group_norm",
    attention: .autoencoder, normOut: "conv_norm_out", countsUpFromSmallest: true)

  /// `down.0.block.0`: taming-transformers and its kin.
  static let taming = CodecNaming(
    down: "down", up: "up", resnets: "block", downsampler: "downsample", upsampler: "upsample",
    middleResnets: ["mid.block_1", "mid.block_2"], middleAttention: "mid.attn_1",
    attentionNorm: "norm", attention: .taming, normOut: "norm_out", countsUpFromSmallest: false)
}

/// A single-headed attention, or none, between two residual blocks.
private struct CodecMiddle: Sendable {
  private let resnets: [ResnetBlock2D]
  private let attention: (norm: GroupNorm, attention: Attention)?

  init(_ weights: Weights, _ config: ConvolutionalCodecConfig, _ channels: Int)
    throws(ModelError)
  {
    let (naming, groups) = (config.naming, config.normNumGroups)
    self.resnets = try naming.middleResnets.map { name throws(ModelError) in
      try ResnetBlock2D(weights[name], channels, channels, groups: groups, eps: 1e-6)
    }
    let cursor = weights[naming.middleAttention]
    self.attention =
      config.hasAttention
      ? (
        try GroupNorm(
          cursor[naming.attentionNorm], groups: groups, channels: channels, eps: 1e-6),
        try Attention(cursor, channels, heads: 1, naming: naming.attention)
      ) : nil
  }

  func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    var h = try resnets[0](x)
    if let (norm, attention) = attention {
      let shape = h.shape
      let tokens = [shape[0], shape[1] * shape[2], shape[3]]
      h = try attention(norm(h).reshaped(tokens), residual: h.reshaped(tokens)).reshaped(shape)
    }
    return try resnets[1](h)
  }
}

/// From pictures to latents, level by level.
struct ConvolutionalEncoder: Sendable {
  private let convIn: Conv2d
  private let levels: [(resnets: [ResnetBlock2D], downsampler: Downsample2D?)]
  private let middle: CodecMiddle
  private let normOut: GroupNorm
  private let convOut: Conv2d

  /// - Parameters:
  ///   - weights: the cursor at its tensors.
  ///   - config: sizes and names.
  ///   - outputs: channels of what it gives.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  init(_ weights: Weights, _ config: ConvolutionalCodecConfig, outputs: Int) throws(ModelError) {
    let (naming, groups) = (config.naming, config.normNumGroups)
    let channels = config.encoder.channels
    let last = channels[channels.count - 1]
    self.convIn = try Conv2d(
      weights["conv_in"], config.inChannels, config.firstChannels, .same3)
    self.levels = try channels.indices.map { index throws(ModelError) in
      let cursor = weights[naming.down][index]
      let before = index == 0 ? config.firstChannels : channels[index - 1]
      let resnets = try (0..<config.encoder.resnets[index]).map { number throws(ModelError) in
        try ResnetBlock2D(
          cursor[naming.resnets][number], number == 0 ? before : channels[index],
          channels[index], groups: groups, eps: 1e-6)
      }
      let downsampler =
        index == channels.count - 1
        ? nil
        : try Downsample2D(cursor[naming.downsampler], channels[index], padding: .bottomRight)
      return (resnets, downsampler)
    }
    self.middle = try CodecMiddle(weights, config, last)
    self.normOut = try GroupNorm(
      weights[naming.normOut], groups: groups, channels: last, eps: 1e-6)
    self.convOut = try Conv2d(weights["conv_out"], last, outputs, .same3)
  }

  /// What the last convolution is given, `[batch, height / downsampling, width / downsampling, channel]`.
  func features(of x: Tensor) throws(TensorError) -> Tensor {
    var h = try convIn(x)
    for level in levels {
      for resnet in level.resnets { h = try resnet(consume h) }
      if let downsampler = level.downsampler { h = try downsampler(h) }
    }
    return try normOut(middle(consume h), silu: true)
  }

  /// The last convolution.
  func project(_ features: Tensor) throws(TensorError) -> Tensor { try convOut(features) }

  func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor { try project(features(of: x)) }
}

/// From latents to pictures, level by level.
struct ConvolutionalDecoder: Sendable {
  private let convIn: Conv2d
  private let middle: CodecMiddle
  /// From the smallest to pictures' full size.
  private let levels: [(resnets: [ResnetBlock2D], upsampler: Upsample2D?)]
  private let normOut: GroupNorm
  private let convOut: Conv2d

  /// - Parameters:
  ///   - weights: the cursor at its tensors.
  ///   - config: sizes and names.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  init(_ weights: Weights, _ config: ConvolutionalCodecConfig) throws(ModelError) {
    let (naming, groups) = (config.naming, config.normNumGroups)
    let channels = config.decoder.channels
    let smallest = channels.count - 1
    self.convIn = try Conv2d(
      weights["conv_in"], config.latentChannels, channels[smallest], .same3)
    self.middle = try CodecMiddle(weights, config, channels[smallest])
    self.levels = try channels.indices.reversed().map { index throws(ModelError) in
      let number = naming.countsUpFromSmallest ? smallest - index : index
      let cursor = weights[naming.up][number]
      let before = channels[min(index + 1, smallest)]
      let resnets = try (0..<config.decoder.resnets[index]).map { number throws(ModelError) in
        try ResnetBlock2D(
          cursor[naming.resnets][number], number == 0 ? before : channels[index],
          channels[index], groups: groups, eps: 1e-6)
      }
      let upsampler =
        index == 0 ? nil : try Upsample2D(cursor[naming.upsampler], channels[index])
      return (resnets, upsampler)
    }
    self.normOut = try GroupNorm(
      weights[naming.normOut], groups: groups, channels: channels[0], eps: 1e-6)
    self.convOut = try Conv2d(weights["conv_out"], channels[0], config.outChannels, .same3)
  }

  func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    var h = try middle(convIn(x))
    for (index, level) in levels.enumerated() {
      for resnet in level.resnets { h = try resnet(consume h) }
      guard let upsampler = level.upsampler else { continue }
      // The last level needs most memory, and buffers of the others are too small for it.
      let isSmall = index == levels.count - 2
      if isSmall { BufferPool.shared.drain(atLeast: 4 << 20) }
      h = try upsampler(h)
      if isSmall { BufferPool.shared.drain(atLeast: 4 << 20) }
    }
    return try convOut(normOut(consume h, silu: true))
  }
}

extension ConvolutionalCodecConfig {
  /// Reads the settings that diffusers' `AutoencoderKL` and `VQModel` share.
  ///
  /// - Parameters:
  ///   - config: of a `config.json`.
  ///   - defaultValue: latent channels where the file says nothing of them.
  /// - Throws: ``ModelError/file(_:)`` for a missing, mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when lists differ in length or sizes do not divide.
  init(diffusers config: Config, latentChannels defaultValue: Int) throws(ModelError) {
    let kinds: [(key: String, known: String, found: [String])]
    let channels: [Int]
    let resnets: Int
    do throws(FormatError) {
      try config.expect("act_fn", [.string("silu"), .string("swish")])
      kinds = try [
        ("down_block_types", "DownEncoderBlock2D"), ("up_block_types", "UpDecoderBlock2D"),
      ].map { key, known throws(FormatError) in
        (key, known, try config.strings(key, default: [known]))
      }
      for (key, known, found) in kinds {
        if let other = found.first(where: { $0 != known }) {
          throw FormatError.unsupportedSetting(key: key, value: other, file: config.file)
        }
      }
      inChannels = try config.integer("in_channels", default: 3)
      outChannels = try config.integer("out_channels", default: 3)
      channels = try config.integers("block_out_channels", default: [64])
      resnets = try config.sameInteger("layers_per_block", default: 1)
      latentChannels = try config.integer("latent_channels", default: defaultValue)
      normNumGroups = try config.integer("norm_num_groups", default: 32)
      sampleSize = try config.size("sample_size", default: 32).height
      hasAttention = try config.bool("mid_block_add_attention", default: true)
    } catch {
      throw .file(error)
    }
    let sizes = [inChannels, outChannels, resnets, latentChannels, normNumGroups, sampleSize]
    let groups = normNumGroups
    guard (sizes + channels).allSatisfy({ (1...65536).contains($0) }), !channels.isEmpty,
      channels.count <= 8, kinds.allSatisfy({ $0.found.count == channels.count }),
      channels.allSatisfy({ $0 % groups == 0 }), !hasAttention || (channels.last ?? 0) <= 1024
    else {
      throw .inconsistent(
        reason: "block_out_channels must be 1 to 8 positive multiples of norm_num_groups, "
          + "one for each of down_block_types and up_block_types",
        file: config.file)
    }
    firstChannels = channels[0]
    encoder = Levels(channels: channels, resnets: channels.map { _ in resnets })
    decoder = Levels(channels: channels, resnets: channels.map { _ in resnets + 1 })
    naming = .diffusers
  }
}
