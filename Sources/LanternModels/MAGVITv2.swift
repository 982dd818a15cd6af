package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of MAGVIT-v2 as Show-o has it. showlab's `config.json` is empty: its model is the
/// default.
package struct MAGVITv2Config: Sendable {
  var ch: Int
  var encoderChMult: [Int]
  var encoderNumResBlocks: [Int]
  var decoderChMult: [Int]
  var decoderNumResBlocks: [Int]
  var zChannels: Int
  var normNumGroups: Int
  /// Pixels a side of the pictures it was trained on.
  package var resolution: Int

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when lists differ in length or sizes do not
  ///   divide.
  package init(_ config: Config) throws(ModelError) {
    do throws(FormatError) {
      ch = try config.integer("ch", default: 128)
      encoderChMult = try config.integers("encoder_ch_mult", default: [1, 2, 2, 4, 4])
      encoderNumResBlocks = try config.integers(
        "encoder_num_res_blocks", default: [4, 3, 4, 3, 4])
      decoderChMult = try config.integers("decoder_ch_mult", default: [1, 1, 2, 2, 4])
      decoderNumResBlocks = try config.integers(
        "decoder_num_res_blocks", default: [4, 4, 3, 4, 3])
      zChannels = try config.integer("z_channels", default: 13)
      normNumGroups = try config.integer("norm_num_groups", default: 32)
      resolution = try config.integer("resolution", default: 256)
      try config.finishStrictly(ignoring: ["model_type", "torch_dtype", "dtype"])
    } catch {
      throw .file(error)
    }
    let lists = [encoderChMult, encoderNumResBlocks, decoderChMult, decoderNumResBlocks]
    guard
      ([ch, normNumGroups, resolution] + lists.flatMap { $0 }).allSatisfy({
        (1...4096).contains($0)
      }), (1...8).contains(encoderChMult.count),
      lists.allSatisfy({ $0.count == encoderChMult.count }), (1...20).contains(zChannels),
      (encoderChMult + decoderChMult).allSatisfy({
        ch * $0 <= 4096 && ch * $0 % normNumGroups == 0
      }), [encoderChMult, decoderChMult].allSatisfy({ ch * ($0.last ?? 0) <= 1024 }),
      ch % normNumGroups == 0, resolution % (1 << (encoderChMult.count - 1)) == 0
    else {
      throw .inconsistent(
        reason: "the four lists must have one length of 1 to 8, norm_num_groups must divide all "
          + "channels, and resolution be a multiple of the codes' size",
        file: config.file)
    }
  }

  /// Pixels a side that one code stands for.
  package var downsampling: Int { 1 << (encoderChMult.count - 1) }
  /// Codes that there are.
  package var codebookSize: Int { 1 << zChannels }
}

/// MAGVIT-v2's two-dimensional tokenizer with lookup-free quantisation (Yu et al. 2023,
/// arXiv:2310.05737): each channel of a place is one bit of its code, by its sign.
package struct MAGVITv2: ImageTokenizer {
  package let config: MAGVITv2Config
  private let encoder: Encoder
  private let decoder: Decoder

  /// Builds the tokenizer with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: MAGVITv2Config, _ weights: Weights) throws(ModelError) {
    self.config = config
    self.encoder = try Encoder(weights["encoder"], config)
    self.decoder = try Decoder(weights["decoder"], config)
    try weights.finish(ignoring: ["quantize.embedding", "quantize.power_vals"])
  }

  package var downsampling: Int { config.downsampling }
  package var codebookSize: Int { config.codebookSize }
  package var featureChannels: Int { config.ch * (config.encoderChMult.last ?? 1) }

  package func features(of picture: Tensor) throws(TensorError) -> Tensor {
    let h = try encoder.features(of: picture)
    return try h.reshaped([1, h.shape[1] * h.shape[2], h.shape[3]])
  }

  package func codes(of picture: Tensor) throws(TensorError) -> [Int] {
    let z = try encoder.channels(of: encoder.features(of: picture)).floats()
    let bits = config.zChannels
    return stride(from: 0, to: z.count, by: bits).map { place in
      Self.code(of: z[place..<place + bits])
    }
  }

  /// The code of a place's channels: their signs as bits, the first the highest.
  package static func code(of channels: ArraySlice<Float>) -> Int {
    channels.reduce(0) { code, value in code << 1 | (value > 0 ? 1 : 0) }
  }

  /// The channels of a code: −1 or 1 by its bits, the highest first.
  package static func signs(of code: Int, bits: Int) -> [Float] {
    (0..<bits).map { code >> (bits - 1 - $0) & 1 == 1 ? 1 : -1 }
  }

  package func decode(_ codes: [Int], width: Int) throws(TensorError) -> Tensor {
    let bits = config.zChannels
    guard width > 0, !codes.isEmpty, codes.count % width == 0,
      codes.allSatisfy({ (0..<config.codebookSize).contains($0) })
    else {
      throw .shape(
        op: "MAGVITv2", expected: "codes below \(config.codebookSize) in rows of \(width)",
        found: [codes.count])
    }
    let signs = codes.flatMap { Self.signs(of: $0, bits: bits) }
    return try decoder(Tensor(signs, shape: [1, codes.count / width, width, bits]))
  }
}

