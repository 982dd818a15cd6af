package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of an autoencoder, read from diffusers' `vae/config.json`.
package struct AutoencoderKLConfig: Sendable {
  var codec: ConvolutionalCodecConfig
  package var scalingFactor: Float
  package var shiftFactor: Float
  var useQuantConv: Bool
  var usePostQuantConv: Bool

  init(
    codec: ConvolutionalCodecConfig, scalingFactor: Float, shiftFactor: Float, useQuantConv: Bool,
    usePostQuantConv: Bool
  ) {
    (self.codec, self.scalingFactor, self.shiftFactor) = (codec, scalingFactor, shiftFactor)
    (self.useQuantConv, self.usePostQuantConv) = (useQuantConv, usePostQuantConv)
  }

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a missing, mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when lists differ in length or sizes do not divide.
  package init(_ config: Config) throws(ModelError) {
    codec = try ConvolutionalCodecConfig(diffusers: config, latentChannels: 4)
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
}

/// The variational autoencoder whose latents Stable Diffusion works on (Rombach et al. 2022,
/// arXiv:2112.10752, section 3.1).
package struct AutoencoderKL: LatentCodec {
  package let config: AutoencoderKLConfig
  private let decoder: ConvolutionalDecoder
  private let postQuantConv: Conv2d?
  /// Loaded on first use: text-to-image does not need it.
  private let encoder: ModelPart<(ConvolutionalEncoder, quantConv: Conv2d?), ModelError>

  /// Builds the model with its weights, those of the encoder when it is first needed.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: AutoencoderKLConfig, _ weights: Weights) throws(ModelError) {
    try self.init(config, weights, ignoring: [])
  }

  /// Builds the model with its weights, of which those with some endings may be left over.
  init(_ config: AutoencoderKLConfig, _ weights: Weights, ignoring: [String]) throws(ModelError) {
    self.config = config
    let latents = config.codec.latentChannels
    self.decoder = try ConvolutionalDecoder(weights["decoder"], config.codec)
    self.postQuantConv =
      config.usePostQuantConv
      ? try Conv2d(weights["post_quant_conv"], latents, latents, .pixel) : nil
    try weights.finish(
      ignoring: ignoring, later: config.useQuantConv ? ["encoder", "quant_conv"] : ["encoder"])
    self.encoder = ModelPart { () throws(ModelError) in
      let encoder = try ConvolutionalEncoder(
        weights["encoder"], config.codec, outputs: 2 * latents)
      let quantConv =
        config.useQuantConv
        ? try Conv2d(weights["quant_conv"], 2 * latents, 2 * latents, .pixel) : nil
      try weights.finish(ignoring: ignoring)
      return (encoder, quantConv)
    }
  }

  package var latentChannels: Int { config.codec.latentChannels }
  package var downsampling: Int { config.codec.downsampling }
  package var sampleSize: Int { config.codec.sampleSize }
  package var widestChannels: Int { config.codec.widestChannels }

  package func readEncoder() throws(ModelError) { _ = try encoder() }

  package func releaseEncoder() { encoder.release() }

  /// Mean and logarithm of the variance of a picture's latent, unscaled.
  ///
  /// - Parameter picture: `[batch, height, width, 3]`, −1…1, sizes multiples of ``downsampling``.
  /// - Returns: two tensors `[batch, height / downsampling, width / downsampling, latent channel]`.
  /// - Throws: ``ModelError`` when the encoder cannot be read, or for a wrong shape.
  package func moments(of picture: Tensor) throws(ModelError) -> (
    mean: Tensor, logVariance: Tensor
  ) {
    let encoded = try encodeWhole(picture)
    do { return try moments(encoded: encoded) } catch { throw .tensor(error) }
  }

  private func moments(encoded: Tensor) throws(TensorError) -> (mean: Tensor, logVariance: Tensor) {
    let latents = config.codec.latentChannels
    return (
      try encoded.sliced(axis: 3, 0..<latents).contiguous(),
      try encoded.sliced(axis: 3, latents..<2 * latents).clamped(to: -30...20)
    )
  }

  package func encodeWhole(_ picture: Tensor) throws(ModelError) -> Tensor {
    let (encoder, quantConv) = try encoder()
    do {
      let h = try encoder(picture)
      return try quantConv.map { quantConv throws(TensorError) in try quantConv(h) } ?? h
    } catch {
      throw .tensor(error)
    }
  }

  /// A latent drawn from the distribution that the picture is encoded to.
  package func latent(of encoded: Tensor, noise: Tensor?) throws(TensorError) -> Tensor {
    let (mean, logVariance) = try moments(encoded: encoded)
    guard let noise else { return mean }
    let deviation = try logVariance.scaled(by: 0.5).applying(.exponential)
    let drawn = try mean + deviation * noise
    return try drawn.scaled(
      by: config.scalingFactor, plus: -config.shiftFactor * config.scalingFactor)
  }

  package func decodeWhole(_ latent: Tensor) throws(TensorError) -> Tensor {
    let unscaled = try latent.scaled(by: 1 / config.scalingFactor, plus: config.shiftFactor)
    guard let postQuantConv else { return try decoder(unscaled) }
    return try decoder(postQuantConv(unscaled))
  }
}
