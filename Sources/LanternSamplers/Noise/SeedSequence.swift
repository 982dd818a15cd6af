/// A seed sequence: 32-bit words hashed from a seed and a spawn key. NumPy's `SeedSequence` with a pool of
/// 24 words, which torchsde draws its seeds from.
struct SeedSequence {
  private static let poolSize = 24
  private var pool: [UInt32]

  /// Hashes a seed and a spawn key.
  ///
  /// - Parameters:
  ///   - entropy: the seed.
  ///   - key: the spawn key; empty for the sequence of the seed itself.
  init(entropy: UInt64, key: [UInt64] = []) {
    var words = Self.split(entropy)
    if !key.isEmpty {
      words += [UInt32](repeating: 0, count: max(Self.poolSize - words.count, 0))
      words += key.flatMap(Self.split)
    }
    var multiplier: UInt32 = 0x43b0_d7e5
    func hashed(_ word: UInt32) -> UInt32 {
      let mixed = word ^ multiplier
      multiplier = multiplier &* 0x931e_8875
      let product = mixed &* multiplier
      return product ^ (product >> 16)
    }
    func mixed(_ x: UInt32, _ y: UInt32) -> UInt32 {
      let product = (x &* 0xca01_f9dd) &- (y &* 0x4973_f715)
      return product ^ (product >> 16)
    }
    pool = (0..<Self.poolSize).map { hashed($0 < words.count ? words[$0] : 0) }
    for source in pool.indices {
      for target in pool.indices where target != source {
        pool[target] = mixed(pool[target], hashed(pool[source]))
      }
    }
    for word in words.dropFirst(Self.poolSize) {
      for target in pool.indices { pool[target] = mixed(pool[target], hashed(word)) }
    }
  }

  /// The first words of the sequence.
  func words(_ count: Int) -> [UInt32] {
    var multiplier: UInt32 = 0x8b51_f9dd
    return (0..<count).map { index in
      let word = pool[index % pool.count] ^ multiplier
      multiplier = multiplier &* 0x58f3_8ded
      let product = word &* multiplier
      return product ^ (product >> 16)
    }
  }

  /// The 32-bit words of an integer, the lowest first; one word for 0.
  private static func split(_ number: UInt64) -> [UInt32] {
    let words = [UInt32(truncatingIfNeeded: number), UInt32(truncatingIfNeeded: number >> 32)]
    return words[1] == 0 ? [words[0]] : words
  }
}
