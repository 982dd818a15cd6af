import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// Fixtures by tools/fixtures/upscalers.py (spandrel).
@Suite struct UpscalerNetworkTests {
  private func network(_ file: any TensorFile) throws -> (name: String, any UpscalerNetwork)? {
    for row in ModelCatalogue.upscalers {
      if let network = try row.model(of: file, .exact) { return (row.name, network) }
    }
    return nil
  }

  @Test(
    "pictures equal those of spandrel, in each spelling, container and scale",
    arguments: [
      ("rrdb_x4.safetensors", "RRDBNet", 4), ("bsrgan.pth", "RRDBNet", 4),
      ("esrgan.safetensors", "RRDBNet", 4), ("realesrgan.pth", "RRDBNet", 4),
      ("rrdb_x2.pth", "RRDBNet", 2), ("rrdb_x1.pth", "RRDBNet", 1),
      ("compact_x4.pth", "SRVGGNetCompact", 4), ("compact_x2.safetensors", "SRVGGNetCompact", 2),
    ])
  func parity(file: String, architecture: String, scale: Int) throws {
    let reference = try SafetensorsFile(fixture("upscalers.safetensors"))
    let name = file.replacing(".", with: "_")
    func tensor(_ key: String) throws -> Tensor {
      try #require(try reference.tensor("\(name).\(key)")).permuted([0, 2, 3, 1]).contiguous()
    }
    let found = try #require(try network(openTensorFile(fixture("upscalers/\(file)"))))
    #expect(found.name == architecture && found.1.scale == scale)
    let difference = try expectEqual(
      found.1(tensor("picture")), tensor("enlarged"), relative: 1e-5, file)
    tell(file, isFrom: "spandrel", by: difference)
  }

  @Test("pixels that channels are spread over come back, and lie as PyTorch has them")
  func shuffling() throws {
    let x = try Tensor((0..<2 * 3 * 8).map(Float.init), shape: [1, 2, 3, 8])
    let wide = try x.pixelShuffled(by: 2)
    #expect(wide.shape == [1, 4, 6, 2])
    // Channel c of the result at the square's row i and column j is channel 4c + 2i + j.
    #expect(try wide.floats().prefix(4) == [0, 4, 1, 5])
    #expect(try wide.pixelUnshuffled(by: 2).floats() == x.floats())
    #expect(throws: TensorError.self) { try x.pixelShuffled(by: 3) }
    #expect(throws: TensorError.self) { try x.pixelUnshuffled(by: 2).pixelUnshuffled(by: 2) }
  }

  @Test("what makes no network is refused by what is wrong with it")
  func refusals() throws {
    func complaint(_ file: String, _ change: (inout [String: Tensor]) throws -> Void) throws
      -> String
    {
      let old = try SafetensorsFile(fixture("upscalers/\(file)"))
      var tensors: [String: Tensor] = [:]
      for name in old.names { tensors[name] = try old.tensor(name) }
      try change(&tensors)
      return try withTemporaryFolder { folder in
        let path = "\(folder)/a.safetensors"
        try SafetensorsFile.write(
          tensors.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, to: path)
        do {
          return try network(SafetensorsFile(path)) == nil ? "unknown" : "built"
        } catch let error as ModelError {
          return "\(error)"
        }
      }
    }
    let rrdb = "rrdb_x4.safetensors"
    let three = try Tensor(repeating: 0, shape: [3, 3, 1, 1])
    #expect(try complaint(rrdb) { $0["conv_last.bias"] = nil }.contains("conv_last.bias"))
    #expect(try complaint(rrdb) { $0["body.0.rdb1.conv1x1.weight"] = three }.contains("ESRGAN+"))
    #expect(try complaint(rrdb) { $0["conv_extra.weight"] = three }.contains("conv_extra.weight"))
    #expect(
      try complaint(rrdb) { $0["conv_first.weight"] = three }.contains("conv_first.weight"))
    #expect(
      try complaint(rrdb) {
        $0["conv_last.weight"] = try Tensor(repeating: 0, shape: [1, 8, 3, 3])
      }
      .contains("from 3 to 1 channels"))
    let compact = "compact_x2.safetensors"
    #expect(
      try complaint(compact) {
        $0["body.6.weight"] = try Tensor(repeating: 0, shape: [7, 8, 3, 3])
      }
      .contains("from 3 to 7 channels"))
    #expect(try complaint(compact) { $0["body.2.bias"] = nil }.contains("body.2.bias"))
    #expect(try complaint(compact) { $0 = [".": three, "": three] } == "unknown")
    #expect(
      try complaint(rrdb) { $0 = ["RRDB_trunk.0.RDB1.conv1.weight": three, "": three] }
        .contains("channels"))
  }
}
