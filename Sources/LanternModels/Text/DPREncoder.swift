package import LanternLayers
package import LanternTensor

/// DPR's encoders of questions and of passages (Karpukhin et al. 2020, arXiv:2004.04906): BERT, whose first token's state,
/// projected where the model has a projection, is the text's vector. Inner products of vectors say what passage suits.
package struct DPREncoder: BidirectionalEncoder {
  private let bert: BertModel
  private let projection: Linear?
  package let features: Int

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: BertConfig, _ root: Weights) throws(ModelError) {
    let prefix = Self.prefixes.first {
      root["\($0).bert_model.embeddings.word_embeddings"].has("weight")
    }
    let weights = prefix.map { root[$0] } ?? root
    bert = try BertModel(config, within: weights["bert_model"])
    projection =
      config.projection == 0
      ? nil : try Linear(weights["encode_proj"], bert.features, config.projection)
    features = projection == nil ? bert.features : config.projection
    try root.finish(
      ignoring: ["position_ids"],
      later: ["bert_model.pooler"] + Self.prefixes.map { "\($0).bert_model.pooler" })
  }

  private static let prefixes = ["question_encoder", "ctx_encoder"]

  package var vocabularySize: Int { bert.vocabularySize }
  package var maximumLength: Int { bert.maximumLength }
  package var layerCount: Int { bert.layerCount }
  package var firstStateIsVector: Bool { true }

  package func states(of batch: TokenBatch) throws(TensorError) -> Tensor {
    let states = try bert.states(of: batch)
    return try projection.map { projection throws(TensorError) in try projection(states) } ?? states
  }
}
