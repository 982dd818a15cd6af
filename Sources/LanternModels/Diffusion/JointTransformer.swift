import LanternLayers
import LanternTensor

/// Blocks of two streams, text and picture, then blocks of one: what FLUX.1 and FLUX.2 share (Esser et al. 2024,
/// arXiv:2403.03206; Black Forest Labs 2025, arXiv:2506.15742).
struct JointTransformer: Sendable {
  let xEmbedder: Linear
  let blocks: [JointBlock]
  let singleBlocks: [ParallelBlock]
  /// Axes of positions: an index that tells pictures apart, rows, columns, and with a fourth places in the text.
  let axes: Int
  let rotary: AxialRotaryEmbedding
  let normOut: AdaLayerNormContinuous
  let projOut: Linear

  /// What one timestep makes of the blocks.
  struct Modulations {
    /// Of each block of two streams.
    let blocks: [TextAndPicture<AdaLayerNormZero.Parts>]
    /// Of each of one stream.
    let singleBlocks: [AdaLayerNormZeroSingle.Parts]
  }

  /// The network for a text.
  ///
  /// - Parameters:
  ///   - text: embedded tokens, `[batch, token, feature]`.
  ///   - caching: how features are reused; nil for none.
  ///   - time: a timestep's embedding, `[batch, feature]`, and what it makes of the blocks.
  /// - Returns: from a latent `[batch, height, width, channel]`, a position for each token, to the prediction.
  func conditioned(
    on text: Tensor, caching: StepCache?,
    time:
      @escaping @Sendable (_ timestep: Float, _ batch: Int) throws(TensorError) -> (
        embedding: Tensor, modulations: Modulations
      )
  ) -> ConditionedDenoiser {
    let textPositions = (0..<text.shape[1]).map { axes > 3 ? [0, 0, 0, $0] : [0, 0, 0] }
    let cache = caching.map(FeatureCache.init)
    return { latent, timestep throws(TensorError) in
      let (height, width) = (latent.shape[1], latent.shape[2])
      var positions: [[Int]] = []
      for y in 0..<height {
        positions += (0..<width).map { axes > 3 ? [0, y, $0, 0] : [0, y, $0] }
      }
      // As in the reference, whose pipelines divide by 1000 and whose models multiply again.
      let (embedding, modulations) = try time(timestep / 1000 * 1000, latent.shape[0])
      let tokens = try latent.reshaped([latent.shape[0], height * width, latent.shape[3]])
      let found = try predict(
        TextAndPicture(text: text, picture: xEmbedder(tokens)),
        TextAndPicture(text: textPositions, picture: positions), embedding, modulations,
        at: timestep, cache)
      return try found.reshaped([latent.shape[0], height, width, found.shape[2]])
    }
  }

  /// `[batch, token, output]` of the picture's tokens.
  private func predict(
    _ streams: TextAndPicture<Tensor>, _ positions: TextAndPicture<[[Int]]>, _ time: Tensor,
    _ modulations: Modulations, at timestep: Float, _ cache: FeatureCache?
  ) throws(TensorError) -> Tensor {
    if let features = try cache?.forecast(at: timestep, streams.picture.shape) {
      return try projOut(normOut(features, time))
    }
    let turns = TextAndPicture(
      text: try rotary.turn(positions.text), picture: try rotary.turn(positions.picture))
    var streams = streams
    for (block, parts) in zip(blocks, modulations.blocks) {
      streams = try block(streams, parts, turns: turns)
    }
    let turn = try rotary.turn(positions.text + positions.picture)
    var h = try Tensor.concatenated([streams.text, streams.picture], axis: 1)
    for (block, parts) in zip(singleBlocks, modulations.singleBlocks) {
      h = try block(h, parts, turn: turn)
    }
    let first = positions.text.count
    let features = try h.sliced(axis: 1, first..<h.shape[1]).contiguous()
    try cache?.note(features, at: timestep)
    return try projOut(normOut(features, time))
  }
}
