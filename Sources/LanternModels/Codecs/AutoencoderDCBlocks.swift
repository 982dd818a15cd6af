import LanternLayers
import LanternTensor

/// From pictures to latents: diffusers' `Encoder` of `AutoencoderDC`.
struct DCEncoder: Sendable {
  private let first: DCResize
  private let levels: [(blocks: [DCBlock], down: DCResize?)]
  private let convOut: Conv2d
  private let config: AutoencoderDCConfig

  init(_ weights: Weights, _ config: AutoencoderDCConfig) throws(ModelError) {
    self.config = config
    let side = config.encoder
    let way: DCResize.Way = config.unshufflesDown ? .unshuffled : .strided
    let isWhole = side.layers[0] > 0
    first = try DCResize(
      weights["conv_in"], 3, side.channels[isWhole ? 0 : 1], isWhole ? .kept : way,
      hasShortcut: false)
    levels = try side.channels.indices.map { index throws(ModelError) in
      let cursor = weights["down_blocks"][index]
      let hasDown = index < side.channels.count - 1 && side.layers[index] > 0
      let blocks = try DCBlock.all(cursor, config, side, index, from: 0)
      let down =
        hasDown
        ? try DCResize(
          cursor[side.layers[index]], side.channels[index], side.channels[index + 1], way,
          hasShortcut: true) : nil
      return (blocks, down)
    }
    convOut = try Conv2d(
      weights["conv_out"], side.channels[side.channels.count - 1], config.latentChannels, .same3)
  }

  /// `[batch, height / downsampling, width / downsampling, latent channel]`.
  func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    var h = try first(x)
    for level in levels {
      for block in level.blocks { h = try block(h) }
      if let down = level.down { h = try down(h) }
    }
    let found = try convOut(h)
    return config.hasShortcuts.encoder
      ? try found + h.meanOfGroups(to: config.latentChannels) : found
  }
}

/// From latents to pictures: diffusers' `Decoder` of `AutoencoderDC`.
struct DCDecoder: Sendable {
  private let convIn: Conv2d
  /// From the smallest.
  private let levels: [(up: DCResize?, blocks: [DCBlock])]
  private let normOut: ChannelRMSNorm
  private let last: DCResize
  private let config: AutoencoderDCConfig

  init(_ weights: Weights, _ config: AutoencoderDCConfig) throws(ModelError) {
    self.config = config
    let side = config.decoder
    let smallest = side.channels.count - 1
    let way: DCResize.Way = config.shufflesUp ? .shuffled : .repeated
    convIn = try Conv2d(weights["conv_in"], config.latentChannels, side.channels[smallest], .same3)
    levels = try side.channels.indices.reversed().map { index throws(ModelError) in
      let cursor = weights["up_blocks"][index]
      let hasUp = index < smallest && side.layers[index] > 0
      let up =
        hasUp
        ? try DCResize(
          cursor[0], side.channels[index + 1], side.channels[index], way, hasShortcut: true) : nil
      return (up, try DCBlock.all(cursor, config, side, index, from: hasUp ? 1 : 0))
    }
    let isWhole = side.layers[0] > 0
    let channels = side.channels[isWhole ? 0 : 1]
    normOut = try ChannelRMSNorm(weights["norm_out"], channels)
    last = try DCResize(
      weights["conv_out"], channels, 3, isWhole ? .kept : way, hasShortcut: false)
  }

  /// `[batch, height · downsampling, width · downsampling, 3]`.
  func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    let channels = config.decoder.channels[config.decoder.channels.count - 1]
    var h = try convIn(x)
    if config.hasShortcuts.decoder { h = try h + x.repeatingChannels(channels / x.shape[3]) }
    for level in levels {
      if let up = level.up { h = try up(h) }
      for block in level.blocks { h = try block(h) }
    }
    return try last(normOut(h).applying(config.lastActivation))
  }
}

