package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of an autoencoder, read from diffusers' `vae/config.json`.
package struct AutoencoderKLConfig: Sendable {
  var blocks: AutoencoderBlocksConfig
  package var scalingFactor: Float
  package var shiftFactor: Float
  var useQuantConv: Bool
  var usePostQuantConv: Bool

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a missing, mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when lists differ in length or sizes do not divide.
  package init(_ config: Config) throws(ModelError) {
    blocks = try AutoencoderBlocksConfig(config, latentChannels: 4)
    do throws(FormatError) {
      try config.expect("latents_mean", [.null])
      try config.expect("latents_std", [.null])
      scalingFactor = try config.float("scaling_factor", default: 0.18215)
      shiftFactor = try config.float("shift_factor", default: 0)
      useQuantConv = try config.bool("use_quant_conv", default: true)
      usePostQuantConv = try config.bool("use_post_quant_conv", default: true)
      try config.finish(ignoring: ["force_upcast"])
    } catch {
      throw .file(error)
    }
    guard scalingFactor != 0 else {
      throw .inconsistent(reason: "scaling_factor must not be 0", file: config.file)
    }
  }

  package var latentChannels: Int { blocks.latentChannels }
  /// Pixels a side that the model was trained on, the size of a tile.
  package var sampleSize: Int { blocks.sampleSize }

  /// Channels of the decoder's layers at full size: those of the level below, doubled in size.
  package var widestChannels: Int {
    blocks.blockOutChannels[min(1, blocks.blockOutChannels.count - 1)]
  }

  /// Pixels a side that one latent stands for.
  package var downsampling: Int { blocks.downsampling }
}

/// The autoencoder that Stable Diffusion draws in the latents of (Rombach et al. 2022,
/// arXiv:2112.10752, section 3.1).
package struct AutoencoderKL: Sendable {
  package let config: AutoencoderKLConfig
  private let decoder: AutoencoderDecoder
  private let postQuantConv: Conv2d?
  /// Pictures from text have no use for it.
  private let encoder: ModelPart<(AutoencoderEncoder, quantConv: Conv2d?), ModelError>

  /// Builds the model with its weights, those of the encoder when it is first needed.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: AutoencoderKLConfig, _ weights: Weights) throws(ModelError) {
    self.config = config
    let latents = config.latentChannels
    self.decoder = try AutoencoderDecoder(weights["decoder"], config.blocks)
    self.postQuantConv =
      config.usePostQuantConv
      ? try Conv2d(weights["post_quant_conv"], latents, latents, .pixel) : nil
    try weights.finish(later: config.useQuantConv ? ["encoder", "quant_conv"] : ["encoder"])
    self.encoder = ModelPart { () throws(ModelError) in
      let encoder = try AutoencoderEncoder(
        weights["encoder"], config.blocks, outputs: 2 * latents)
      let quantConv =
        config.useQuantConv
        ? try Conv2d(weights["quant_conv"], 2 * latents, 2 * latents, .pixel) : nil
      try weights.finish()
      return (encoder, quantConv)
    }
  }

  /// Reads the encoder now, to find what is wrong with it.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package func readEncoder() throws(ModelError) { _ = try encoder() }

  /// Gives the encoder's memory back until it is needed again.
  package func letEncoderGo() { encoder.letGo() }

  /// Mean and logarithm of the variance of a picture's latent, unscaled.
  ///
  /// - Parameter picture: `[batch, height, width, 3]`, −1…1, sizes multiples of ``AutoencoderKLConfig/downsampling``.
  /// - Returns: two tensors `[batch, height / downsampling, width / downsampling, latent channel]`.
  /// - Throws: ``ModelError`` when the encoder cannot be read, or for a wrong shape.
  package func moments(of picture: Tensor) throws(ModelError) -> (
    mean: Tensor, logVariance: Tensor
  ) {
    let (encoder, quantConv) = try encoder()
    do {
      var h = try encoder(picture)
      if let quantConv { h = try quantConv(h) }
      let latents = config.latentChannels
      return (
        try h.sliced(axis: 3, 0..<latents).contiguous(),
        try h.sliced(axis: 3, latents..<2 * latents).clamped(to: -30...20)
      )
    } catch {
      throw .tensor(error)
    }
  }

  /// A latent drawn from the distribution that the picture is encoded to, scaled for diffusion.
  ///
  /// - Parameters:
  ///   - picture: see ``moments(of:)``.
  ///   - noise: standard normal numbers of the latent's shape.
  /// - Returns: `[batch, height / downsampling, width / downsampling, latent channel]`.
  /// - Throws: ``ModelError`` when the encoder cannot be read, or for a wrong shape.
  package func encode(_ picture: Tensor, noise: Tensor) throws(ModelError) -> Tensor {
    let (mean, logVariance) = try moments(of: picture)
    do {
      let deviation = try logVariance.scaled(by: 0.5).applying(.exponential)
      let drawn = try mean + deviation * noise
      return try drawn.scaled(
        by: config.scalingFactor, plus: -config.shiftFactor * config.scalingFactor)
    } catch {
      throw .tensor(error)
    }
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
