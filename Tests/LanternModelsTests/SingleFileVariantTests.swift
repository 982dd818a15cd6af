import LanternFormats
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// What a model in one file is called, by the blocks of its U-Net.
@Suite struct SingleFileVariantTests {
  /// A U-Net that was published, and the blocks that it has.
  struct Published: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let context: Int
    /// Transformer blocks of the attentions of each level; 0 for none.
    let depths: [Int]
    let layers: Int
    /// Resnets of the middle.
    let middle: Int
    var channels = 4
  }

  static let published = [
    Published(
      testDescription: "BK-SDM-Small", context: 768, depths: [1, 1, 1, 0], layers: 1, middle: 0),
    Published(
      testDescription: "BK-SDM-Tiny", context: 768, depths: [1, 1, 1], layers: 1, middle: 0),
    Published(testDescription: "SDXS", context: 1024, depths: [0, 1, 1], layers: 1, middle: 0),
    Published(testDescription: "SSD-1B", context: 2048, depths: [0, 2, 4], layers: 2, middle: 1),
    Published(
      testDescription: "Segmind Vega", context: 2048, depths: [0, 1, 2], layers: 2, middle: 1),
    Published(
      testDescription: "KOALA-700M", context: 2048, depths: [0, 2, 5], layers: 1, middle: 0),
    Published(testDescription: "KOALA-1B", context: 2048, depths: [0, 2, 6], layers: 1, middle: 2),
    Published(
      testDescription: "inpainting", context: 768, depths: [1, 1, 1, 0], layers: 2, middle: 2,
      channels: 9),
    Published(
      testDescription: "InstructPix2Pix", context: 768, depths: [1, 1, 1, 0], layers: 2, middle: 2,
      channels: 8),
    Published(testDescription: "", context: 2048, depths: [0, 2, 10], layers: 2, middle: 2),
  ]

  /// Names and shapes of the tensors that tell.
  private func tensors(_ unet: Published) -> [(String, [Int])] {
    var all: [(String, [Int])] = [
      ("conv_in.weight", [1, unet.channels, 1, 1]), ("conv_out.weight", [4, 1, 1, 1]),
      ("x.attn2.to_k.weight", [1, unet.context]),
    ]
    if unet.context == 2048 { all.append(("add_embedding.linear_1.weight", [1, 2816])) }
    for (level, depth) in unet.depths.enumerated() {
      let block = "down_blocks.\(level)"
      all.append(("\(block).resnets.0.conv1.weight", [1, 1, 1, 1]))
      for resnet in 0..<unet.layers {
        all.append(("\(block).resnets.\(resnet).norm1.weight", [1]))
        guard depth > 0 else { continue }
        all.append(("\(block).attentions.\(resnet).norm.weight", [1]))
        all += (0..<depth).map {
          ("\(block).attentions.\(resnet).transformer_blocks.\($0).norm1.weight", [1])
        }
      }
    }
    return all + (0..<unet.middle).map { ("mid_block.resnets.\($0).norm1.weight", [1]) }
  }

  @Test(
    "published U-Nets that were distilled, or have other inputs, are told", arguments: published)
  func variants(unet: Published) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/any.safetensors"
      try SafetensorsFile.write(
        tensors(unet).map { name, shape in
          (name: "unet.\(name)", tensor: try Tensor(repeating: 0, shape: shape))
        }, to: path)
      let file = try SingleFile(openTensorFile(path), tokenizer: folder)
      #expect(file.variant ?? "" == unet.testDescription)
    }
  }
}
