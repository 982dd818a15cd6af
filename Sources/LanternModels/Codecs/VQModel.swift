package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of a vector-quantising autoencoder, read from diffusers' `config.json`.
package struct VQModelConfig: Sendable {
  var codec: ConvolutionalCodecConfig
  package var numVQEmbeddings: Int
  var vqEmbedDim: Int
  var scalingFactor: Float

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a missing, mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when sizes are impossible.
  package init(_ config: Config) throws(ModelError) {
    codec = try ConvolutionalCodecConfig(diffusers: config, latentChannels: 3)
    do throws(FormatError) {
      try config.expect("norm_type", [.string("group")])
      numVQEmbeddings = try config.integer("num_vq_embeddings", default: 256)
      vqEmbedDim = try config.integer("vq_embed_dim", default: codec.latentChannels)
      scalingFactor = try config.float("scaling_factor", default: 0.18215)
      try config.finish(ignoring: ["force_upcast", "lookup_from_codebook"])
    } catch {
      throw .file(error)
    }
    guard (1...1 << 24).contains(numVQEmbeddings), (1...4096).contains(vqEmbedDim),
      scalingFactor != 0
    else {
      throw .inconsistent(
        reason: "num_vq_embeddings and vq_embed_dim must be positive, and scaling_factor not 0",
        file: config.file)
    }
  }
}

/// An autoencoder whose latents are vectors of a table (van den Oord et al. 2017,
/// arXiv:1711.00937), as diffusers' `VQModel`.
package struct VQModel: TokenCodec {
  package let config: VQModelConfig
  private let encoder: ConvolutionalEncoder
  private let decoder: ConvolutionalDecoder
  private let quantConv: Conv2d
  private let postQuantConv: Conv2d
  private let codebook: Tensor

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: VQModelConfig, _ weights: Weights) throws(ModelError) {
    self.config = config
    let (latents, size) = (config.codec.latentChannels, config.vqEmbedDim)
    self.encoder = try ConvolutionalEncoder(weights["encoder"], config.codec, outputs: latents)
    self.decoder = try ConvolutionalDecoder(weights["decoder"], config.codec)
    self.quantConv = try Conv2d(weights["quant_conv"], latents, size, .pixel)
    self.postQuantConv = try Conv2d(weights["post_quant_conv"], size, latents, .pixel)
    self.codebook = try weights["quantize.embedding"].tensor(
      "weight", [config.numVQEmbeddings, size])
    try weights.finish()
  }

  package var latentChannels: Int { config.vqEmbedDim }
  package var downsampling: Int { config.codec.downsampling }
  package var sampleSize: Int { config.codec.sampleSize }
  package var widestChannels: Int { config.codec.widestChannels }
  package var codebookSize: Int { config.numVQEmbeddings }
  package var featureChannels: Int { config.vqEmbedDim }

  package func features(of picture: Tensor) throws(TensorError) -> Tensor {
    try quantConv(encoder(picture)).reshaped([1, -1, config.vqEmbedDim])
  }

  package func codes(of picture: Tensor) throws(TensorError) -> [Int] {
    try nearest(to: features(of: picture))
  }

  /// The codes whose vectors are nearest to those of `[…, channel]`.
  private func nearest(to vectors: Tensor) throws(TensorError) -> [Int] {
    let rows = try vectors.reshaped([-1, config.vqEmbedDim])
    // |z − e|² without |z|², which is the same for all codes.
    let products = try rows.matmul(codebook.transposed(0, 1)).floats()
    let lengths = try (codebook * codebook).sum().floats()
    return stride(from: 0, to: products.count, by: lengths.count).map { row in
      var best = (code: 0, distance: Float.infinity)
      for code in lengths.indices {
        let distance = lengths[code] - 2 * products[row + code]
        if distance < best.distance { best = (code, distance) }
      }
      return best.code
    }
  }

  package func decode(_ codes: [Int], width: Int) throws(TensorError) -> Tensor {
    guard width > 0, !codes.isEmpty, codes.count % width == 0 else {
      throw .shape(op: "VQModel", expected: "codes in rows of \(width)", found: [codes.count])
    }
    return try decode(codes, shape: [1, codes.count / width, width, config.vqEmbedDim])
  }

  private func decode(_ codes: [Int], shape: [Int]) throws(TensorError) -> Tensor {
    try decoder(postQuantConv(codebook.rows(codes).reshaped(shape)))
  }

  package func encodeWhole(_ picture: Tensor) throws(ModelError) -> Tensor {
    do { return try quantConv(encoder(picture)) } catch { throw .tensor(error) }
  }

  package func latent(of encoded: Tensor, noise: Tensor?) throws(TensorError) -> Tensor {
    noise == nil ? encoded : try encoded.scaled(by: config.scalingFactor)
  }

  package func decodeWhole(_ latent: Tensor) throws(TensorError) -> Tensor {
    let unscaled = try latent.scaled(by: 1 / config.scalingFactor)
    return try decode(nearest(to: unscaled), shape: latent.shape)
  }
}
