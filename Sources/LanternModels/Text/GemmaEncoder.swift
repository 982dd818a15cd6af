package import LanternFormats
package import LanternLayers
package import LanternTensor

/// EmbeddingGemma's network (Vera et al. 2025, arXiv:2509.20354): Gemma 3 whose tokens attend to all of their text, both
/// ways, in layers with a window to those that are no farther than half of it.
package struct GemmaEncoder: BidirectionalEncoder {
  private let model: LlamaModel

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` for settings that are not here, one whose tokens attend to those before them alone among
  ///   them, and when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: Config, _ weights: Weights) throws(ModelError) {
    do throws(FormatError) {
      let key = "use_bidirectional_attention"
      guard try config.bool(key, default: false) else {
        throw .unsupportedSetting(
          key: key, value: "false, and Gemma3TextModel is here an encoder", file: config.file)
      }
    } catch {
      throw .file(error)
    }
    model = try LlamaModel(LlamaConfig(config, of: .gemma3, isBidirectional: true), weights)
  }

  package var features: Int { model.sizes.features }
  package var vocabularySize: Int { model.sizes.vocabulary }
  package var maximumLength: Int { model.sizes.maximumLength }
  package var layerCount: Int { model.sizes.layers }

  package func states(of batch: TokenBatch) throws(TensorError) -> Tensor {
    try batch.check("GemmaEncoder", maximumLength: maximumLength)
    return try model.states(of: batch)
  }
}
