import Foundation
import LanternFormats
import LanternLayers
import LanternTensor
import TestSupport
import Testing

/// Layers of transformers against torch, transformers and diffusers: tools/fixtures/transformer_layers.py.
@Suite struct TransformerLayerTests {
  private let file: SafetensorsFile

  init() throws { file = try SafetensorsFile(fixture("transformer_layers.safetensors")) }

  private func tensor(_ name: String) throws -> Tensor { try #require(try file.tensor(name)) }

  /// A picture channels-last.
  private func picture(_ name: String) throws -> Tensor {
    try tensor(name).permuted([0, 2, 3, 1]).contiguous()
  }

  /// Builds a layer of the fixture, which is to take all of its weights.
  private func layer<Layer>(_ name: String, _ make: (Weights) throws(ModelError) -> Layer) throws
    -> Layer
  {
    let start = "\(name).weights."
    let all = try file.names.filter { $0.hasPrefix(start) }.map { key in
      (name: String(key.dropFirst(start.count)), tensor: try tensor(key))
    }
    return try withTemporaryFolder { folder in
      try SafetensorsFile.write(all, to: "\(folder)/model.safetensors")
      let weights = Weights(try TensorArchive(folder: folder, stems: ["model"]))
      let layer = try make(weights)
      try weights.finish()
      return layer
    }
  }

  private func expect(_ found: Tensor, _ name: String) throws {
    try expectEqual(found, tensor(name), relative: 1e-5, name)
  }

  @Test("root mean square norms are Llama's and, with 1 added to the scale, Gemma's")
  func rootMeanSquares() throws {
    for (name, addsUnitOffset) in [("rms", false), ("gemma_rms", true)] {
      let norm = try layer(name) { weights throws(ModelError) in
        try RMSNorm(weights, 24, eps: 1e-3, addsUnitOffset: addsUnitOffset)
      }
      try expect(norm(tensor("\(name).x")), "\(name).out")
    }
  }

  @Test("norms and gates by a conditioning vector are diffusers' AdaLayerNormZero")
  func adaptiveZero() throws {
    let norm = try layer("zero") { weights throws(ModelError) in
      try AdaLayerNormZero(weights, conditioning: 16, features: 16)
    }
    let parts = try norm(tensor("zero.c"))
    try expect(LayerNorm(eps: 1e-6)(tensor("zero.x"), parts.attention), "zero.out")
    try expect(parts.attentionGate.reshaped([2, 16]), "zero.out.gate")
    try expect(parts.feedForward.shift, "zero.out.shift_mlp")
    try expect(parts.feedForward.scale, "zero.out.scale_mlp")
    try expect(parts.feedForwardGate.reshaped([2, 16]), "zero.out.gate_mlp")
  }

  @Test(
    "norms by a conditioning vector are diffusers' AdaLayerNormContinuous",
    arguments: [("continuous", false), ("continuous_affine", true)])
  func adaptiveContinuous(name: String, isAffine: Bool) throws {
    let norm = try layer(name) { weights throws(ModelError) in
      try AdaLayerNormContinuous(
        weights, conditioning: 10, features: 16, eps: 1e-4, isAffine: isAffine)
    }
    try expect(norm(tensor("\(name).x"), tensor("\(name).c")), "\(name).out")
  }

  @Test("gated feed-forward layers are transformers' and diffusers'")
  func gated() throws {
    let cases: [(String, Activation)] = [
      ("silu", .silu), ("gelu", .gelu), ("gelu_pytorch_tanh", .geluTanh),
    ]
    for (name, activation) in cases {
      let made = try layer(name) { weights throws(ModelError) in
        try FeedForward(gated: weights, 24, inner: 40, activation: activation, bias: name == "gelu")
      }
      let x = try tensor("\(name).x")
      try expect(made(x), "\(name).out")
    }
    let packed = try layer("geglu") { weights throws(ModelError) in
      try FeedForward(gated: weights["net.0.proj"], weights["net.2"], 24, inner: 40)
    }
    let x = try tensor("geglu.x")
    try expect(packed(x), "geglu.out")
  }

  @Test("values and gates of two types are packed as one")
  func gatedOfTwoTypes() throws {
    let names = ["up_proj", "gate_proj", "down_proj"].map { "\($0).weight" }
    func run(_ change: (String, Tensor) throws -> Tensor) throws -> Tensor {
      let all = try names.map { name in
        (name: name, tensor: try change(name, tensor("silu.weights.\(name)")))
      }
      return try withTemporaryFolder { folder in
        try SafetensorsFile.write(all, to: "\(folder)/model.safetensors")
        let weights = Weights(try TensorArchive(folder: folder, stems: ["model"]))
        let made = try FeedForward(gated: weights, 24, inner: 40, activation: .silu, bias: false)
        let x = try tensor("silu.x")
        return try made(x)
      }
    }
    let rounded = try run { name, weight in
      try name.hasPrefix("up") ? weight.converted(to: .float16).converted(to: .float32) : weight
    }
    let mixed = try run { name, weight in
      try name.hasPrefix("up") ? weight.converted(to: .float16) : weight
    }
    #expect(try rounded.floats() == mixed.floats())
    #expect(try rounded.floats() != run { $1 }.floats())
  }

  @Test("attention with biases and normalised heads is diffusers'")
  func attention() throws {
    let made = try layer("flux") { weights throws(ModelError) in
      try Attention(
        weights, 24, heads: 3, bias: true, norm: .rmsNorm(eps: 1e-3), naming: .diffusers)
    }
    let x = try tensor("flux.x")
    try expect(made(x), "flux.out")
  }

  @Test("a latent becomes tokens and tokens a latent as diffusers have it", arguments: [1, 2])
  func patches(size: Int) throws {
    let embed = try layer("patch\(size)") { weights throws(ModelError) in
      try PatchEmbed(weights, channels: 4, features: 24, patchSize: size)
    }
    try expect(embed(picture("patch\(size).x")), "patch\(size).out")
    let tokens = try tensor("patch\(size).tokens")
    let pixels = try PatchEmbed.unpatchify(tokens, height: 8, width: 12, patchSize: size)
    #expect(try pixels.floats() == picture("patch\(size).pixels").floats())
    for (height, width) in [(8, 10), (7, 12)] {
      #expect(throws: TensorError.self) {
        try PatchEmbed.unpatchify(tokens, height: height, width: width, patchSize: 2)
      }
    }
  }