/// Attention of one head between two residual blocks.
private struct Middle: Sendable {
  private let block1: ResnetBlock2D
  private let norm: GroupNorm
  private let attention: Attention
  private let block2: ResnetBlock2D

  init(_ weights: Weights, _ channels: Int, groups: Int) throws(ModelError) {
    self.block1 = try ResnetBlock2D(
      weights["block_1"], channels, channels, groups: groups, eps: 1e-6)
    let place = weights["attn_1"]
    self.norm = try GroupNorm(place["norm"], groups: groups, channels: channels, eps: 1e-6)
    self.attention = try Attention(place, channels, heads: 1, spelling: .taming)
    self.block2 = try ResnetBlock2D(
      weights["block_2"], channels, channels, groups: groups, eps: 1e-6)
  }

  func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    let h = try block1(x)
    let tokens = [h.shape[0], h.shape[1] * h.shape[2], h.shape[3]]
    let mixed = try attention(norm(h).reshaped(tokens), residual: h.reshaped(tokens))
    return try block2(mixed.reshaped(h.shape))
  }
}

private struct Encoder: Sendable {
  private let convIn: Conv2d
  private let levels: [(blocks: [ResnetBlock2D], downsample: Downsample2D?)]
  private let middle: Middle
  private let normOut: GroupNorm
  private let convOut: Conv2d
  private let quantConv: Conv2d

  init(_ weights: Weights, _ config: MAGVITv2Config) throws(ModelError) {
    let groups = config.normNumGroups
    let widths = config.encoderChMult.map { $0 * config.ch }
    let last = widths[widths.count - 1]
    self.convIn = try Conv2d(weights["conv_in"], 3, config.ch, .same3)
    self.levels = try widths.indices.map { index throws(ModelError) in
      let place = weights["down"][index]
      let before = index == 0 ? config.ch : widths[index - 1]
      let blocks = try (0..<config.encoderNumResBlocks[index]).map { number throws(ModelError) in
        try ResnetBlock2D(
          place["block"][number], number == 0 ? before : widths[index], widths[index],
          groups: groups, eps: 1e-6)
      }
      let downsample =
        index == widths.count - 1
        ? nil : try Downsample2D(place["downsample"], widths[index], padding: .bottomRight)
      return (blocks, downsample)
    }
    self.middle = try Middle(weights["mid"], last, groups: groups)
    self.normOut = try GroupNorm(weights["norm_out"], groups: groups, channels: last, eps: 1e-6)
    self.convOut = try Conv2d(weights["conv_out"], last, config.zChannels, .same3)
    self.quantConv = try Conv2d(
      weights["quant_conv"], config.zChannels, config.zChannels, .pixel)
  }

  func features(of picture: Tensor) throws(TensorError) -> Tensor {
    var h = try convIn(picture)
    for level in levels {
      for block in level.blocks { h = try block(h) }
      if let downsample = level.downsample { h = try downsample(h) }
    }
    return try normOut(middle(h), silu: true)
  }

  /// The channels whose signs are bits.
  func channels(of features: Tensor) throws(TensorError) -> Tensor {
    try quantConv(convOut(features))
  }
}

private struct Decoder: Sendable {
  private let postQuantConv: Conv2d
  private let convIn: Conv2d
  private let middle: Middle
  /// From the smallest to the largest, which the checkpoint numbers the other way round.
  private let levels: [(blocks: [ResnetBlock2D], upsample: Upsample2D?)]
  private let normOut: GroupNorm
  private let convOut: Conv2d

  init(_ weights: Weights, _ config: MAGVITv2Config) throws(ModelError) {
    let groups = config.normNumGroups
    let widths = config.decoderChMult.map { $0 * config.ch }
    let first = widths[widths.count - 1]
    self.postQuantConv = try Conv2d(
      weights["post_quant_conv"], config.zChannels, config.zChannels, .pixel)
    self.convIn = try Conv2d(weights["conv_in"], config.zChannels, first, .same3)
    self.middle = try Middle(weights["mid"], first, groups: groups)
    self.levels = try widths.indices.reversed().map { index throws(ModelError) in
      let place = weights["up"][index]
      let before = index == widths.count - 1 ? first : widths[index + 1]
      let blocks = try (0..<config.decoderNumResBlocks[index]).map { number throws(ModelError) in
        try ResnetBlock2D(
          place["block"][number], number == 0 ? before : widths[index], widths[index],
          groups: groups, eps: 1e-6)
      }
      let upsample = index == 0 ? nil : try Upsample2D(place["upsample"], widths[index])
      return (blocks, upsample)
    }
    self.normOut = try GroupNorm(
      weights["norm_out"], groups: groups, channels: widths[0], eps: 1e-6)
    self.convOut = try Conv2d(weights["conv_out"], widths[0], 3, .same3)
  }

  func callAsFunction(_ z: Tensor) throws(TensorError) -> Tensor {
    var h = try middle(convIn(postQuantConv(z)))
    for level in levels {
      for block in level.blocks { h = try block(h) }
      if let upsample = level.upsample { h = try upsample(h) }
    }
    return try convOut(normOut(h, silu: true))
  }
}
