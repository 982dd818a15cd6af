import Foundation
import Lantern
import LanternFormats
import LanternLayers
import LanternModels
import LanternPictures
import LanternTensor
import TestSupport
import Testing

/// Pictures decoded by TAESD in place of the model's own decoder; tools/fixtures/autoencoder_tiny.py makes it.
@Suite struct TinyDecoderTests {
  /// The decoder's tensors, with names as `rename` makes them; nil leaves one out.
  private func tensors(_ rename: (String) -> String?) throws -> [(name: String, tensor: Tensor)] {
    let file = try SafetensorsFile(fixture("autoencoder_tiny.safetensors"))
    let start = "taesd.weights."
    return try file.names.filter { $0.hasPrefix(start) }.sorted().compactMap { name in
      guard let new = rename(String(name.dropFirst(start.count))) else { return nil }
      return (new, try #require(try file.tensor(name)))
    }
  }

  /// TAESD's own names: a clamp is the decoder's layer 0.
  private static func original(_ name: String, prefix: String) -> String? {
    let parts = name.split(separator: ".", maxSplits: 3)
    guard let layer = Int(parts[2]) else { return nil }
    if parts[0] == "encoder" { return prefix.isEmpty ? nil : "encoder.\(layer).\(parts[3])" }
    return "\(prefix)\(layer + 1).\(parts[3])"
  }

  /// Runs `body` with a folder and three files of one decoder.
  private func withDecoders(_ body: ([String]) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let all = try tensors { $0 }
      try SafetensorsFile.write(all, to: "\(folder)/diffusion_pytorch_model.safetensors")
      let sides = "[8, 8, 8, 8]"
      try """
      {"_class_name": "AutoencoderTiny", "encoder_block_out_channels": \(sides),
       "decoder_block_out_channels": \(sides)}
      """.write(toFile: "\(folder)/config.json", atomically: true, encoding: .utf8)
      try SafetensorsFile.write(
        tensors { $0.hasPrefix("decoder.") ? $0 : nil }, to: "\(folder)/decoder.safetensors")
      for (name, prefix) in [("taesd_decoder", ""), ("taesd", "decoder.")] {
        try SafetensorsFile.write(
          tensors { Self.original($0, prefix: prefix) }, to: "\(folder)/\(name).safetensors")
      }
      try body(
        [folder]
          + ["decoder", "taesd_decoder", "taesd"].map { "\(folder)/\($0).safetensors" })
    }
  }

  @Test(
    "a folder and files in each spelling decode the latents that the model's own denoiser makes")
  func spellings() throws {
    let reference = try TinyPipeline()
    let request = try reference.request("text")
    let plain = Trace()
    let own = try ImageGenerator(folder: TinyPipeline.folder, precision: .exact)
      .draw(request, trace: plain)
    try withDecoders { decoders in
      let latents = try withTemporaryFolder { folder in
        try plain.write(to: "\(folder)/a.safetensors")
        return try #require(try SafetensorsFile("\(folder)/a.safetensors").tensor("latents"))
      }
      let last = try latents.sliced(axis: 0, latents.shape[0] - 1..<latents.shape[0])
        .permuted([0, 2, 3, 1]).contiguous()
      let config = try Config(path: "\(decoders[0])/config.json")
      let archive = try TensorArchive(folder: decoders[0], stems: ["diffusion_pytorch_model"])
      let codec = try AutoencoderTiny(AutoencoderTinyConfig(config), Weights(archive))
      let expected = try Picture(codec.decode(last).scaled(by: 0.5, plus: 0.5))
      #expect(expected != own.picture)
      for decoder in decoders {
        let generator = try ImageGenerator(
          folder: TinyPipeline.folder, tinyDecoder: decoder, precision: .exact)
        var previews = 0
        let image = try generator.draw(request) { step in
          if step.number == step.count, try step.preview(every: 1) == expected { previews += 1 }
        }
        #expect(image.picture == expected, "\(decoder)")
        #expect(previews == 1, "\(decoder)")
        #expect(image.recipe.tinyDecoder == LoRA(decoder).name)
      }
      #expect(own.recipe.tinyDecoder == nil)
    }
  }

  @Test("a decoder of other latents, an encoder and other files are refused by what they are")
  func refusals() throws {
    func complaint(_ path: String) -> String {
      do {
        _ = try ImageGenerator(folder: TinyPipeline.folder, tinyDecoder: path)
        return "built"
      } catch { return "\(error)" }
    }
    try withTemporaryFolder { folder in
      func write(_ tensors: [(name: String, tensor: Tensor)]) throws -> String {
        try SafetensorsFile.write(tensors, to: "\(folder)/a.safetensors")
        return "\(folder)/a.safetensors"
      }
      let file = try SafetensorsFile(fixture("autoencoder_tiny.safetensors"))
      let start = "mixed.weights."
      let mixed = try file.names.filter { $0.hasPrefix(start) }.map {
        (name: String($0.dropFirst(start.count)), tensor: try #require(try file.tensor($0)))
      }
      #expect(complaint(try write(mixed)).contains("latents of 6 channels, 2 pixels a side"))
      let encoder = try tensors { $0.hasPrefix("encoder.") ? String($0.dropFirst(15)) : nil }
      #expect(complaint(try write(encoder)).contains("files of AutoencoderTiny"))
      let torn = try tensors { $0 == "decoder.layers.4.conv.2.bias" ? nil : $0 }
      #expect(complaint(try write(torn)).contains("decoder.layers.4.conv.2.bias"))
      let empty = [("decoder.layers.0.weight", try Tensor(repeating: 0, shape: [1]))]
      #expect(complaint(try write(empty)).contains("a.safetensors"))
    }
    let vae = fixture("tiny_pipeline/vae")
    for path in [vae, vae + "/diffusion_pytorch_model.safetensors"] {
      #expect(complaint(path).contains("is a whole autoencoder ("), "\(complaint(path))")
    }
    #expect(complaint("none.safetensors").contains("none.safetensors"))
    #expect(complaint(fixture("tiny_pipeline")).contains("config.json"))
  }
}
