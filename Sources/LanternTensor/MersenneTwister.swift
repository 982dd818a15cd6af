/// The integers of 32 bits of the Mersenne Twister MT19937 (Matsumoto & Nishimura 1998).
package struct MersenneTwister: Sendable {
  private var state: [UInt32]
  private var position = size

  private static let size = 624

  /// Starts the stream as `init_genrand`.
  package init(seed: UInt32) {
    state = [UInt32](repeating: 0, count: Self.size)
    state[0] = seed
    for index in 1..<Self.size {
      let last = state[index - 1]
      state[index] = 1_812_433_253 &* (last ^ (last >> 30)) &+ UInt32(index)
    }
  }

  /// Starts the stream as `init_by_array`; one number at least.
  package init(seeds: [UInt32]) {
    self.init(seed: 19_650_218)
    var (index, number) = (1, 0)
    func mixed(_ factor: UInt32) -> UInt32 {
      let last = state[index - 1]
      return state[index] ^ (last ^ (last >> 30)) &* factor
    }
    func step() {
      index += 1
      guard index == Self.size else { return }
      state[0] = state[Self.size - 1]
      index = 1
    }
    for _ in 0..<max(Self.size, seeds.count) {
      state[index] = mixed(1_664_525) &+ seeds[number] &+ UInt32(number)
      number = (number + 1) % seeds.count
      step()
    }
    for _ in 1..<Self.size {
      state[index] = mixed(1_566_083_941) &- UInt32(index)
      step()
    }
    state[0] = 0x8000_0000
  }

  /// The next integer.
  package mutating func next() -> UInt32 {
    if position == Self.size { twist() }
    var word = state[position]
    position += 1
    word ^= word >> 11
    word ^= (word << 7) & 0x9d2c_5680
    word ^= (word << 15) & 0xefc6_0000
    return word ^ (word >> 18)
  }

  private mutating func twist() {
    for index in 0..<Self.size {
      let joined =
        (state[index] & 0x8000_0000) | (state[(index + 1) % Self.size] & 0x7fff_ffff)
      let mixed = (joined >> 1) ^ (joined & 1 == 0 ? 0 : 0x9908_b0df)
      state[index] = state[(index + 397) % Self.size] ^ mixed
    }
    position = 0
  }
}
