package import LanternLayers
package import LanternTensor

/// A codec from pictures to latents, which a denoiser works on, and back.
package protocol LatentCodec: Sendable {
  /// Channels of a latent.
  var latentChannels: Int { get }
  /// Pixels a side that one latent stands for.
  var downsampling: Int { get }
  /// Pixels a side that the model was trained on, the size of a tile.
  var sampleSize: Int { get }
  /// Whether a picture's latent is drawn from a distribution; otherwise it is always the likeliest.
  var drawsLatents: Bool { get }
  /// Channels of the decoder's widest layers at full size, by which its memory is estimated.
  var widestChannels: Int { get }

  /// The output of the encoder for a picture, at once.
  ///
  /// - Parameter picture: `[batch, height, width, 3]`, −1…1, sizes multiples of ``downsampling``.
  /// - Returns: `[batch, height / downsampling, width / downsampling, channel]`.
  /// - Throws: ``ModelError`` when the encoder cannot be read, or for a wrong shape.
  func encodeWhole(_ picture: Tensor) throws(ModelError) -> Tensor

  /// The latent of an output of the encoder, scaled for diffusion.
  ///
  /// - Parameters:
  ///   - encoded: of ``encodeWhole(_:)``.
  ///   - noise: standard normal numbers of the latent's shape, for codecs that draw a latent from a
  ///     distribution; nil for the likeliest latent as it is, not scaled.
  /// - Returns: `[batch, height / downsampling, width / downsampling, latent channel]`.
  /// - Throws: ``TensorError`` for a wrong shape.
  func latent(of encoded: Tensor, noise: Tensor?) throws(TensorError) -> Tensor

  /// The picture of a scaled latent, at once.
  ///
  /// - Parameter latent: `[batch, height, width, latent channel]`.
  /// - Returns: `[batch, height · downsampling, width · downsampling, 3]`, about −1…1.
  /// - Throws: ``TensorError`` for a wrong shape.
  func decodeWhole(_ latent: Tensor) throws(TensorError) -> Tensor

  /// Loads the encoder now, to find errors in it.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  func readEncoder() throws(ModelError)

  /// Releases the encoder's weights until it is needed again.
  func releaseEncoder()
}

extension LatentCodec {
  package var drawsLatents: Bool { true }
}
