package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of FLUX.2's autoencoder, read from diffusers' `vae/config.json`.
package struct AutoencoderKLFlux2Config: Sendable {
  let autoencoder: AutoencoderKLConfig
  let eps: Float

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a missing, mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when lists differ in length or sizes do not divide.
  package init(_ config: Config) throws(ModelError) {
    var codec = try ConvolutionalCodecConfig(diffusers: config, latentChannels: 32)
    do throws(FormatError) {
      try config.expect("patch_size", [[2, 2]])
      eps = try config.float("batch_norm_eps", default: 1e-4)
      if config.value("decoder_block_out_channels") ?? .null != .null {
        codec.decoder.channels = try config.integers("decoder_block_out_channels")
      }
      autoencoder = AutoencoderKLConfig(
        codec: codec, scalingFactor: 1, shiftFactor: 0,
        useQuantConv: try config.bool("use_quant_conv", default: true),
        usePostQuantConv: try config.bool("use_post_quant_conv", default: true))
      try config.finish(ignoring: ["batch_norm_momentum"])
    } catch {
      throw .file(error)
    }
    let (channels, groups) = (codec.decoder.channels, codec.normNumGroups)
    guard channels.count == codec.encoder.channels.count,
      channels.allSatisfy({ (1...65536).contains($0) && $0 % groups == 0 }),
      !codec.hasAttention || (channels.last ?? 0) <= 1024
    else {
      throw .inconsistent(
        reason: "decoder_block_out_channels must be positive multiples of norm_num_groups, "
          + "as many as block_out_channels", file: config.file)
    }
    guard eps >= 0 else {
      throw .inconsistent(reason: "batch_norm_eps must not be below 0", file: config.file)
    }
  }
}

/// FLUX.2's autoencoder: one whose latents are gathered in squares of two, and normalised by the statistics of those that
/// it was trained on.
package struct AutoencoderKLFlux2: LatentCodec {
  private let autoencoder: AutoencoderKL
  /// Mean and standard deviation of each channel.
  private let (mean, deviation): (Tensor, Tensor)

  /// Builds the model with its weights, those of the encoder when it is first needed.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: AutoencoderKLFlux2Config, _ weights: Weights) throws(ModelError) {
    let channels = 4 * config.autoencoder.codec.latentChannels
    let statistics = weights["bn"]
    mean = try statistics.tensor("running_mean", [channels])
    let variance = try statistics.tensor("running_var", [channels])
    do {
      deviation = try Tensor(
        variance.floats().map { max($0 + config.eps, 1e-12).squareRoot() }, shape: [channels])
    } catch {
      throw .tensor(error)
    }
    autoencoder = try AutoencoderKL(
      config.autoencoder, weights, ignoring: ["bn.num_batches_tracked"])
  }

  package var latentChannels: Int { 4 * autoencoder.latentChannels }
  package var downsampling: Int { 2 * autoencoder.downsampling }
  package var drawsLatents: Bool { false }
  package var sampleSize: Int { autoencoder.sampleSize }
  package var widestChannels: Int { autoencoder.widestChannels }

  package func readEncoder() throws(ModelError) { try autoencoder.readEncoder() }

  package func releaseEncoder() { autoencoder.releaseEncoder() }

  package func encodeWhole(_ picture: Tensor) throws(ModelError) -> Tensor {
    let encoded = try autoencoder.encodeWhole(picture)
    do {
      return try encoded.pixelUnshuffled(by: 2)
    } catch {
      throw .tensor(error)
    }
  }

  /// The likeliest latent, whatever the noise.
  package func latent(of encoded: Tensor, noise: Tensor?) throws(TensorError) -> Tensor {
    let plain = try autoencoder.latent(of: encoded.pixelShuffled(by: 2), noise: nil)
    let gathered = try plain.pixelUnshuffled(by: 2)
    return noise == nil ? gathered : try (gathered - mean) / deviation
  }

  package func decodeWhole(_ latent: Tensor) throws(TensorError) -> Tensor {
    try autoencoder.decodeWhole((latent * deviation + mean).pixelShuffled(by: 2))
  }
}
