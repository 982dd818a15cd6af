package import LanternTensor

/// The conditioning of a denoiser by prompts: a row for each picture of its batch.
package struct Conditioning: Sendable {
  /// States of the prompts' tokens, `[row, token, feature]`.
  package var states: Tensor
  /// Tokens of each row's text, behind which the row is filled up; nil where all are of the text.
  package var lengths: [Int]?
  /// A vector of each prompt, `[row, feature]`; nil where the denoiser takes none.
  package var pooled: Tensor?
  /// Numbers of each row, as SDXL's height and width before and after cropping in pixels.
  package var sizes: [[Float]]
  /// Strength of guidance, for a denoiser that ``DenoiserNetwork/embedsGuidance``.
  package var guidance: Float?
  /// Pictures in addition to the text, for a denoiser that has ``DenoiserNetwork/crossAttentionChannels``.
  package var pictures: [PictureTokens] = []
  /// Latents of references, `[1, height, width, channel]` each, for a denoiser that has them behind the picture.
  package var references: [Tensor] = []
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
    some.lengths = lengths.map { Array($0[range]) }
    return some
  }

  /// The rows of all.
  ///
  /// - Parameter all: one or more, of as many features; rows of fewer tokens than others are filled up with zeros.
  /// - Returns: their rows, in order.
  /// - Throws: ``TensorError`` for different shapes.
  package static func joined(_ all: [Conditioning]) throws(TensorError) -> Conditioning {
    let pooled = all.compactMap(\.pooled)
    let longest = all.map(\.states.shape[1]).max() ?? 0
    let isRagged = all.contains { $0.states.shape[1] != longest || $0.lengths != nil }
    var joined = Conditioning(
      states: try Tensor.concatenated(
        all.map { one throws(TensorError) in try one.states.filled(to: longest) }, axis: 0),
      pooled: pooled.isEmpty ? nil : try Tensor.concatenated(pooled, axis: 0),
      sizes: all.flatMap(\.sizes))
    joined.guidance = all.first?.guidance
    joined.lengths = isRagged ? all.flatMap { one in one.textLengths } : nil
    joined.pictures = try PictureTokens.joined(all.map(\.pictures))
    return joined
  }

  /// Tokens of each row's text.
  private var textLengths: [Int] {
    lengths ?? Array(repeating: states.shape[1], count: states.shape[0])
  }

  /// The states of a row's text alone, `[1, token, feature]`.
  ///
  /// - Throws: ``TensorError`` where there is no such row.
  func text(_ row: Int) throws(TensorError) -> Tensor {
    let count = lengths?[row] ?? states.shape[1]
    return try states.sliced(axis: 0, row..<row + 1).sliced(axis: 1, 0..<count).contiguous()
  }
}

extension Tensor {
  /// `[row, token, feature]` with zeros behind, so that there are `count` tokens.
  fileprivate func filled(to count: Int) throws(TensorError) -> Tensor {
    guard shape[1] < count else { return self }
    let rest = try Tensor(repeating: 0, shape: [shape[0], count - shape[1], shape[2]])
    return try Tensor.concatenated([self, rest], axis: 1)
  }
}
