package import LanternLayers
package import LanternTensor

/// Llama's decoder and its kin as a text encoder: the layers up to the last whose states are taken, without those behind
/// it and without a head.
package struct LlamaTextModel: LayeredTextEncoder {
  private let config: LlamaConfig
  private let numbers: [Int]
  private let embedding: Embedding
  private let layers: [LlamaLayer]
  private let rotary: RotaryEmbedding
  /// Behind the last layer; nil where earlier states are taken.
  private let finalNorm: RMSNorm?

  /// Builds the model with its weights; those of later layers are not read.
  ///
  /// - Parameters:
  ///   - config: the settings.
  ///   - taken: which states are taken.
  ///   - checkpoint: the weights.
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite, and where the model has
  ///   too few layers, or its tokens see a window.
  package init(
    _ config: LlamaConfig, taking taken: TextLayers, _ checkpoint: Weights
  ) throws(ModelError) {
    let sizes = config.sizes
    let root = checkpoint.renamed(by: config.names, sizes)
    let weights = root["embed_tokens"].has("weight") ? root : root["model"]
    guard let numbers = taken.numbers(of: sizes.layers) else {
      throw .unsupported(
        what: "is a text encoder of \(sizes.layers) layers: more are needed", file: root.file)
    }
    (self.config, self.numbers) = (config, numbers)
    let count = numbers.max() ?? 0
    embedding = try Embedding(weights["embed_tokens"], sizes.vocabulary, sizes.features)
    layers = try (0..<count).map { index throws(ModelError) in
      try LlamaLayer(weights["layers"][index], config, index)
    }
    rotary = config.rope.embedding(headSize: sizes.sizeOfHead, pairing: config.pairing)
    finalNorm = taken == .last ? try RMSNorm(weights["norm"], config) : nil
    let others = (count..<sizes.layers).flatMap { ["model.layers.\($0)", "layers.\($0)"] }
    try root.finish(
      ignoring: ["rotary_emb.inv_freq", "lm_head.weight"],
      later: others + ["model.norm", "norm"])
  }

  package var features: Int { numbers.count * config.sizes.features }
  package var vocabularySize: Int { config.sizes.vocabulary }
  /// Texts longer than a window are not read.
  package var maximumLength: Int {
    min(config.sizes.maximumLength, config.sizes.windows.compactMap(\.self).min() ?? .max)
  }

  package func states(of ids: [Int], padding: (id: Int, count: Int)) throws(TensorError) -> Tensor {
    let (count, all) = (ids.count, ids.count + padding.count)
    var text = try embedded(ids)
    var rest =
      padding.count > 0 ? try embedded(Array(repeating: padding.id, count: padding.count)) : nil
    let turns = try (rotary.turn(0..<count), rotary.turn(count..<all))
    var taken: [Tensor] = []
    func take(_ number: Int) throws(TensorError) {
      guard numbers.contains(number) else { return }
      taken.append(
        try rest.map { rest throws(TensorError) in
          try Tensor.concatenated([text, rest], axis: 1)
        } ?? text)
    }
    try take(0)
    for (index, layer) in layers.enumerated() {
      var keys: Attention.KeysAndValues?
      text = try layer(text, turn: turns.0, mask: .causal) { own throws(TensorError) in
        keys = own
        return own
      }
      // As with transformers' mask of padding: its tokens see the text, and not themselves.
      if let padded = rest, let keys {
        rest = try layer(padded, turn: turns.1, mask: .none) { _ throws(TensorError) in keys }
      }
      try take(index + 1)
    }
    let states = taken.count == 1 ? taken[0] : try Tensor.concatenated(taken, axis: 2)
    return try finalNorm.map { norm throws(TensorError) in try norm(states) } ?? states
  }

  private func embedded(_ ids: [Int]) throws(TensorError) -> Tensor {
    let found = try embedding(ids).reshaped([1, ids.count, config.sizes.features])
    return if let scale = config.embeddingScale { try found.scaled(by: scale) } else { found }
  }
}
