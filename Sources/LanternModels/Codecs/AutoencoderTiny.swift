package import LanternFormats
package import LanternLayers
import LanternPlatform
package import LanternTensor

/// The settings of a tiny autoencoder, read from diffusers' `config.json`.
package struct AutoencoderTinyConfig: Sendable {
  var inChannels: Int
  var outChannels: Int
  var latentChannels: Int
  var encoderBlockOutChannels: [Int]
  var decoderBlockOutChannels: [Int]
  var numEncoderBlocks: [Int]
  var numDecoderBlocks: [Int]
  var scalingFactor: Float
  var shiftFactor: Float

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when lists differ in length.
  package init(_ config: Config) throws(ModelError) {
    do throws(FormatError) {
      inChannels = try config.integer("in_channels", default: 3)
      outChannels = try config.integer("out_channels", default: 3)
      latentChannels = try config.integer("latent_channels", default: 4)
      let channels = [64, 64, 64, 64]
      encoderBlockOutChannels = try config.integers(
        "encoder_block_out_channels", default: channels)
      decoderBlockOutChannels = try config.integers(
        "decoder_block_out_channels", default: channels)
      numEncoderBlocks = try config.integers("num_encoder_blocks", default: [1, 3, 3, 3])
      numDecoderBlocks = try config.integers("num_decoder_blocks", default: [3, 3, 3, 1])
      scalingFactor = try config.float("scaling_factor", default: 1)
      shiftFactor = try config.float("shift_factor", default: 0)
      try config.expect("act_fn", [.string("relu")])
      try config.expect("upsample_fn", [.string("nearest")])
      try config.expect("upsampling_scaling_factor", [.integer(2)])
      // How latents are shown as pictures elsewhere, and the decoder's channels once more.
      try config.finish(
        ignoring: ["block_out_channels", "force_upcast", "latent_magnitude", "latent_shift"])
    } catch {
      throw .file(error)
    }
    let (down, up) = (encoderBlockOutChannels, decoderBlockOutChannels)
    let sizes = [inChannels, outChannels, latentChannels] + down + up
    let counts = numEncoderBlocks + numDecoderBlocks
    guard sizes.allSatisfy({ (1...4096).contains($0) }),
      counts.allSatisfy({ (0...64).contains($0) }), (1...8).contains(down.count),
      up.count == down.count, numEncoderBlocks.count == down.count,
      numDecoderBlocks.count == up.count, scalingFactor != 0,
      Set(down).count == 1, Set(up).count == 1
    else {
      throw .inconsistent(
        reason: "encoder_block_out_channels, num_encoder_blocks, decoder_block_out_channels and "
          + "num_decoder_blocks must have one length of 1 to 8, channels be the same at all "
          + "levels, and scaling_factor not 0", file: config.file)
    }
  }
}

