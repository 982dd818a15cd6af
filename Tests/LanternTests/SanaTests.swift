import Lantern
import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// Whole pictures of SANA against those of diffusers: tools/fixtures/tiny_sana.py.
@Suite struct SanaTests {
  @Test(
    "SANA and SANA-Sprint draw what their pipelines draw: latents within 1e-4, pictures within 1/255",
    arguments: TinyPipeline.names(of: "tiny_sana"))
  func parity(name: String) throws {
    let reference = try TinyPipeline("tiny_sana")
    let trace = Trace()
    let image = try reference.withGenerator(name) { generator in
      try generator.draw(reference.request(name), trace: trace)
    }
    let latents = try withTemporaryFolder { folder in
      try trace.write(to: "\(folder)/trace.safetensors")
      return try #require(
        try SafetensorsFile("\(folder)/trace.safetensors").tensor("latents"))
    }
    let expected = try reference.tensor("\(name).latents")
    #expect(latents.shape == expected.shape)
    // SANA's stay on the flow's straight path in the reference; here all are of unit variance.
    let isSprint = name.hasPrefix("sprint")
    let scales = try reference.tensor("\(name).sigmas").floats().map { sigma in
      isSprint ? 1 : 1 / (sigma * sigma + (1 - sigma) * (1 - sigma)).squareRoot()
    }
    let scaled = try expected * Tensor(scales, shape: [scales.count, 1, 1, 1])
    try expectEqual(latents, scaled, relative: 1e-4, name)
    guard let picture = try reference.drawn(name) else { return }
    #expect([image.picture.width, image.picture.height] == [picture.width, picture.height])
    let worst = zip(image.picture.pixels, picture.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
    #expect(worst <= 1, "\(worst)/255")
  }

  @Test("there are cases of all kinds, and defaults are SANA's and Sprint's")
  func cases() throws {
    #expect(TinyPipeline.names(of: "tiny_sana").count == 7)
    let reference = try TinyPipeline("tiny_sana")
    for (name, steps) in [("text", 20), ("sprint", 2)] {
      try reference.withGenerator(name) { generator in
        #expect(generator.model.defaults.steps == steps)
        #expect(generator.model.defaults.guidance == 4.5)
      }
    }
  }

  @Test(
    "the autoencoder encodes and decodes as diffusers' does, however it changes sizes",
    arguments: ["vae", "dc"])
  func autoencoder(name: String) throws {
    let file = try SafetensorsFile(fixture("tiny_sana.safetensors"))
    func tensor(_ name: String) throws -> Tensor { try #require(try file.tensor(name)) }
    try withTemporaryFolder { folder in
      var (weights, config) = (
        fixture("tiny_sana/vae/diffusion_pytorch_model.safetensors"),
        try Config(path: fixture("tiny_sana/vae/config.json"))
      )
      if name == "dc" {
        weights = "\(folder)/dc.safetensors"
        let prefix = "dc.weights."
        try SafetensorsFile.write(
          file.names.filter { $0.hasPrefix(prefix) }.map {
            (String($0.dropFirst(prefix.count)), try tensor($0))
          }, to: weights)
        let text = try #require(file.metadata["dc"])
        config = Config(
          try #require(try JSON.parse(text: text, file: "dc").object), file: "dc")
      }
      let archive = TensorArchive(files: [try SafetensorsFile(weights)])
      let codec = try AutoencoderDC(
        AutoencoderDCConfig(config), Weights(archive, precision: .exact))
      let bytes = try tensor("dc.picture")
      let pixels = withExtendedLifetime(bytes) {
        UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.elementCount).map { Float($0) }
      }
      let picture = try Tensor(pixels, shape: [1] + bytes.shape).scaled(by: 1 / 127.5, plus: -1)
      let found = try codec.encodeWhole(picture)
      let latent = try tensor("\(name).latent").permuted([0, 2, 3, 1]).contiguous()
      try expectEqual(found, latent, relative: 1e-4, "latent")
      let decoded = try codec.decodeWhole(latent.scaled(by: name == "dc" ? 0.41407 : 0.41407))
      let expected = try tensor("\(name).decoded").permuted([0, 2, 3, 1]).contiguous()
      try expectEqual(decoded, expected, relative: 1e-4, "decoded")
    }
  }

  private static let refused: [(part: String, key: String, value: JSONValue, words: String)] = [
    ("transformer", "cross_attention_dim", .integer(31), "cross_attention_dim"),
    ("transformer", "num_attention_heads", .integer(0), "attention heads"),
    ("transformer", "attention_head_dim", .integer(.max), "attention heads"),
    ("transformer", "mlp_ratio", .number(1e300), "feed-forward"),
    ("transformer", "num_layers", .integer(-1), "layers"),
    ("transformer", "patch_size", .integer(0), "sample_size"),
    ("transformer", "qk_norm", .string("layer_norm"), "qk_norm"),
    ("vae", "encoder_layers_per_block", .array([1, 1]), "levels"),
    ("vae", "decoder_block_out_channels", .array([8, 8, .integer(.max)]), "levels"),
    ("vae", "attention_head_dim", .integer(0), "levels"),
    ("vae", "latent_channels", .integer(3), "levels"),
    ("vae", "decoder_block_types", .string("Other"), "decoder_block_types"),
    ("vae", "decoder_norm_types", .string("batch_norm"), "decoder_norm_types"),
    ("scheduler", "flow_shift", .integer(0), "flow_shift"),
    ("scheduler", "prediction_type", .string("epsilon"), "prediction_type"),
  ]

  @Test(
    "sizes that cannot be, and settings that are not built, are refused by name",
    arguments: refused.indices)
  func refusals(number: Int) throws {
    let (part, key, value, words) = Self.refused[number]
    let file = part == "scheduler" ? "scheduler_config.json" : "config.json"
    #expect {
      try TinyPipeline.with(
        fixture("tiny_sana"),
        changing: { try TinyPipeline.set(key, value, "\($0)/\(part)/\(file)") },
        { _ in })
    } throws: { "\($0)".contains(words) }
  }

