package import LanternTensor

/// The conditioning of a denoiser by prompts: a row for each picture of its batch.
package struct Conditioning: Sendable {
  /// States of the prompts' tokens, `[row, token, feature]`.
  package var states: Tensor
  /// A vector of each prompt, `[row, feature]`; nil where the denoiser takes none.
  package var pooled: Tensor?
  /// Numbers of each row, as SDXL's height and width before and after cropping in pixels.
  package var sizes: [[Float]]
  /// Strength of guidance, for a denoiser that ``DenoiserNetwork/embedsGuidance``.
  package var guidance: Float?
  /// Pictures in addition to the text, for a denoiser that has ``DenoiserNetwork/crossAttentionChannels``.
  package var pictures: [PictureTokens] = []
  /// The residuals that ControlNets add for a latent and a timestep, nil in steps without; none by default.
  package var residuals:
    (@Sendable (_ latent: Tensor, _ timestep: Float) throws(TensorError) -> ControlResiduals?)?

  /// - Parameters:
  ///   - states: `[row, token, feature]`.
  ///   - pooled: `[row, feature]`, or nil.
  ///   - sizes: numbers of each row.
  package init(states: Tensor, pooled: Tensor? = nil, sizes: [[Float]] = []) {
    self.states = states
    self.pooled = pooled
    self.sizes = sizes
  }

  /// As many zeros, of no sizes.
  ///
  /// - Returns: states and pooled vector of the same shapes.
  /// - Throws: ``TensorError`` for no memory.
  package func zeros() throws(TensorError) -> Conditioning {
    Conditioning(
      states: try Tensor(repeating: 0, shape: states.shape),
      pooled: try pooled.map { pooled throws(TensorError) in
        try Tensor(repeating: 0, shape: pooled.shape)
      })
  }

  /// Some of its rows.
  ///
  /// - Parameter range: which.
  /// - Returns: those alone.
  /// - Throws: ``TensorError`` where there are fewer.
  package func rows(_ range: Range<Int>) throws(TensorError) -> Conditioning {
    var some = self
    some.states = try states.sliced(axis: 0, range).contiguous()
    some.pooled = try pooled.map { pooled throws(TensorError) in
      try pooled.sliced(axis: 0, range).contiguous()
    }
    some.sizes = sizes.isEmpty ? [] : Array(sizes[range])
    return some
  }

  /// The rows of all.
  ///
  /// - Parameter all: one or more, of as many tokens and features.
  /// - Returns: their rows, in order.
  /// - Throws: ``TensorError`` for different shapes.
  package static func joined(_ all: [Conditioning]) throws(TensorError) -> Conditioning {
    let pooled = all.compactMap(\.pooled)
    var joined = Conditioning(
      states: try Tensor.concatenated(all.map(\.states), axis: 0),
      pooled: pooled.isEmpty ? nil : try Tensor.concatenated(pooled, axis: 0),
      sizes: all.flatMap(\.sizes))
    joined.guidance = all.first?.guidance
    joined.pictures = try PictureTokens.joined(all.map(\.pictures))
    return joined
  }
}