  @Test("positions of patches are diffusers', of a picture that is not as in training")
  func positions() throws {
    let found = try PatchEmbed.positions(
      rows: 4, columns: 6, features: 24, baseSize: 8, interpolationScale: 1.5)
    try expect(found, "positions.out")
  }

  /// The rotation that the fixture's settings ask for.
  private func scaling(_ rope: [String: JSONValue]) throws -> RotaryEmbedding.Scaling {
    func number(_ key: String) -> Double? { rope[key]?.double }
    let factor = try #require(number("factor"))
    let length = rope["original_max_position_embeddings"]?.integer ?? 1024
    switch rope["rope_type"]?.string {
    case "linear": return .linear(factor: factor)
    case "dynamic": return .dynamic(factor: factor, length: length)
    case "llama3":
      return .llama3(
        factor: factor, low: try #require(number("low_freq_factor")),
        high: try #require(number("high_freq_factor")), length: length)
    default:
      return .yarn(
        factor: factor, length: length, fast: number("beta_fast") ?? 32,
        slow: number("beta_slow") ?? 1, attention: 1,
        truncates: rope["truncate"]?.bool ?? true)
    }
  }

  @Test("rotations' frequencies are those of transformers, of every kind")
  func frequencies() throws {
    let text = Array(try #require(file.metadata["rope"]).utf8)
    let all = try #require(try text.withUnsafeBytes { try JSON.parse($0, file: "rope") }.array)
    #expect(all.count == 8)
    for (index, settings) in all.enumerated() {
      let rope = try #require(settings.object)
      let wanted = try tensor("rope.\(index).frequencies").floats()
      let rotary = RotaryEmbedding(
        features: 2 * wanted.count, theta: 10000, scaling: try scaling(rope))
      // A one in each pair's first feature becomes the cosine and sine of its angle.
      let ones = wanted.map { _ in Float(1) } + wanted.map { _ in Float(0) }
      let positions = [1, 7] + (rope["tokens"]?.integer.map { [$0 - 1] } ?? [])
      let rows = positions.flatMap { _ in ones }
      let turned = try rotary.turn(positions)(
        Tensor(rows, shape: [1, positions.count, 2 * wanted.count]), heads: 1
      ).floats()
      let expected = positions.prefix(2).flatMap { position in
        wanted.map { cos(Float(position) * $0) } + wanted.map { sin(Float(position) * $0) }
      }
      expectEqual(
        Array(turned.prefix(expected.count)), expected, relative: 1e-6, "\(settings)")
    }
  }

  @Test("YaRN's attention factor makes queries and keys longer")
  func attentionFactor() throws {
    let rotary = RotaryEmbedding(
      features: 4, theta: 100,
      scaling: .yarn(factor: 4, length: 16, attention: 1.25))
    let x = try Tensor([3, 0, 4, 0] as [Float], shape: [1, 1, 4])
    let turned = try rotary.turn([9])(x, heads: 1).floats()
    let length = turned.reduce(0) { $0 + $1 * $1 }.squareRoot()
    expectEqual([length], [6.25], relative: 1e-6)
  }

  @Test("pairs of neighbours turn as in GPT-J, those of a batch alike")
  func interleaved() throws {
    let rotary = RotaryEmbedding(features: 6, theta: 100, pairing: .interleaved)
    let x = try tensor("interleaved.x")
    try expect(rotary.turn(3..<6)(x, heads: 2), "interleaved.out")
    let twice = try Tensor.concatenated([x.scaled(by: 0.5), x], axis: 0)
    let turned = try rotary.turn(3..<6)(twice, heads: 2)
    try expect(turned.sliced(axis: 0, 1..<2).contiguous(), "interleaved.out")
  }
}