  @Test("depthwise convolution and linear attention are their sums, written out")
  func layers() throws {
    var seed = UInt32(7)
    func numbers(_ shape: [Int]) throws -> Tensor {
      try Tensor(
        (0..<shape.reduce(1, *)).map { _ in
          seed = seed &* 1_664_525 &+ 1_013_904_223
          return Float(Int32(bitPattern: seed)) / 0x8000_0000
        }, shape: shape)
    }
    let (x, weight, bias) = (try numbers([2, 5, 4, 3]), try numbers([3, 3, 3]), try numbers([3]))
    let (a, w, b) = (try x.floats(), try weight.floats(), try bias.floats())
    var expected: [Float] = []
    for batch in 0..<2 {
      for row in 0..<5 {
        for column in 0..<4 {
          for channel in 0..<3 {
            var sum = Double(b[channel])
            for i in -1...1 {
              for j in -1...1 where (0..<5).contains(row + i) && (0..<4).contains(column + j) {
                let at = ((batch * 5 + row + i) * 4 + column + j) * 3 + channel
                sum += Double(a[at]) * Double(w[((i + 1) * 3 + j + 1) * 3 + channel])
              }
            }
            expected.append(Float(sum))
          }
        }
      }
    }
    try expectEqual(
      x.depthwiseConvolved(weight, bias: bias), Tensor(expected, shape: x.shape), relative: 1e-6,
      "depthwise")
    #expect(throws: (any Error).self) { try x.depthwiseConvolved(numbers([2, 2, 3])) }

    let (q, k, v) = (try numbers([1, 3, 4]), try numbers([1, 3, 4]), try numbers([1, 3, 4]))
    let (qs, ks, vs) = (try q.floats(), try k.floats(), try v.floats())
    var attended: [Float] = []
    for token in 0..<3 {
      for head in 0..<2 {
        let weights = (0..<3).map { key in
          (0..<2).reduce(0.0) { sum, feature in
            let at = head * 2 + feature
            return sum + Double(max(0, qs[token * 4 + at])) * Double(max(0, ks[key * 4 + at]))
          }
        }
        let all = weights.reduce(0, +) + 1e-15
        for feature in 0..<2 {
          let sum = (0..<3).reduce(0.0) {
            $0 + weights[$1] * Double(vs[$1 * 4 + head * 2 + feature])
          }
          attended.append(Float(sum / all))
        }
      }
    }
    try expectEqual(
      LinearAttention.attend(q, k, v, heads: 2), Tensor(attended, shape: [1, 3, 4]),
      relative: 1e-5, "attention")
  }
}
