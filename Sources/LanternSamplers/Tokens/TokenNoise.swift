/// Random numbers that depend on where they are used and on nothing else: the same seed, picture, step
/// and place give the same number, whatever was drawn before and on however many threads.
public struct TokenNoise: Sendable {
  private let key: UInt64

  /// The numbers of a seed.
  public init(seed: UInt64) { key = Self.mixed(seed) }

  private init(key: UInt64) { self.key = key }

  /// The numbers of one part of the work: a picture, a step.
  public subscript(part: Int) -> TokenNoise {
    TokenNoise(key: Self.mixed(key ^ Self.mixed(UInt64(bitPattern: Int64(part)))))
  }

  /// A number in 0..<1, by its place.
  public func uniform(_ place: Int) -> Float { Float(self[place].key >> 40) * 0x1p-24 }

  /// Numbers in 0..<1 for places from 0 on.
  public func uniforms(_ count: Int) -> [Float] { (0..<count).map(uniform) }

  /// SplitMix64's step (Steele, Lea & Flood 2014), in which every bit of the input moves every bit.
  private static func mixed(_ seed: UInt64) -> UInt64 {
    var x = seed &+ 0x9e37_79b9_7f4a_7c15
    x = (x ^ (x >> 30)) &* 0xbf58_476d_1ce4_e5b9
    x = (x ^ (x >> 27)) &* 0x94d0_49bb_1331_11eb
    return x ^ (x >> 31)
  }
}
