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
  ///   - references: latents of other pictures, `[1, height, width, channel]` each, a position for each token, which
  ///     stand behind the picture's.
  ///   - caching: how features are reused; nil for none.
  ///   - time: a timestep's embedding, `[batch, feature]`, and what it makes of the blocks.
  /// - Returns: from a latent `[batch, height, width, channel]`, a position for each token, to the prediction.
  func conditioned(
    on text: Tensor, references: [Tensor] = [], caching: StepCache?,
    time:
      @escaping @Sendable (_ timestep: Float, _ batch: Int) throws(TensorError) -> (
        embedding: Tensor, modulations: Modulations
      )
  ) -> ConditionedDenoiser {
    let textPositions = (0..<text.shape[1]).map { axes > 3 ? [0, 0, 0, $0] : [0, 0, 0] }
    let cache = caching.map(FeatureCache.init)
    let behind = references.enumerated().flatMap { positions(of: $1, picture: $0 + 1) }
    return { latent, timestep throws(TensorError) in
      let (height, width) = (latent.shape[1], latent.shape[2])
      let positions = positions(of: latent, picture: 0) + behind
      // As in the reference, whose pipelines divide by 1000 and whose models multiply again.
      let (embedding, modulations) = try time(timestep / 1000 * 1000, latent.shape[0])
      let tokens = try latent.withTokens(of: references)
      let found = try predict(
        TextAndPicture(text: text, picture: xEmbedder(tokens)),
        TextAndPicture(text: textPositions, picture: positions), count: height * width, embedding,
        modulations, at: timestep, cache)
      return try found.reshaped([latent.shape[0], height, width, found.shape[2]])
    }
  }

  /// Places of a latent's tokens, of the picture that is drawn (0) or a reference: FLUX.1's all have 1 on the first axis,
  /// FLUX.2's 10, 20 and so on.
  private func positions(of latent: Tensor, picture: Int) -> [[Int]] {
    let index = axes > 3 ? 10 * picture : min(picture, 1)
    return (0..<latent.shape[1]).flatMap { y in
      (0..<latent.shape[2]).map { axes > 3 ? [index, y, $0, 0] : [index, y, $0] }
    }
  }

  /// `[batch, token, output]` of the picture's tokens, the first `count` of their stream.
  private func predict(
    _ streams: TextAndPicture<Tensor>, _ positions: TextAndPicture<[[Int]]>, count: Int,
    _ time: Tensor, _ modulations: Modulations, at timestep: Float, _ cache: FeatureCache?
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
    let features = try h.sliced(axis: 1, first..<first + count).contiguous()
    try cache?.note(features, at: timestep)
    return try projOut(normOut(features, time))
  }
}

extension Tensor {
  /// `[batch, token, channel]` of latents `[batch, height, width, channel]`, and behind them in each row those of
  /// others, `[1, height, width, channel]`.
  fileprivate func withTokens(of others: [Tensor]) throws(TensorError) -> Tensor {
    let (rows, channels) = (shape[0], shape[3])
    let own = try reshaped([rows, shape[1] * shape[2], channels])
    if others.isEmpty { return own }
    let behind = try others.map { other throws(TensorError) in
      let tokens = try other.reshaped([1, other.shape[1] * other.shape[2], other.shape[3]])
      return try Tensor.concatenated(Array(repeating: tokens, count: rows), axis: 0)
    }
    return try Tensor.concatenated([own] + behind, axis: 1)
  }
}
