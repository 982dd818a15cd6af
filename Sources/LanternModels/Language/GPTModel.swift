package import LanternLayers
package import LanternTensor

/// GPT and its kin as language models: GPT-2, GPT-J and GPT-NeoX, OPT, Falcon, and Phi-1, 1.5 and 2, by transformers'
/// classes.
package struct GPTModel: CausalLanguageModel {
  private let config: GPTConfig
  private let embedding: Embedding
  private let positions: Embedding?
  private let decoder: GPTDecoder
  private let head: Linear
  /// From tokens' features to the decoder's, and back.
  private let projections: (first: Linear, last: Linear)?

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: GPTConfig, _ checkpoint: Weights) throws(ModelError) {
    self.config = config
    let sizes = config.sizes
    let root = checkpoint.renamed(by: config.names, sizes)
    let (weights, size) = (root["model"], config.embeddingSize ?? sizes.features)
    self.embedding = try Embedding(weights["embed_tokens"], sizes.vocabulary, size)
    self.positions =
      if let first = config.firstPosition {
        try Embedding(weights["embed_positions"], sizes.maximumLength + first, sizes.features)
      } else { nil }
    self.projections =
      if config.embeddingSize != nil {
        (
          try Linear(weights["project_in"], size, sizes.features, bias: false),
          try Linear(weights["project_out"], sizes.features, size, bias: false)
        )
      } else { nil }
    self.decoder = try GPTDecoder(config, weights)
    let head = config.tieWordEmbeddings ? weights["embed_tokens"] : root["lm_head"]
    self.head = try Linear(head, size, sizes.vocabulary, bias: config.biases.head)
    // Masks and frequencies that older versions of transformers stored.
    let buffers = [".attn.bias", "attention.bias", ".masked_bias", "rotary_emb.inv_freq"]
    try root.finish(ignoring: buffers + (config.tieWordEmbeddings ? ["lm_head.weight"] : []))
  }

  package var sizes: DecoderSizes { config.sizes }
  package var switchLength: Int? { decoder.switchLength }
  package var stableLength: Int? { decoder.stableLength }

  package func read(
    _ ids: [Int], into cache: inout KVCache, mask: AttentionMask, keeping: Bool
  ) throws(TensorError) -> Tensor {
    var x = try embedding(ids)
    if let projections { x = try projections.first(x) }
    if let positions, let first = config.firstPosition {
      x = try x + positions(cache.positions(ids.count).map { $0 + first })
    }
    let hidden = try decoder(
      x.reshaped([1, ids.count, features]), after: &cache, mask: mask)
    if keeping { cache.keep(ids.count) }
    return hidden
  }

  package func logits(_ hidden: Tensor) throws(TensorError) -> Tensor {
    try head(projections?.last(hidden) ?? hidden)
  }
}
