import Lantern
import LanternTensor
import TestSupport
import Testing

@Suite struct PromptWeightsTests {
  @Test("weights scale each token's embedding, and the mean stays")
  func weights() throws {
    let x = try Tensor([1, 2, 3, 4, 5, 9] as [Float], shape: [1, 3, 2])
    let weighted = try x.weighted(by: [1, 2, 0.5])
    // Weighted sum 3 + 14 + 7 = 24 as the sum was, so nothing else changes.
    try expectEqual(
      weighted, Tensor([1, 2, 6, 8, 2.5, 4.5] as [Float], shape: [1, 3, 2]), relative: 1e-6)
    let louder = try x.weighted(by: [1, 2, 1])
    try expectEqual(
      louder,
      Tensor(([1, 2, 6, 8, 5, 9] as [Float]).map { $0 * 24 / 31 }, shape: [1, 3, 2]),
      relative: 1e-6)
  }

  @Test("weights of 1 change no bit, and a vanishing mean does no harm")
  func edges() throws {
    let x = try Tensor([1, -1, 0.1, 7] as [Float], shape: [1, 2, 2])
    #expect(try x.weighted(by: [1, 1]).floats() == x.floats())
    #expect(try x.weighted(by: [0, 0]).floats() == [0, 0, 0, 0])
    #expect(throws: TensorError.self) { try x.weighted(by: [1]) }
  }
}
