import LanternPlatform

/// The stream of normal numbers that `torch.Generator("cpu").manual_seed(seed)` gives `torch.randn`.
///
/// A Mersenne Twister and Box–Muller, in the two ways that PyTorch has:
/// one for 16 numbers and more, and one for fewer. Equal to PyTorch's but for the last bit of sines,
/// cosines and logarithms.
public struct TorchGenerator: Sendable {
  private var twister: MersenneTwister
  /// Cache of the second normal number of a pair, in the way for fewer than 16 (PyTorch's `next_normal`).
  private var spare: Double?

  /// Starts the stream; as in PyTorch only the low 32 bits of `seed` count.
  public init(seed: UInt64) {
    twister = MersenneTwister(seed: UInt32(truncatingIfNeeded: seed))
  }

  /// Independent standard normal numbers, as `torch.randn(shape, generator=…)`, f32.
  ///
  /// - Throws: ``TensorError/size(shape:)`` or ``TensorError/outOfMemory(byteCount:)``.
  public mutating func normal(_ shape: [Int]) throws(TensorError) -> Tensor {
    let draft = try Draft(shape)
    let count = draft.elementCount
    let values = draft.floats
    if count < 16 {
      for index in 0..<count { values[index] = Float(pairedNormal()) }
      return draft.tensor()
    }
    for index in 0..<count { values[index] = uniform() }
    for block in stride(from: 0, to: count - 15, by: 16) { Self.makeNormal(values + block) }
    if count % 16 != 0 {
      // The last block overlaps the one before and is drawn anew.
      let tail = values + (count - 16)
      for index in 0..<16 { tail[index] = uniform() }
      Self.makeNormal(tail)
    }
    return draft.tensor()
  }

  /// Turns 16 uniform numbers into normal ones, pairing each of the first eight with its eighth next.
  private static func makeNormal(_ block: UnsafeMutablePointer<Float>) {
    for index in 0..<8 {
      let radius = (-2 * log(1 - block[index])).squareRoot()
      let angle = 2 * Float.pi * block[index + 8]
      block[index] = radius * cos(angle)
      block[index + 8] = radius * sin(angle)
    }
  }

  private mutating func pairedNormal() -> Double {
    if let spare {
      self.spare = nil
      return spare
    }
    let first = uniformDouble()
    let radius = (-2 * log1p(-uniformDouble())).squareRoot()
    spare = radius * sin(2 * Double.pi * first)
    return radius * cos(2 * Double.pi * first)
  }

  /// An integer from 0 up to but not including `bound`, as `torch.randint(bound, [])` for bounds
  /// beyond 32 bits.
  public mutating func integer(below bound: UInt64) -> UInt64 {
    let high = UInt64(twister.next())
    return (high << 32 | UInt64(twister.next())) % max(bound, 1)
  }

  private mutating func uniform() -> Float { Float(twister.next() & 0xff_ffff) * 0x1p-24 }

  private mutating func uniformDouble() -> Double {
    Double(integer(below: 1 << 53)) * 0x1p-53
  }
}