/// A small autoencoder that was trained to draw what a large one draws (Ollin Boer Bohan's TAESD), as
/// diffusers' `AutoencoderTiny`: plain convolutions, no norms and no attention.
package struct AutoencoderTiny: LatentCodec {
  package let config: AutoencoderTinyConfig
  private let decoder: Stack
  /// Pictures from text have no use for it.
  private let encoder: ModelPart<Stack, ModelError>

  /// Builds the model with its weights, those of the encoder when it is first needed.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: AutoencoderTinyConfig, _ weights: Weights) throws(ModelError) {
    self.config = config
    self.decoder = try Stack(decoder: weights["decoder.layers"], config)
    try weights.finish(later: ["encoder"])
    self.encoder = ModelPart { () throws(ModelError) in
      let encoder = try Stack(encoder: weights["encoder.layers"], config)
      try weights.finish()
      return encoder
    }
  }

  package var latentChannels: Int { config.latentChannels }
  package var downsampling: Int { 1 << (config.encoderBlockOutChannels.count - 1) }
  /// Of diffusers' tiles.
  package var sampleSize: Int { 512 }
  package var widestChannels: Int { config.decoderBlockOutChannels[0] }

  package func readEncoder() throws(ModelError) { _ = try encoder() }
  package func releaseEncoder() { encoder.release() }

  package func encodeWhole(_ picture: Tensor) throws(ModelError) -> Tensor {
    let encoder = try encoder()
    do { return try encoder(picture.scaled(by: 0.5, plus: 0.5)) } catch { throw .tensor(error) }
  }

  /// The latent of a picture; no noise is drawn.
  package func latent(of encoded: Tensor, noise: Tensor?) throws(TensorError) -> Tensor {
    noise == nil
      ? encoded
      : try encoded.scaled(
        by: config.scalingFactor, plus: -config.shiftFactor * config.scalingFactor)
  }

  package func decodeWhole(_ latent: Tensor) throws(TensorError) -> Tensor {
    let unscaled = try latent.scaled(by: 1 / config.scalingFactor, plus: config.shiftFactor)
    let squashed = try unscaled.floats().map { 3 * tanh($0 / 3) }
    return try decoder(Tensor(squashed, shape: latent.shape)).scaled(by: 2, plus: -1)
  }
}

/// The layers of an encoder or decoder, in order.
private struct Stack: Sendable {
  private enum Layer: Sendable {
    case convolution(Conv2d, Activation)
    case block([Conv2d])
  }

  private let layers: [Layer]

  init(encoder weights: Weights, _ config: AutoencoderTinyConfig) throws(ModelError) {
    let channels = config.encoderBlockOutChannels[0]
    var layers: [Layer] = []
    for (level, count) in config.numEncoderBlocks.enumerated() {
      let isFirst = level == 0
      let conv = try Conv2d(
        weights[layers.count], isFirst ? config.inChannels : channels, channels,
        isFirst ? .same3 : ConvolutionWindow(3, stride: 2, padding: .all(1)), bias: isFirst)
      layers.append(.convolution(conv, .identity))
      for _ in 0..<count { layers.append(try Self.block(weights[layers.count], channels)) }
    }
    let last = try Conv2d(weights[layers.count], channels, config.latentChannels, .same3)
    self.layers = layers + [.convolution(last, .identity)]
  }

  init(decoder weights: Weights, _ config: AutoencoderTinyConfig) throws(ModelError) {
    let channels = config.decoderBlockOutChannels[0]
    let first = try Conv2d(weights[0], config.latentChannels, channels, .same3)
    var layers: [Layer] = [.convolution(first, .relu)]
    // Activations and doublings have numbers of their own in the checkpoint.
    var number = 2
    for (level, count) in config.numDecoderBlocks.enumerated() {
      for _ in 0..<count {
        layers.append(try Self.block(weights[number], channels))
        number += 1
      }
      let isLast = level == config.numDecoderBlocks.count - 1
      let conv = try Conv2d(
        weights[isLast ? number : number + 1], channels, isLast ? config.outChannels : channels,
        isLast ? .same3 : ConvolutionWindow(3, padding: .all(1), upsampling: 2), bias: isLast)
      layers.append(.convolution(conv, .identity))
      number += 2
    }
    self.layers = layers
  }

  /// Three convolutions and an identity skip connection (`AutoencoderTinyBlock`).
  private static func block(_ weights: Weights, _ channels: Int) throws(ModelError) -> Layer {
    .block(
      try [0, 2, 4].map { index throws(ModelError) in
        try Conv2d(weights["conv"][index], channels, channels, .same3)
      })
  }

  func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    var h = x
    for layer in layers {
      switch layer {
      case .convolution(let conv, let activation): h = try conv(h, activation: activation)
      case .block(let convs):
        let inner = try convs[1](convs[0](h, activation: .relu), activation: .relu)
        h = try convs[2](inner, residual: h).applying(.relu)
      }
    }
    return h
  }
}
