import Foundation
import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// ControlNets in files without settings. Fixtures by tools/fixtures/control_names.py (diffusers).
@Suite struct ControlNetFileTests {
  /// A model of the fixture: its settings, and of each tensor LDM's name, diffusers' and the shape.
  private func model(_ kind: String) throws -> (
    settings: [String: JSONValue], tensors: [(original: String, name: String, shape: [Int])]
  ) {
    let all = try #require(try JSON.read(fixture("control_names.json")).object?[kind]?.object)
    let tensors = try #require(all["names"]?.array).map { row in
      let cells = try #require(row.array)
      let shape = try #require(cells[2].array).compactMap(\.integer)
      return (try #require(cells[0].string), try #require(cells[1].string), shape)
    }
    return (try #require(all["settings"]?.object), tensors)
  }

  @Test(
    "every tensor in LDM's names gets diffusers' name",
    arguments: ["small", "sd1", "sd2", "xl"], ["control_model.", ""])
  func renaming(kind: String, prefix: String) throws {
    let tensors = try model(kind).tensors
    let bare = "control_model.".count
    let file = NamedShapes(tensors.map { (prefix + $0.original.dropFirst(bare), $0.shape) })
    let renamed = try #require(ControlNetModelConfig.renamed(file))
    #expect(Set(renamed.names) == Set(tensors.map(\.name)))
    for (_, name, shape) in tensors { #expect(renamed.info(name)?.shape == shape, "\(name)") }
    // A file in diffusers' names is taken as it is.
    let own = NamedShapes(tensors.map { ($0.name, $0.shape) })
    #expect(try #require(ControlNetModelConfig.renamed(own)).names == own.names)
  }

  @Test(
    "settings read off the shapes are those that diffusers writes",
    arguments: ["small", "sd1", "sd2", "xl"])
  func settings(kind: String) throws {
    let (settings, tensors) = try model(kind)
    let found = try ControlNetModelConfig(NamedShapes(tensors.map { ($0.name, $0.shape) }))
    let wanted = try ControlNetModelConfig(Config(settings, file: "config.json"))
    // All fields as text: they are of many types.
    #expect("\(found)" == "\(wanted)")
  }

  @Test("a file in LDM's names and diffusers' folder of the same numbers give the same residuals")
  func residuals() throws {
    let (settings, tensors) = try model("small")
    var numbers = TorchGenerator(seed: 3)
    let weights = try tensors.map { row in
      (row, try numbers.normal(row.shape) * 0.1)
    }
    func residuals(_ network: any ControlNetwork) throws -> [Tensor] {
      var numbers = TorchGenerator(seed: 4)
      let predict = try network.conditioned(
        on: Conditioning(states: numbers.normal([1, 5, 768])), hint: numbers.normal([1, 32, 32, 3]))
      return try predict(numbers.normal([1, 8, 8, 4]), 500).skips
    }
    try withTemporaryFolder { folder in
      let path = "\(folder)/control.safetensors"
      try SafetensorsFile.write(
        weights.map { ($0.0.original, $0.1) }.sorted { $0.0 < $1.0 }, to: path)
      let row = try #require(ModelCatalogue.controlFiles.first)
      let file = try #require(try row.model(of: SafetensorsFile(path), .exact))
      try SafetensorsFile.write(
        weights.map { ($0.0.name, $0.1) }.sorted { $0.0 < $1.0 }, to: "\(folder)/model.safetensors")
      let make = try #require(ModelCatalogue.controlNetworks["ControlNetModel"])
      let archive = try TensorArchive(folder: folder, stems: ["model"])
      let own = try make(Config(settings, file: "config.json"), Weights(archive))
      #expect(file.residualChannels == own.residualChannels)
      for (a, b) in zip(try residuals(file), try residuals(own)) {
        #expect(try a.floats() == b.floats())
      }
    }
  }

  @Test("differences to a model's weights, pooled results and damaged files are refused by name")
  func refusals() throws {
    let (settings, tensors) = try model("small")
    func complaint(_ more: [(name: String, shape: [Int])]) -> String {
      do {
        _ = try ControlNetModelConfig(NamedShapes(more + tensors.map { ($0.name, $0.shape) }))
        return "read"
      } catch { return "\(error)" }
    }
    #expect(complaint([("difference", [])]).contains("difference to a model's own weights"))
    #expect(complaint([("lora_controlnet", [])]).contains("difference to a model's own weights"))
    #expect(complaint([("conv_in.weight", [])]) == "read")
    for (key, value) in [
      ("global_pool_conditions", JSONValue.bool(true)), ("conditioning_channels", .integer(1)),
      ("controlnet_conditioning_channel_order", "rbg"),
      ("conditioning_embedding_out_channels", .array([])),
    ] {
      var other = settings
      other[key] = value
      do {
        _ = try ControlNetModelConfig(Config(other, file: "config.json"))
        Issue.record("\(key)")
      } catch { #expect("\(error)".contains(key)) }
    }
    for names in [
      ["controlnet_cond_embedding.conv_in.weight"], ["input_hint_block.0.weight", "."],
    ] {
      let file = NamedShapes(names.map { ($0, [2, 2]) })
      let renamed = try #require(ControlNetModelConfig.renamed(file))
      #expect(throws: ModelError.self) { _ = try ControlNetModelConfig(renamed) }
    }
  }
}
