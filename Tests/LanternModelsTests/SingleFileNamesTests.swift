import LanternFormats
@testable import LanternModels
import TestSupport
import Testing

/// Names of the original code and diffusers': tools/fixtures/single_file.py.
@Suite struct SingleFileNamesTests {
  private func names(_ kind: String) throws -> [String: String] {
    let all = try JSON.read(fixture("single_file/names.json")).object?[kind]?.object
    return try #require(all).compactMapValues(\.string)
  }

  @Test(
    "tensors of the published U-Nets and autoencoders have the names that diffusers converts them to, and back",
    arguments: ["sd1", "sdxl"])
  func published(kind: String) throws {
    let names = try names(kind)
    let (unet, vae) = ("model.diffusion_model.", "first_stage_model.")
    let all = Set(names.keys)
    let layout = UNetLayout(original: { all.contains(unet + $0) })
    let folder = Set(names.values)
    #expect(layout == UNetLayout(diffusers: folder.contains))
    let codec = AutoencoderLayout(original: { all.contains(vae + $0) })
    #expect(codec == AutoencoderLayout(diffusers: folder.contains))
    for (original, expected) in names {
      let isUNet = original.hasPrefix(unet)
      let table = isUNet ? layout.names : codec.names
      let prefix = isUNet ? unet : vae
      #expect(table(String(original.dropFirst(prefix.count))) == expected)
      #expect(table.inverse(expected).map { prefix + $0 } == original)
    }
    #expect(names.count > 500)
  }
}
