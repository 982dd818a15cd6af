import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Files that PyTorch wrote: tools/fixtures/float8.py.
@Suite struct Float8Tests {
  private static let types = ["e4m3", "e5m2"]
  private let file: SafetensorsFile

  init() throws { file = try SafetensorsFile(fixture("float8.safetensors")) }

  private func tensor(_ name: String) throws -> Tensor { try #require(try file.tensor(name)) }

  @Test("all 256 bytes are the numbers that they are in PyTorch", arguments: types)
  func everyByte(type: String) throws {
    let found = try tensor("\(type).every")
    #expect(found.dtype == .float16)
    let wanted = try tensor("\(type).floats").floats()
    for (byte, (a, b)) in try zip(found.floats(), wanted).enumerated() {
      #expect(a.isNaN ? b.isNaN : a.bitPattern == b.bitPattern, "\(byte)")
    }
  }

  @Test("weights stored so multiply as PyTorch multiplies their numbers", arguments: types)
  func product(type: String) throws {
    let weight = try tensor("\(type).weight")
    let wanted = try tensor("\(type).y").floats()
    for (precision, tolerance) in [(Precision.exact, 2e-6 as Float), (.fast, 3e-3), (.int8, 3e-2)] {
      let form = precision.form(of: weight.dtype, inputs: 64, outputs: 20)
      let found = try tensor("x").linear(PackedMatrix(weight, as: form)).floats()
      let largest = wanted.map(abs).max() ?? 0
      for (a, b) in zip(found, wanted) {
        #expect(abs(a - b) <= tolerance * largest, "\(form.name)")
      }
    }
  }

  @Test("a checkpoint of PyTorch's, whose storages have no type, has the same", arguments: types)
  func checkpoint(type: String) throws {
    let checkpoint = try TorchFile(fixture("float8.pt"))
    #expect(checkpoint.info("\(type).weight")?.dtype == file.info("\(type).weight")?.dtype)
    let weight = try tensor("\(type).weight").converted(to: .float32)
    #expect(try checkpoint.tensor("\(type).weight")?.floats() == weight.floats())
    let turned = try #require(try checkpoint.tensor("\(type).turned"))
    let wanted = try weight.sliced(axis: 0, 3..<20).sliced(axis: 1, 5..<64).transposed(0, 1)
    #expect(try turned.shape == [59, 17] && turned.floats() == wanted.floats())
  }
}
