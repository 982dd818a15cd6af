import Foundation
import Lantern
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// SDXL's autoencoder has activations beyond 65,504, the largest number of 16 bits, and is known for black
/// pictures.
@Suite("Large activations") struct LargeActivationTests {
  /// Multiplies what the decoder's blocks hand on by `factor`; the norms at their ends take it away again.
  private func enlarge(_ folder: String, by factor: Float) throws {
    let path = folder + "/vae/diffusion_pytorch_model.safetensors"
    let file = try SafetensorsFile(path)
    let tensors = try file.names.map { name in
      let stored = try #require(try file.tensor(name)).converted(to: .float32)
      let isDecoder = name.hasPrefix("decoder.")
      let handsOn = ["decoder.conv_in.", ".conv2.", ".to_out.0.", ".conv_shortcut."].contains {
        name.contains($0)
      }
      let isAdded = name.contains("upsamplers") && name.hasSuffix("bias")
      let scale = isDecoder && (handsOn || isAdded) ? factor : 1
      return (name: name, tensor: try stored * scale)
    }
    try SafetensorsFile.write(tensors, to: path)
  }

  @Test(
    "a decoder whose activations are beyond 16 bits draws what it draws with small ones",
    arguments: Precision.allCases, [false, true])
  func decoder(precision: Precision, isTiled: Bool) throws {
    try withTemporaryFolder { root in
      var pictures: [[UInt8]] = []
      for factor: Float in [1, 0x1p20] {
        let folder = "\(root)/\(factor)"
        try FileManager.default.copyItem(atPath: fixture("tiny_xl"), toPath: folder)
        try enlarge(folder, by: factor)
        var request = ImageRequest(prompt: "a fox")
        (request.steps, request.seed, request.tiledDecoding) = (2, 7, isTiled)
        let generator = try ImageGenerator(folder: folder, precision: precision)
        pictures.append(try generator.draw(request).picture.pixels)
      }
      let worst = zip(pictures[0], pictures[1]).map { abs(Int($0) - Int($1)) }.max() ?? 255
      #expect(worst <= 1, "\(worst)/255")
      #expect(Set(pictures[1]).count > 100)
    }
  }
}
