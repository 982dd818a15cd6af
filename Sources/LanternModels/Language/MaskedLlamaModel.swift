package import LanternLayers
package import LanternTensor

/// A language model whose tokens attend to each other both ways and that fills in those that are masked, in any order.
package protocol MaskedLanguageModel: CausalLanguageModel {
  /// Stands for a token that is to be filled in.
  var maskToken: Int { get }
  /// Whether the state of a token has the scores of the next, as that of the model that it was trained from.
  var isShifted: Bool { get }
  /// Tokens of a block, where tokens attend to their own and those before it; nil where they attend to all.
  var causalBlock: Int? { get }
}

extension MaskedLanguageModel {
  /// Logits of the tokens at some positions of a text.
  ///
  /// - Parameters:
  ///   - ids: the text, with masked tokens.
  ///   - positions: which, not the first of the text where the model is shifted.
  /// - Returns: `[position, id]`.
  /// - Throws: ``TensorError`` for an id outside the vocabulary, or no memory.
  package func scores(_ ids: [Int], of positions: Range<Int>) throws(TensorError) -> Tensor {
    var cache = try makeCache(capacity: ids.count)
    return try scores(read(ids, into: &cache, mask: .none, keeping: false), of: positions)
  }

  /// Logits of tokens at some positions of those whose states are given, `[1, token, feature]`.
  func scores(_ hidden: Tensor, of positions: Range<Int>) throws(TensorError) -> Tensor {
    let rows = positions.map { isShifted ? max(0, $0 - 1) : $0 }
    let states = try hidden.reshaped([hidden.shape[1], features]).rows(rows)
    let logits = try logits(states.reshaped([1, rows.count, features]))
    return try logits.reshaped([rows.count, logits.elementCount / max(1, rows.count)])
  }
}

/// A masked language model with the block of Llama's kind: LLaDA (Nie et al. 2025, arXiv:2502.09992), Dream (Ye et
/// al. 2025, arXiv:2508.15487), which is Qwen 2's, and Fast-dLLM v2 (Wu et al. 2025, arXiv:2509.26328), whose tokens attend
/// to their own block and to those before it.
package struct MaskedLlamaModel: MaskedLanguageModel {
  private let model: LlamaModel
  package let maskToken: Int
  package let isShifted: Bool
  package let causalBlock: Int?

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: MaskedLlamaConfig, _ weights: Weights) throws(ModelError) {
    (maskToken, isShifted) = (config.maskToken, config.isShifted)
    causalBlock = config.causalBlock
    model = try LlamaModel(config.llama, weights)
  }

  package var sizes: DecoderSizes { model.sizes }
  package var switchLength: Int? { model.switchLength }
  package var stableLength: Int? { model.stableLength }

  package func read(
    _ ids: [Int], into cache: inout KVCache, mask: AttentionMask, keeping: Bool
  ) throws(TensorError) -> Tensor {
    try model.read(ids, into: &cache, mask: mask, keeping: keeping)
  }

  package func logits(_ hidden: Tensor) throws(TensorError) -> Tensor { try model.logits(hidden) }
}
