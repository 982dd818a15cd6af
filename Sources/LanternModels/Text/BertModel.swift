package import LanternLayers
package import LanternTensor

/// BERT (Devlin et al. 2019, arXiv:1810.04805) and its kin: RoBERTa (arXiv:1907.11692) and XLM-R (arXiv:1911.02116),
/// MPNet (arXiv:2004.09297), DistilBERT (arXiv:1910.01108). Attention and a feed-forward layer, each added and then
/// normalised.
package struct BertModel: BidirectionalEncoder {
  private let config: BertConfig
  private let words: Embedding
  private let positions: Embedding
  private let segments: Embedding?
  private let norm: LayerNorm
  private let bias: RelativePositionBias?
  private let layers: [BertLayer]

  /// Builds the model with its weights, whose names may or may not begin with the class's prefix, as `bert.`; heads are
  /// not read.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: BertConfig, _ root: Weights) throws(ModelError) {
    let prefix = Self.prefixes.first { root[$0]["embeddings.word_embeddings"].has("weight") }
    try self.init(config, within: prefix.map { root[$0] } ?? root)
    try root.finish(
      ignoring: ["position_ids", "token_type_ids"],
      later: Self.heads + Self.prefixes.map { "\($0).pooler" })
  }

  /// Builds the model with its weights, of which others may be left.
  init(_ config: BertConfig, within weights: Weights) throws(ModelError) {
    self.config = config
    let (sizes, embeddings) = (config.sizes, weights["embeddings"])
    words = try Embedding(embeddings["word_embeddings"], sizes.vocabulary, sizes.features)
    positions = try Embedding(
      embeddings["position_embeddings"], config.positions, sizes.features)
    segments =
      config.segments == 0
      ? nil : try Embedding(embeddings["token_type_embeddings"], config.segments, sizes.features)
    norm = try LayerNorm(embeddings["LayerNorm"], sizes.features, eps: config.normEps)
    let isDistilled = config.architecture == .distilbert
    let stack = weights[isDistilled ? "transformer" : "encoder"]
    bias =
      config.buckets == 0
      ? nil
      : try RelativePositionBias(
        stack["relative_attention_bias"], heads: sizes.heads, buckets: config.buckets,
        maximumDistance: 128, isBidirectional: true)
    layers = try (0..<sizes.layers).map { index throws(ModelError) in
      try BertLayer(stack["layer"][index], config)
    }
  }

  /// What comes before the names of the network's tensors in files with heads.
  private static let prefixes = ["bert", "roberta", "mpnet", "distilbert", "bert_model"]
  /// Heads for other tasks.
  private static let heads = [
    "cls", "pooler", "lm_head", "classifier", "qa_outputs", "pre_classifier", "vocab_transform",
    "vocab_layer_norm", "vocab_projector",
  ]

  package var features: Int { config.sizes.features }
  package var vocabularySize: Int { config.sizes.vocabulary }
  package var maximumLength: Int { config.sizes.maximumLength }
  package var layerCount: Int { layers.count }

  package func states(of batch: TokenBatch) throws(TensorError) -> Tensor {
    try batch.check("BertModel", maximumLength: maximumLength)
    var h = try words(batch.ids) + positions(positionIDs(of: batch))
    if let segments { h = try h + segments(batch.segments) }
    h = try norm(h).reshaped([1, batch.ids.count, features])
    let bias = try bias.map { bias throws(TensorError) in
      try bias(tokens: batch.texts.lengths.max() ?? 1)
    }
    for layer in layers { h = try layer(h, batch.texts, bias) }
    return h
  }

  /// Positions of tokens; those of RoBERTa's kind count what is not padding, which has one of its own.
  private func positionIDs(of batch: TokenBatch) -> [Int] {
    guard let padding = config.paddingID else { return batch.texts.positions }
    return batch.texts.ranges.flatMap { range in
      var next = config.firstPosition
      return batch.ids[range].map { id in
        guard id != padding else { return padding }
        defer { next += 1 }
        return next
      }
    }
  }
}

/// Attention and a feed-forward layer, each added to what came in and then normalised.
private struct BertLayer: Sendable {
  private let attention: LanternLayers.Attention
  private let attentionNorm: LayerNorm
  private let feedForward: FeedForward
  private let outputNorm: LayerNorm

  init(_ weights: Weights, _ config: BertConfig) throws(ModelError) {
    let (size, inner, heads) = (config.sizes.features, config.sizes.inner, config.sizes.heads)
    let names = Names(config.architecture)
    attention = try Attention(
      weights[names.attention], size, heads: heads, bias: true, outBias: true,
      naming: names.naming)
    attentionNorm = try LayerNorm(weights[names.attentionNorm], size, eps: config.normEps)
    feedForward = try FeedForward(
      weights[names.first], weights[names.second], size, inner: inner,
      activation: config.activation)
    outputNorm = try LayerNorm(weights[names.outputNorm], size, eps: config.normEps)
  }

  func callAsFunction(_ x: Tensor, _ texts: TextRuns, _ bias: RelativeBias?) throws(TensorError)
    -> Tensor
  {
    let attended = try attention.attend(
      attention.queries(of: x), to: attention.keysAndValues(of: x), within: texts, bias: bias)
    let h = try attentionNorm(attention.project(attended, residual: x))
    return try outputNorm(feedForward(h, residual: h))
  }

  /// What a class calls the parts of a layer.
  private struct Names {
    var (attention, naming) = ("attention", LanternLayers.Attention.Naming.bert)
    var (attentionNorm, outputNorm) = ("attention.output.LayerNorm", "output.LayerNorm")
    var (first, second) = ("intermediate.dense", "output.dense")

    init(_ architecture: BertConfig.Architecture) {
      switch architecture {
      case .bert, .roberta: break
      case .mpnet:
        (attention, naming) = ("attention.attn", .t5)
        attentionNorm = "attention.LayerNorm"
      case .distilbert:
        naming = .distilbert
        (attentionNorm, outputNorm) = ("sa_layer_norm", "output_layer_norm")
        (first, second) = ("ffn.lin1", "ffn.lin2")
      }
    }
  }
}
