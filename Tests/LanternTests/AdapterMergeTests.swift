import LanternFormats
import LanternLayers
import LanternTensor
import TestSupport
import Testing

/// Adapters of every kind, merged into small layers, and the same in float64:
/// tools/fixtures/adapter_merges.py.
@Suite struct AdapterMergeTests {
  private static let path = fixture("adapter_merges.safetensors")
  private static let cases = texts("cases").compactMap(\.string)
  private static let strengths = texts("strengths").compactMap(\.double)

  private static func texts(_ key: String) -> [JSONValue] {
    let text = (try? SafetensorsFile(path))?.metadata[key] ?? ""
    return (try? JSON.parse(text: text, file: key))?.array ?? []
  }

  private typealias Tensors = [(name: String, tensor: Tensor)]

  /// The tensors of the fixture whose names begin so, under the rest of their names.
  private func tensors(_ prefix: String) throws -> Tensors {
    let file = try SafetensorsFile(Self.path)
    return try file.names.filter { $0.hasPrefix(prefix) }.sorted().map {
      (String($0.dropFirst(prefix.count)), try #require(try file.tensor($0)))
    }
  }

  /// The small layers with an adapter.
  private func merged(
    _ adapter: Tensors, strength: Float, _ body: (Weights, Adapter) throws -> Void
  ) throws {
    try withTemporaryFolder { folder in
      try SafetensorsFile.write(try tensors("base."), to: "\(folder)/model.safetensors")
      try SafetensorsFile.write(adapter, to: "\(folder)/adapter.safetensors")
      let adapter = try Adapter(
        openTensorFile("\(folder)/adapter.safetensors"),
        strengths: Adapter.Strengths(denoiser: strength, textEncoder: 0))
      let archive = try TensorArchive(folder: folder, stems: ["model"])
      try body(Weights(archive, of: "unet", adding: [adapter]), adapter)
    }
  }

  @Test("each kind of adapter is merged as in float64, at each strength", arguments: cases)
  func merging(name: String) throws {
    #expect(Self.strengths == [1, 0.7, -0.5])
    for strength in Self.strengths {
      let adapter = try tensors("\(name)|").filter { $0.name.hasPrefix("lora_unet_") }
      try merged(adapter, strength: Float(strength)) { weights, adapter in
        let expected = try tensors("\(name)|\(strength)|")
        #expect(!expected.isEmpty)
        for (tensor, wanted) in expected {
          let found = try weights.tensor(tensor, wanted.shape)
          let worst = try expectEqual(
            found, wanted, relative: 1e-6, "\(name) \(strength) \(tensor)")
          tell("\(name), \(tensor) at \(strength)", isFrom: "float64", by: worst)
        }
        #expect(try adapter.checkFit() == nil)
      }
    }
  }

  @Test("what an adapter does not name stays as it is")
  func others() throws {
    let base = Dictionary(uniqueKeysWithValues: try tensors("base."))
    try merged(try tensors("lora with a core|").filter { $0.name.hasPrefix("lora_") }, strength: 1)
    {
      weights, _ in
      let plain = try #require(base["linear.weight"])
      #expect(try weights.tensor("linear.weight", plain.shape).floats() == plain.floats())
    }
  }

  @Test("a layer with a missing factor, and factors that do not fit, are errors that name them")
  func damaged() throws {
    func complaint(_ name: String, _ change: (inout [String: Tensor]) throws -> Void) -> String {
      do {
        var adapter = Dictionary(
          uniqueKeysWithValues: try tensors("\(name)|").filter { $0.name.hasPrefix("lora_unet_") })
        try change(&adapter)
        let sorted = adapter.sorted { $0.key < $1.key }.map { (name: $0.key, tensor: $0.value) }
        try merged(sorted, strength: 1) { weights, _ in
          _ = try weights.tensor("linear.weight", [6, 4])
          _ = try weights.tensor("conv.weight", [6, 4, 3, 3])
        }
        return ""
      } catch {
        return "\(error)"
      }
    }
    for (name, key) in [
      ("loha", "linear.hada_w2_a"), ("loha with cores", "conv.hada_t1"),
      ("lokr, product and whole", "linear.lokr_w1_b"),
      ("lokr, whole and core", "conv.lokr_w2_a"), ("lora with a core", "conv.lora_up.weight"),
    ] {
      let said = complaint(name) { $0["lora_unet_\(key)"] = nil }
      #expect(said.contains("without the rest of its layer"), "\(name): \(said)")
    }
    for (name, key, shape) in [
      ("loha", "linear.hada_w2_a", [6, 3]), ("loha with cores", "conv.hada_t1", [2, 2, 3]),
      ("lokr, whole and whole", "linear.lokr_w1", [3, 2]),
      ("lokr, whole and core", "conv.lokr_t2", [3, 2, 3, 3]),
      ("lora with a core", "conv.lora_mid.weight", [2, 2, 1, 1]),
      ("dora of lora, rows", "linear.dora_scale", [5, 1]), ("differences", "linear.diff", [4, 6]),
    ] {
      let said = complaint(name) {
        $0["lora_unet_\(key)"] = try Tensor(repeating: 1, shape: shape)
      }
      #expect(said.contains("\(key)\" has shape \(shape)"), "\(name): \(said)")
      #expect(said.contains("for another model"), "\(name): \(said)")
    }
    let said = complaint("dora of lora, rows") {
      $0["lora_unet_linear.dora_scale"] = try Tensor(repeating: .nan, shape: [6, 1])
    }
    #expect(said.contains("NaN"))
  }
}
