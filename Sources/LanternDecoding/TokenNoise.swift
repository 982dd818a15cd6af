/// A counter-based random number generator: a number depends on the seed and its indices (page, step, token
/// position) alone, not on what was drawn before or on the number of threads.
public struct TokenNoise: Sendable {
  private let key: UInt64

  /// The generator of a seed.
  public init(seed: UInt64) { key = Self.mixed(seed) }

  private init(key: UInt64) { self.key = key }

  /// The generator of a part, as a page or a step.
  public subscript(part: Int) -> TokenNoise {
    TokenNoise(key: Self.mixed(key ^ Self.mixed(UInt64(bitPattern: Int64(part)))))
  }

  /// A number in 0..<1, by its index.
  public func uniform(_ index: Int) -> Float { Float(self[index].key >> 40) * 0x1p-24 }

  /// Numbers in 0..<1 for indices from 0 on.
  public func uniforms(_ count: Int) -> [Float] { (0..<count).map(uniform) }

  /// SplitMix64's step (Steele, Lea & Flood 2014), in which every bit of the input moves every bit.
  private static func mixed(_ seed: UInt64) -> UInt64 {
    var x = seed &+ 0x9e37_79b9_7f4a_7c15
    x = (x ^ (x >> 30)) &* 0xbf58_476d_1ce4_e5b9
    x = (x ^ (x >> 27)) &* 0x94d0_49bb_1331_11eb
    return x ^ (x >> 31)
  }
}