/// A convolution that changes the size, and a shortcut without weights: diffusers' `DCDownBlock2d` and `DCUpBlock2d`.
private struct DCResize: Sendable {
  /// How it does.
  enum Way: Sendable {
    /// Not at all: a convolution alone.
    case kept
    /// Pixels are moved into channels, or back.
    case unshuffled, shuffled
    /// A stride of 2, or each pixel four times.
    case strided, repeated
  }

  private let convolution: Conv2d
  private let way: Way
  private let hasShortcut: Bool
  private let outputs: Int

  init(_ weights: Weights, _ inputs: Int, _ outputs: Int, _ way: Way, hasShortcut: Bool)
    throws(ModelError)
  {
    (self.way, self.hasShortcut, self.outputs) = (way, hasShortcut, outputs)
    let channels =
      switch way {
      case .unshuffled: outputs / 4
      case .shuffled: outputs * 4
      default: outputs
      }
    let window: ConvolutionWindow =
      way == .strided ? ConvolutionWindow(3, stride: 2, padding: .all(1)) : .same3
    convolution = try Conv2d(
      way == .kept ? weights : weights["conv"], inputs, channels, window)
  }

  func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    switch way {
    case .kept: return try convolution(x)
    case .unshuffled, .strided:
      let found = try convolution(x)
      let h = way == .unshuffled ? try found.pixelUnshuffled(by: 2) : found
      return hasShortcut ? try h + x.pixelUnshuffled(by: 2).meanOfGroups(to: outputs) : h
    case .shuffled, .repeated:
      let h =
        way == .shuffled
        ? try convolution(x).pixelShuffled(by: 2) : try convolution(x.upsampledNearest(by: 2))
      guard hasShortcut else { return h }
      return try h + x.repeatingChannels(4 * outputs / x.shape[3]).pixelShuffled(by: 2)
    }
  }
}

/// A block of a level.
private enum DCBlock: Sendable {
  case residual(DCResBlock)
  case attention(EfficientViTBlock)

  /// Those of a level.
  static func all(
    _ weights: Weights, _ config: AutoencoderDCConfig, _ side: AutoencoderDCConfig.Side,
    _ index: Int, from first: Int
  ) throws(ModelError) -> [DCBlock] {
    try (0..<side.layers[index]).map { number throws(ModelError) in
      let (cursor, channels) = (weights[first + number], side.channels[index])
      return side.hasAttention[index]
        ? .attention(
          try EfficientViTBlock(
            cursor, channels, headSize: config.headSize, windows: side.windows[index]))
        : .residual(try DCResBlock(cursor, channels))
    }
  }

  func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    switch self {
    case .residual(let block): try block(x)
    case .attention(let block): try block(x)
    }
  }
}

/// diffusers' `ResBlock` of `AutoencoderDC`.
private struct DCResBlock: Sendable {
  private let (first, second): (Conv2d, Conv2d)
  private let norm: ChannelRMSNorm

  init(_ weights: Weights, _ channels: Int) throws(ModelError) {
    first = try Conv2d(weights["conv1"], channels, channels, .same3)
    second = try Conv2d(weights["conv2"], channels, channels, .same3, bias: false)
    norm = try ChannelRMSNorm(weights["norm"], channels)
  }

  func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    try norm(second(first(x, activation: .silu))) + x
  }
}

/// Linear attention over several scales, and a feed-forward layer over neighbours (EfficientViT; Cai et al. 2022,
/// arXiv:2205.14756): diffusers' `EfficientViTBlock`.
private struct EfficientViTBlock: Sendable {
  private let (q, k, v, out): (Linear, Linear, Linear, Linear)
  private let scales: [Scale]
  private let norm: ChannelRMSNorm
  private let feedForward: GLUMBConv
  private let headSize: Int

  /// Queries, keys and values gathered over a window, each head's features by themselves.
  private struct Scale: Sendable {
    let gather: DepthwiseConv2d
    /// `[group, feature, feature]`.
    let mix: Tensor
  }

