import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Against `tools/fixtures/torch_generator.py`: torch.randn of PyTorch 2.15 on the CPU.
@Suite("TorchGenerator")
struct TorchGeneratorTests {
  @Test(
    "a sequence of calls of all sizes draws what torch.randn draws",
    arguments: [
      "0": 0, "1": 1, "42": 42, "123456789": 123_456_789, "4294967295": 0xffff_ffff,
      "4294967301": 0x1_0000_0005, "9223372036854775819": 0x8000_0000_0000_000b,
      "-1": UInt64.max, "-7": UInt64.max - 6,
    ])
  func drawsLikeTorch(name: String, seed: UInt64) throws {
    let file = try SafetensorsFile(fixture("torch_generator.safetensors"))
    let sizes = (file.metadata["sizes"] ?? "").split(separator: ",").compactMap { Int($0) }
    let expected = try #require(try file.tensor(name)).floats()
    var generator = TorchGenerator(seed: seed)
    var found: [Float] = []
    for size in sizes {
      let drawn = try generator.normal([size]).floats()
      #expect(drawn.count == size)
      found += size <= 200 ? drawn : drawn.prefix(100) + drawn.suffix(100)
    }
    expectEqual(found, expected, relative: 2e-6)
    // Numbers far from zero by their own size, those near it by that of the rest.
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 2e-6 })
  }

  @Test("seed 42 begins as everyone's notebook does")
  func beginsAsKnown() throws {
    var generator = TorchGenerator(seed: 42)
    let drawn = try generator.normal([1, 4, 64, 64]).floats()
    expectEqual(
      Array(drawn.prefix(6)), [1.9269, 1.4873, 0.9007, -2.1055, 0.6784, -1.2345], relative: 1e-4)
  }

  @Test("only the low 32 bits of a seed count, as in PyTorch")
  func usesLowBits() throws {
    var low = TorchGenerator(seed: 5)
    var high = TorchGenerator(seed: 0xabcd_0000_0005)
    #expect(try low.normal([40]).floats() == high.normal([40]).floats())
  }

  @Test("the stream is a value: a copy goes its own way")
  func isAValue() throws {
    var first = TorchGenerator(seed: 9)
    _ = try first.normal([3])
    var second = first
    let ahead = try first.normal([21]).floats()
    _ = try first.normal([700])
    #expect(try second.normal([21]).floats() == ahead)
  }

  @Test("the shape matters not for the numbers, and may be empty or impossible")
  func takesAnyShape() throws {
    var flat = TorchGenerator(seed: 3)
    var deep = TorchGenerator(seed: 3)
    let drawn = try deep.normal([2, 3, 5])
    #expect(drawn.shape == [2, 3, 5])
    #expect(try drawn.floats() == flat.normal([30]).floats())
    #expect(try deep.normal([0, 4]).floats().isEmpty)
    #expect(try deep.normal([]).floats() == flat.normal([1]).floats())
    #expect(throws: TensorError.size(shape: [2, -1])) { try deep.normal([2, -1]) }
  }
}
