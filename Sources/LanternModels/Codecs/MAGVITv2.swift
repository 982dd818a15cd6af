package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of MAGVIT-v2 as Show-o has it. showlab's `config.json` is empty: its model is the
/// default.
package struct MAGVITv2Config: Sendable {
  var codec: ConvolutionalCodecConfig
  /// Bits of a code.
  var zChannels: Int { codec.latentChannels }

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when lists differ in length or sizes do not
  ///   divide.
  package init(_ config: Config) throws(ModelError) {
    let (ch, zChannels, normNumGroups, resolution): (Int, Int, Int, Int)
    let (encoderChMult, encoderNumResBlocks): ([Int], [Int])
    let (decoderChMult, decoderNumResBlocks): ([Int], [Int])
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
    codec = ConvolutionalCodecConfig(
      latentChannels: zChannels, firstChannels: ch,
      encoder: .init(channels: encoderChMult.map { $0 * ch }, resnets: encoderNumResBlocks),
      decoder: .init(channels: decoderChMult.map { $0 * ch }, resnets: decoderNumResBlocks),
      normNumGroups: normNumGroups, sampleSize: resolution, naming: .taming)
  }
}

/// MAGVIT-v2's two-dimensional tokenizer with lookup-free quantisation (Yu et al. 2023,
/// arXiv:2310.05737): each channel of a position is one bit of its code, by its sign.
package struct MAGVITv2: TokenCodec {
  package let config: MAGVITv2Config
  private let encoder: ConvolutionalEncoder
  private let quantConv: Conv2d
  private let decoder: ConvolutionalDecoder
  private let postQuantConv: Conv2d

  /// Builds the tokenizer with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: MAGVITv2Config, _ weights: Weights) throws(ModelError) {
    self.config = config
    let bits = config.zChannels
    self.encoder = try ConvolutionalEncoder(weights["encoder"], config.codec, outputs: bits)
    self.quantConv = try Conv2d(weights["encoder.quant_conv"], bits, bits, .pixel)
    self.decoder = try ConvolutionalDecoder(weights["decoder"], config.codec)
    self.postQuantConv = try Conv2d(weights["decoder.post_quant_conv"], bits, bits, .pixel)
    try weights.finish(ignoring: ["quantize.embedding", "quantize.power_vals"])
  }

  package var latentChannels: Int { config.zChannels }
  package var downsampling: Int { config.codec.downsampling }
  package var sampleSize: Int { config.codec.sampleSize }
  package var widestChannels: Int { config.codec.widestChannels }
  package var codebookSize: Int { 1 << config.zChannels }
  package var featureChannels: Int { config.codec.encoder.channels.last ?? 0 }

  package func features(of picture: Tensor) throws(TensorError) -> Tensor {
    let h = try encoder.features(of: picture)
    return try h.reshaped([1, h.shape[1] * h.shape[2], h.shape[3]])
  }

  package func codes(of picture: Tensor) throws(TensorError) -> [Int] {
    try codes(channels(of: picture))
  }

  /// The channels whose signs are the bits of codes.
  private func channels(of picture: Tensor) throws(TensorError) -> Tensor {
    try quantConv(encoder(picture))
  }

  private func codes(_ channels: Tensor) throws(TensorError) -> [Int] {
    let z = try channels.floats()
    let bits = config.zChannels
    return stride(from: 0, to: z.count, by: bits).map { Self.code(of: z[$0..<$0 + bits]) }
  }

  /// The code of a position's channels: their signs as bits, the first the highest.
  package static func code(of channels: ArraySlice<Float>) -> Int {
    channels.reduce(0) { code, value in code << 1 | (value > 0 ? 1 : 0) }
  }

  /// The channels of a code: −1 or 1 by its bits, the highest first.
  package static func signs(of code: Int, bits: Int) -> [Float] {
    (0..<bits).map { code >> (bits - 1 - $0) & 1 == 1 ? 1 : -1 }
  }

  package func decode(_ codes: [Int], width: Int) throws(TensorError) -> Tensor {
    guard width > 0, !codes.isEmpty, codes.count % width == 0,
      codes.allSatisfy({ (0..<codebookSize).contains($0) })
    else {
      throw .shape(
        op: "MAGVITv2", expected: "codes below \(codebookSize) in rows of \(width)",
        found: [codes.count])
    }
    return try decode(codes, shape: [1, codes.count / width, width, config.zChannels])
  }

  private func decode(_ codes: [Int], shape: [Int]) throws(TensorError) -> Tensor {
    let signs = codes.flatMap { Self.signs(of: $0, bits: config.zChannels) }
    return try decoder(postQuantConv(Tensor(signs, shape: shape)))
  }

  package func encodeWhole(_ picture: Tensor) throws(ModelError) -> Tensor {
    do { return try channels(of: picture) } catch { throw .tensor(error) }
  }

  package func latent(of encoded: Tensor, noise: Tensor?) throws(TensorError) -> Tensor { encoded }

  package func decodeWhole(_ latent: Tensor) throws(TensorError) -> Tensor {
    guard latent.rank == 4, latent.shape[3] == config.zChannels else {
      throw .shape(
        op: "MAGVITv2", expected: "[_, _, _, \(config.zChannels)]", found: latent.shape)
    }
    return try decode(codes(latent), shape: latent.shape)
  }
}