  init(_ weights: Weights, _ channels: Int, headSize: Int, windows: [Int]) throws(ModelError) {
    self.headSize = headSize
    let cursor = weights["attn"]
    q = try Linear(cursor["to_q"], channels, channels, bias: false)
    k = try Linear(cursor["to_k"], channels, channels, bias: false)
    v = try Linear(cursor["to_v"], channels, channels, bias: false)
    out = try Linear(
      cursor["to_out"], channels * (1 + windows.count), channels, bias: false)
    scales = try windows.enumerated().map { index, size throws(ModelError) in
      let scale = cursor["to_qkv_multiscale"][index]
      let mix = try scale["proj_out"].tensor("weight", [3 * channels, headSize, 1, 1])
      let gather = try DepthwiseConv2d(scale["proj_in"], 3 * channels, size: size, bias: false)
      do throws(TensorError) {
        return Scale(
          gather: gather, mix: try mix.reshaped([3 * channels / headSize, headSize, headSize]))
      } catch {
        throw .tensor(error)
      }
    }
    norm = try ChannelRMSNorm(cursor["norm_out"], channels)
    feedForward = try GLUMBConv(weights["conv_out"], channels, ratio: 4, isNormalized: true)
  }

  func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    let own = try Tensor.concatenated([q(x), k(x), v(x)], axis: 3)
    let gathered = try scales.map { scale throws(TensorError) in
      try mixed(scale.gather(own), scale.mix)
    }
    let attended = try attend(Tensor.concatenated([own] + gathered, axis: 3))
    let h = try norm(out(attended)) + x
    return try feedForward(h) + h
  }

  /// Each group of channels times a matrix of its own.
  private func mixed(_ x: Tensor, _ mix: Tensor) throws(TensorError) -> Tensor {
    let (count, size) = (x.shape[0] * x.shape[1] * x.shape[2], headSize)
    let rows = try x.reshaped([count, x.shape[3]])
    let parts = try (0..<mix.shape[0]).map { group throws(TensorError) in
      let part = try rows.sliced(axis: 1, group * size..<(group + 1) * size).contiguous()
      let matrix = try mix.sliced(axis: 0, group..<group + 1).contiguous().reshaped([size, size])
      return try part.matmul(matrix.transposed(0, 1))
    }
    return try Tensor.concatenated(parts, axis: 1).reshaped(x.shape)
  }

  /// Of channels that are in turn a head's queries, keys and values.
  private func attend(_ x: Tensor) throws(TensorError) -> Tensor {
    let (batch, count, heads) = (
      x.shape[0], x.shape[1] * x.shape[2], x.shape[3] / (3 * headSize)
    )
    let apart = try x.reshaped([batch, count, heads, 3, headSize])
    let parts = try (0..<3).map { part throws(TensorError) in
      try apart.sliced(axis: 3, part..<part + 1).contiguous()
        .reshaped([batch, count, heads * headSize])
    }
    return try LinearAttention.attend(parts[0], parts[1], parts[2], heads: heads)
      .reshaped([batch, x.shape[1], x.shape[2], heads * headSize])
  }
}

extension Tensor {
  /// `[batch, height, width, channel]` with each channel so many times in a row.
  fileprivate func repeatingChannels(_ times: Int) throws(TensorError) -> Tensor {
    guard times > 1 else { return self }
    let apart = try reshaped([shape[0], shape[1], shape[2], shape[3], 1])
    return try Tensor.concatenated(Array(repeating: apart, count: times), axis: 4)
      .reshaped([shape[0], shape[1], shape[2], shape[3] * times])
  }

  /// `[batch, height, width, channel]` with means of neighbouring channels, as many as are wanted.
  fileprivate func meanOfGroups(to channels: Int) throws(TensorError) -> Tensor {
    let size = shape[3] / channels
    guard size > 1 else { return self }
    return try reshaped([shape[0], shape[1], shape[2], channels, size]).contiguous().mean()
  }
}
