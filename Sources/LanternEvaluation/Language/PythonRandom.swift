import LanternPlatform
import LanternTensor

/// The choices that `random.Random(seed)` of Python makes.
struct PythonRandom {
  private var twister: MersenneTwister

  init(seed: UInt64) {
    let (low, high) = (UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32))
    twister = MersenneTwister(seeds: high == 0 ? [low] : [low, high])
  }

  /// As `sample(range(count), k)`; all in some order where `k` is more.
  mutating func sample(_ k: Int, of count: Int) -> [Int] {
    let k = min(k, count)
    guard k > 0 else { return [] }
    // Beyond about this many, a list of all is dearer than a set of those that were drawn.
    let power = k > 5 ? Int(pow(4, (log(Double(k * 3)) / log(4)).rounded(.up))) : 0
    guard count <= 21 + power else {
      var drawn: [Int] = []
      while drawn.count < k {
        let number = below(count)
        if !drawn.contains(number) { drawn.append(number) }
      }
      return drawn
    }
    var pool = Array(0..<count)
    return (0..<k).map { taken in
      let place = below(count - taken)
      defer { pool[place] = pool[count - taken - 1] }
      return pool[place]
    }
  }

  /// As `randrange(bound)`, for bounds of up to 32 bits.
  private mutating func below(_ bound: Int) -> Int {
    let bits = Int.bitWidth - bound.leadingZeroBitCount
    while true {
      let number = Int(twister.next() >> UInt32(32 - min(bits, 32)))
      if number < bound { return number }
    }
  }
}
