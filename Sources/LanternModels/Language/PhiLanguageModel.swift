package import LanternLayers
package import LanternTensor

/// Phi-1, 1.5 and 2 as language models: transformers' `PhiForCausalLM`.
package struct PhiLanguageModel: CausalLanguageModel {
  private let embedding: Embedding
  private let decoder: PhiModel
  private let head: Linear

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: PhiConfig, _ root: Weights) throws(ModelError) {
    let (weights, size) = (root["model"], config.hiddenSize)
    self.embedding = try Embedding(weights["embed_tokens"], config.vocabSize, size)
    self.decoder = try PhiModel(config, weights)
    self.head = try Linear(root["lm_head"], size, config.vocabSize)
    try root.finish(ignoring: ["rotary_emb.inv_freq"])
  }

  package var sizes: DecoderSizes { decoder.config.sizes }
  package var switchLength: Int? { decoder.switchLength }
  package var stableLength: Int? { decoder.stableLength }

  package func read(
    _ ids: [Int], into cache: inout KVCache, mask: AttentionMask, keeping: Bool
  ) throws(TensorError) -> Tensor {
    let x = try embedding(ids).reshaped([1, ids.count, features])
    let hidden = try decoder(x, after: &cache, mask: mask)
    if keeping { cache.keep(ids.count) }
    return hidden
  }

  package func logits(_ hidden: Tensor) throws(TensorError) -> Tensor { try head(hidden) }
}
