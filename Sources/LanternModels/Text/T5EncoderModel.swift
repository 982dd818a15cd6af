package import LanternLayers
package import LanternTensor

/// T5's encoder (Raffel et al. 2020, arXiv:1910.10683), with ReLU or, in versions 1.1 on, gated units (Shazeer 2020,
/// arXiv:2002.05202); mT5's (arXiv:2010.11934) and umT5's, which has biases in each layer.
package struct T5EncoderModel: BidirectionalEncoder, TextEncoder {
  private let config: T5Config
  private let embedding: Embedding
  private let layers: [T5Layer]
  private let finalNorm: RMSNorm

  /// Builds the model with its weights; those of a decoder and its head are not read.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: T5Config, _ root: Weights) throws(ModelError) {
    try self.init(config, within: root)
    try root.finish(
      ignoring: ["embed_tokens.weight", "shared.weight"], later: ["decoder", "lm_head"])
  }

  /// Builds the encoder with its weights, of which others may be left.
  init(_ config: T5Config, within root: Weights) throws(ModelError) {
    self.config = config
    let weights = root["encoder"]
    embedding = try Embedding(
      T5Config.table(of: weights, in: root), config.vocabulary, config.features)
    layers = try (0..<config.encoderLayers).map { index throws(ModelError) in
      try T5Layer(
        weights["block"][index], config, hasBias: index == 0 || config.hasBiases,
        isDecoder: false)
    }
    finalNorm = try RMSNorm(
      weights["final_layer_norm"], config.features, eps: config.normEps)
  }

  package var features: Int { config.features }
  package var vocabularySize: Int { config.vocabulary }
  package var maximumLength: Int { T5Config.maximumLength }
  package var layerCount: Int { layers.count }
  package var pooledFeatures: Int { 0 }

  package func states(of batch: TokenBatch) throws(TensorError) -> Tensor {
    try finalNorm(hidden(of: batch, skippedLayers: 0))
  }

  package func encode(
    _ tokens: [Int], adding added: AddedTokens? = nil, skippedLayers: Int = 0,
    isNormalized: Bool = true
  ) throws(TensorError) -> TextEncoding {
    let hidden = try hidden(of: TokenBatch([tokens]), skippedLayers: skippedLayers)
    return TextEncoding(states: isNormalized ? try finalNorm(hidden) : hidden, pooled: nil)
  }

  private func hidden(of batch: TokenBatch, skippedLayers: Int) throws(TensorError) -> Tensor {
    try batch.check("T5EncoderModel", maximumLength: maximumLength)
    var h = try embedding(batch.ids).reshaped([1, batch.ids.count, features])
    let longest = batch.texts.lengths.max() ?? 1
    var bias: RelativeBias?
    for layer in layers.dropLast(skippedLayers) {
      bias = try layer.bias?(tokens: longest) ?? bias
      h = try layer(h, batch.texts, bias)
    }
    return h
  }
}
