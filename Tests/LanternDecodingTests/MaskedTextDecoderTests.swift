import LanternDecoding
import LanternPlatform
import LanternTensor
import Testing

/// How many masked tokens a step fills in.
@Suite struct MaskedTextDecoderTests {
  @Test(
    "all tokens from a threshold's probability on are filled in at once, and one where none is",
    arguments: [(0.55, [3, 1]), (0.65, [2, 1, 1]), (0.85, [1, 1, 1, 1]), (0.99, [1, 1, 1, 1])])
  func threshold(_ threshold: Double, _ filled: [Int]) throws {
    let probabilities = [0.6, 0.7, 0.8, 0.3]
    let decoder = MaskedTextDecoder(steps: 4, blockLength: 4, threshold: threshold)
    var counts: [Int] = []
    try decoder.fill(behind: [0], count: 4, mask: 2, noise: TokenNoise(seed: 0)) { ids, positions in
      counts.append(ids.count { $0 == 2 })
      // Of three tokens the second has the probability, and the others share the rest.
      let rows = positions.map { position in
        let p = probabilities[position - 1]
        return [log((1 - p) * 0.7), log(p), log((1 - p) * 0.3)].map { Float($0) }
      }
      return try Tensor(rows.flatMap(\.self), shape: [4, 3])
    } onBlock: { _ in
      true
    }
    counts.append(0)
    #expect(zip(counts, counts.dropFirst()).map { $0 - $1 } == filled)
  }
}
