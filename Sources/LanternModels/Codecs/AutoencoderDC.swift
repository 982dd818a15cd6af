package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of a deep compression autoencoder, read from diffusers' `vae/config.json`.
package struct AutoencoderDCConfig: Sendable {
  /// One side of it: levels from full size to the smallest.
  struct Side: Sendable {
    let channels: [Int]
    let layers: [Int]
    /// Whether the blocks of each level have attention.
    let hasAttention: [Bool]
    /// Sizes of the windows over which each level's queries, keys and values are gathered.
    let windows: [[Int]]
  }

  let inChannels: Int
  let latentChannels: Int
  let headSize: Int
  let encoder: Side
  let decoder: Side
  /// Whether sizes change by moving pixels into channels, rather than by a stride or by repeating pixels.
  let unshufflesDown: Bool
  let shufflesUp: Bool
  let hasShortcuts: (encoder: Bool, decoder: Bool)
  let lastActivation: Activation
  let scalingFactor: Float

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a missing, mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when lists differ in length or sizes do not divide.
  package init(_ config: Config) throws(ModelError) {
    do throws(FormatError) {
      try config.expect("decoder_norm_types", ["rms_norm"])
      try config.expect("decoder_act_fns", ["silu"])
      try config.expect("upsample_block_type", ["pixel_shuffle", "interpolate"])
      try config.expect("downsample_block_type", ["pixel_unshuffle", "conv", "Conv"])
      try config.expect("decoder_conv_act_fn", ["relu", "silu"])
      inChannels = try config.integer("in_channels", default: 3)
      latentChannels = try config.integer("latent_channels", default: 32)
      headSize = try config.integer("attention_head_dim", default: 32)
      encoder = try Side(config, "encoder", layers: [2, 2, 2, 3, 3, 3])
      decoder = try Side(config, "decoder", layers: [3, 3, 3, 3, 3, 3])
      unshufflesDown =
        try config.string("downsample_block_type", default: "pixel_unshuffle")
        == "pixel_unshuffle"
      shufflesUp =
        try config.string("upsample_block_type", default: "pixel_shuffle") == "pixel_shuffle"
      hasShortcuts = (
        try config.bool("encoder_out_shortcut", default: true),
        try config.bool("decoder_in_shortcut", default: true)
      )
      lastActivation =
        try config.string("decoder_conv_act_fn", default: "relu") == "relu" ? .relu : .silu
      scalingFactor = try config.float("scaling_factor", default: 1)
      try config.finish(ignoring: ["encoder_qkv_multiscales", "decoder_qkv_multiscales"])
    } catch {
      throw .file(error)
    }
    guard inChannels == 3, scalingFactor != 0, (1...1024).contains(headSize),
      (1...4096).contains(latentChannels), encoder.channels.count == decoder.channels.count,
      [encoder, decoder].allSatisfy({ $0.isSound(headSize, latentChannels) })
    else {
      throw .inconsistent(
        reason:
          "both sides must have as many levels, 2 to 8, of 4 to 16384 channels, multiples of 4, of "
          + "latent_channels in the last and of attention_head_dim where there is attention, whose windows "
          + "must be odd; in_channels must be 3 and scaling_factor not 0", file: config.file)
    }
  }
}

extension AutoencoderDCConfig.Side {
  fileprivate init(_ config: Config, _ side: String, layers: [Int]) throws(FormatError) {
    channels = try config.integers(
      "\(side)_block_out_channels", default: [128, 256, 512, 512, 1024, 1024])
    self.layers = try config.integers("\(side)_layers_per_block", default: layers)
    let count = channels.count
    let key = "\(side)_block_types"
    let types: [String] =
      if let name = config.value(key)?.string {
        Array(repeating: try config.string(key, default: name), count: count)
      } else {
        try config.strings(key, default: Array(repeating: "ResBlock", count: count))
      }
    for type in types where !["ResBlock", "EfficientViTBlock"].contains(type) {
      throw .unsupportedSetting(key: key, value: JSON.quoted(type), file: config.file)
    }
    hasAttention = types.map { $0 == "EfficientViTBlock" }
    let list = config.value("\(side)_qkv_multiscales")?.array
    windows =
      list?.map { $0.array?.compactMap(\.integer) ?? [] } ?? [[], [], [], [5], [5], [5]]
  }

  fileprivate func isSound(_ headSize: Int, _ latents: Int) -> Bool {
    guard (2...8).contains(channels.count), layers.count == channels.count,
      hasAttention.count == channels.count, windows.count == channels.count,
      channels.allSatisfy({ (4...16384).contains($0) && $0 % 4 == 0 }),
      layers.allSatisfy({ (0...64).contains($0) }), layers.dropFirst().allSatisfy({ $0 > 0 }),
      let last = channels.last, last % latents == 0
    else { return false }
    let fits = zip(channels, channels.dropFirst()).allSatisfy { 4 * $0 % $1 == 0 }
    return fits
      && channels.indices.allSatisfy { index in
        !hasAttention[index]
          || channels[index] % headSize == 0
            && windows[index].allSatisfy { (1...15).contains($0) && $0 % 2 == 1 }
      }
  }
}

/// The deep compression autoencoder (DC-AE; Chen et al. 2024, arXiv:2410.10733): a latent stands for 32 by 32 pixels,
/// changes of size have shortcuts without weights, and the smallest levels linear attention.
package struct AutoencoderDC: LatentCodec {
  private let config: AutoencoderDCConfig
  private let decoder: DCDecoder
  /// Loaded on first use: text-to-image does not need it.
  private let encoder: ModelPart<DCEncoder, ModelError>

  /// Builds the model with its weights, those of the encoder when it is first needed.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: AutoencoderDCConfig, _ weights: Weights) throws(ModelError) {
    self.config = config
    decoder = try DCDecoder(weights["decoder"], config)
    try weights.finish(later: ["encoder"])
    encoder = ModelPart { () throws(ModelError) in
      let encoder = try DCEncoder(weights["encoder"], config)
      try weights.finish()
      return encoder
    }
  }

  package var latentChannels: Int { config.latentChannels }
  package var downsampling: Int { 1 << (config.encoder.channels.count - 1) }
  package var drawsLatents: Bool { false }
  // As diffusers' tiles.
  package var sampleSize: Int { 512 }
  package var widestChannels: Int { config.decoder.channels.prefix(2).max() ?? 0 }

  package func readEncoder() throws(ModelError) { _ = try encoder() }

  package func releaseEncoder() { encoder.release() }

  package func encodeWhole(_ picture: Tensor) throws(ModelError) -> Tensor {
    let encoder = try encoder()
    do { return try encoder(picture) } catch { throw .tensor(error) }
  }

  /// The likeliest latent, whatever the noise.
  package func latent(of encoded: Tensor, noise: Tensor?) throws(TensorError) -> Tensor {
    noise == nil ? encoded : try encoded.scaled(by: config.scalingFactor)
  }

  package func decodeWhole(_ latent: Tensor) throws(TensorError) -> Tensor {
    try decoder(latent.scaled(by: 1 / config.scalingFactor))
  }
}
