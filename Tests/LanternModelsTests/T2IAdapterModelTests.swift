import Foundation
import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// T2I-Adapters against diffusers', in folders and in TencentARC's files. Fixtures by
/// tools/fixtures/tiny_adapter.py.
@Suite struct T2IAdapterModelTests {
  private static let tiny = ["full", "grey", "light", "xl"]
  private static let real = ["sd full", "sd sketch", "sd light", "sdxl full"]

  private func file() throws -> SafetensorsFile {
    try SafetensorsFile(fixture("tiny_adapter.safetensors"))
  }

  /// Settings of an adapter, and of each tensor TencentARC's name, diffusers' and the shape.
  private func model(_ kind: String) throws -> (
    settings: [String: JSONValue], tensors: [(original: String, name: String, shape: [Int])]
  ) {
    let text = try #require(try file().metadata["names"])
    let all = try #require(try JSON.parse(text: text, file: "names").object?[kind]?.object)
    let tensors = try #require(all["names"]?.array).map { row in
      let cells = try #require(row.array)
      let shape = try #require(cells[2].array).compactMap(\.integer)
      return (try #require(cells[0].string), try #require(cells[1].string), shape)
    }
    return (try #require(all["settings"]?.object), tensors)
  }

  private func adapter(_ kind: String) throws -> T2IAdapter {
    let folder = fixture("tiny_adapter/\(kind)")
    let archive = try TensorArchive(folder: folder, stems: ["diffusion_pytorch_model"])
    return try T2IAdapter(
      T2IAdapterConfig(Config(path: "\(folder)/config.json")), Weights(archive))
  }

  private func residuals(_ network: any ControlNetwork, _ kind: String) throws -> [Tensor] {
    let hint = try #require(try file().tensor("\(kind).hint")).permuted([0, 2, 3, 1]).contiguous()
    let colours = try Tensor.concatenated(
      Array(repeating: hint, count: 3 / network.hintChannels), axis: 3)
    let none = try Conditioning(states: Tensor(repeating: 0, shape: [1, 1, 1]))
    return try network.conditioned(on: none, hint: colours)(hint, 1).blocks
  }

  @Test("residuals equal diffusers' within 1e-5, of odd sizes too", arguments: tiny)
  func parity(kind: String) throws {
    let network = try adapter(kind)
    let found = try residuals(network, kind)
    #expect(found.count == (kind == "light" ? 3 : 2))
    for (index, residual) in found.enumerated() {
      let wanted = try #require(try file().tensor("\(kind).feature.\(index)"))
      try expectEqual(
        residual, wanted.permuted([0, 2, 3, 1]).contiguous(), relative: 1e-5, "\(kind) \(index)")
      let place = network.blockResiduals[index]
      #expect(residual.shape[3] == place.channels)
      #expect(residual.shape[2] == (80 + place.downsampling - 1) / place.downsampling)
    }
  }

  @Test(
    "a file in TencentARC's names and the folder of the same numbers are the same", arguments: tiny)
  func original(kind: String) throws {
    let archive = try TensorArchive(
      folder: fixture("tiny_adapter/\(kind)"), stems: ["diffusion_pytorch_model"])
    let rows = try model(kind).tensors
    try withTemporaryFolder { folder in
      for isOriginal in [true, false] {
        let path = "\(folder)/adapter\(isOriginal).safetensors"
        try SafetensorsFile.write(
          rows.map { row in
            (isOriginal ? row.original : row.name, try #require(try archive.tensor(row.name)))
          }.sorted { $0.0 < $1.0 }, to: path)
        let found = try ModelCatalogue.controlFiles.compactMap {
          try $0.model(of: SafetensorsFile(path), .exact)
        }
        let network = try #require(found.first)
        #expect(found.count == 1)
        for (a, b) in zip(
          try residuals(network, kind), try residuals(adapter(kind), kind))
        {
          #expect(try a.floats() == b.floats())
        }
      }
    }
  }

  @Test("names and settings of the real sizes are those of diffusers", arguments: tiny + real)
  func names(kind: String) throws {
    let (settings, tensors) = try model(kind)
    let original = NamedShapes(tensors.map { ($0.original, $0.shape) })
    let renamed = try #require(T2IAdapterConfig.renamed(original))
    #expect(Set(renamed.names) == Set(tensors.map(\.name)))
    for (_, name, shape) in tensors { #expect(renamed.info(name)?.shape == shape, "\(name)") }
    #expect(
      try T2IAdapterConfig(renamed) == T2IAdapterConfig(Config(settings, file: "config.json")))
    #expect(CheckpointKind(names: original.names)?.name.contains("T2I-Adapter") == true)
  }

  @Test("a residual for the middle is added behind it, as diffusers does")
  func middle() throws {
    let folder = fixture("tiny_xl/unet")
    let archive = try TensorArchive(folder: folder, stems: ["diffusion_pytorch_model"])
    let unet = try UNet2DConditionModel(
      UNet2DConditionConfig(Config(path: "\(folder)/config.json")), Weights(archive))
    func tensor(_ name: String) throws -> Tensor {
      let tensor = try #require(try file().tensor("middle.\(name)"))
      return try tensor.rank == 4 ? tensor.permuted([0, 2, 3, 1]).contiguous() : tensor
    }
    var conditioning = Conditioning(
      states: try tensor("states"), pooled: try tensor("pooled"),
      sizes: Array(repeating: [64, 64, 0, 0, 64, 64], count: 2))
    let residuals = ControlResiduals(blocks: try (0..<3).map { try tensor("residual.\($0)") })
    #expect(
      zip(residuals.blocks, unet.blockResiduals).allSatisfy { $0.shape[3] == $1.channels })
    conditioning.residuals = { _, _ in residuals }
    let found = try unet.conditioned(on: conditioning)(tensor("latent"), 500)
    try expectEqual(found, tensor("prediction"), relative: 1e-5, "prediction")
  }

  @Test("settings and files that make no adapter are refused by name")
  func refusals() throws {
    let (settings, tensors) = try model("full")
    for (key, value) in [
      ("adapter_type", JSONValue.string("style_adapter")), ("in_channels", .integer(4)),
      ("channels", .array([])), ("channels", .array([.integer(2), .integer(-8)])),
      ("downscale_factor", .integer(0)), ("num_res_blocks", .integer(1 << 40)),
    ] {
      do {
        _ = try T2IAdapterConfig(
          Config(settings.merging([key: value]) { $1 }, file: "config.json"))
        Issue.record("\(key)")
      } catch { #expect("\(error)".contains(key)) }
    }
    func complaint(_ tensors: [(name: String, shape: [Int])]) throws -> String {
      let file = try #require(T2IAdapterConfig.renamed(NamedShapes(tensors)))
      do {
        _ = try T2IAdapterConfig(file)
        return "read"
      } catch { return "\(error)" }
    }
    let original = tensors.map { ($0.original, $0.shape) }
    #expect(try complaint(original) == "read")
    #expect(try complaint(original + [("body.0.skep.weight", [8, 8, 1, 1])]).contains("skep"))
    #expect(
      try complaint([("body.0.block1.weight", [8]), ("conv_in.weight", [8, 100, 3, 3])])
        .contains("100 channels"))
    #expect(
      try complaint([("body.0.body.0.block1.weight", []), ("body.0.in_conv.weight", [2, 192])])
        .contains("of 0 channels"))
  }
}
