public import LanternTensor

/// The random number generator of one picture: PyTorch's stream, drawn in PyTorch's order of axes.
public struct NoiseSource: Sendable {
  private var generator: TorchGenerator

  /// The stream of `torch.Generator("cpu").manual_seed(seed)`.
  public init(seed: UInt64) { generator = TorchGenerator(seed: seed) }

  /// Standard normal numbers for a latent.
  ///
  /// - Parameter shape: `[batch, height, width, channel]`. The numbers are drawn for `[batch, channel,
  ///   height, width]`, as diffusers does.
  /// - Returns: independent numbers of mean 0 and variance 1, of that shape.
  /// - Throws: `TensorError` for an impossible shape.
  public mutating func normal(_ shape: [Int]) throws(TensorError) -> Tensor {
    guard shape.count == 4 else {
      throw .shape(op: "normal", expected: "[batch, height, width, channel]", found: shape)
    }
    let drawn = try generator.normal([shape[0], shape[3], shape[1], shape[2]])
    return try drawn.permuted([0, 2, 3, 1]).contiguous()
  }

  /// An integer from 0 up to but not including a bound, as `torch.randint` draws it.
  mutating func integer(below bound: UInt64) -> UInt64 { generator.integer(below: bound) }
}
