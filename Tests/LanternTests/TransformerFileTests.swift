import Foundation
import Lantern
import LanternFormats
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// Diffusion transformers in files of their own draw what their folders draw: the models of tools/fixtures'
/// tiny_flux.py, tiny_flux2.py and tiny_z_image.py in the names that files have.
@Suite struct TransformerFileTests {
  static let models = ["tiny_flux", "tiny_flux2", "tiny_pixart", "tiny_sd3", "tiny_z_image"]

  private func request() -> ImageRequest {
    var request = ImageRequest(prompt: "a red fox, on the beach")
    (request.steps, request.seed, request.literalPrompt) = (3, 5, true)
    (request.width, request.height) = (96, 64)
    return request
  }

  /// Runs a test on a copy of a model.
  private func with(_ name: String, _ body: (TransformerFixture, _ folder: String) throws -> Void)
    throws
  {
    try withTemporaryFolder { folder in
      try body(TransformerFixture(name, in: folder), folder)
    }
  }

  /// Checks that a file and a folder draw the same bytes.
  private func expectSame(
    _ path: String, _ model: TransformerFixture, _ parts: ModelParts,
    precision: Precision = .exact, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let one = try ImageGenerator(folder: path, with: parts, precision: precision)
    let other = try ImageGenerator(folder: model.folder, precision: precision)
    let pictures = try [one, other].map { try $0.draw(request()) }
    #expect(
      pictures[0].picture.pixels == pictures[1].picture.pixels, sourceLocation: sourceLocation)
    #expect(pictures[0].settings == pictures[1].settings, sourceLocation: sourceLocation)
    #expect(Set(pictures[0].picture.pixels).count > 20, sourceLocation: sourceLocation)
    #expect(one.model.defaults.steps == other.model.defaults.steps, sourceLocation: sourceLocation)
  }

  /// The folder's own parts but for the transformer.
  private func parts(of model: TransformerFixture) -> ModelParts {
    var parts = ModelParts()
    parts.autoencoder = "\(model.folder)/vae"
    parts.textEncoder = "\(model.folder)/text_encoder"
    if model.textEncoders.count > 1 {
      parts.textEncoder2 = "\(model.folder)/text_encoder_2"
      if model.name == "tiny_sd3" { parts.textEncoder3 = "\(model.folder)/text_encoder_3" }
      // CLIP's own vocabulary comes with Lantern; this one is smaller.
      parts.tokenizer = "\(model.folder)/tokenizer"
    }
    return parts
  }

  @Test(
    "a transformer by itself, in original names, diffusers' or below a prefix, draws with parts of a folder",
    arguments: models)
  func transformers(name: String) throws {
    try with(name) { model, folder in
      let original = try model.transformer()
      #expect(original.count < (try model.stored("transformer")).count || name == "tiny_pixart")
      let files: [TransformerFixture.Tensors] = [
        original, original.map { ("model.diffusion_model.\($0.name)", $0.tensor) },
        // diffusers' has no table of places, by which the size of training is known.
        try model.stored("transformer")
          + (name == "tiny_pixart"
            ? [("pos_embed.pos_embed", try Tensor(repeating: 0, shape: [1, 256, 48]))] : []),
      ]
      for (number, tensors) in files.enumerated() {
        let path = "\(folder)/\(number).safetensors"
        try SafetensorsFile.write(tensors, to: path)
        try expectSame(path, model, parts(of: model))
      }
    }
  }

  @Test("autoencoders and text encoders in files of their own do too", arguments: models)
  func partFiles(name: String) throws {
    try with(name) { model, folder in
      let path = "\(folder)/transformer.safetensors"
      try SafetensorsFile.write(model.transformer(), to: path)
      var parts = parts(of: model)
      parts.autoencoder = "\(folder)/ae.safetensors"
      try SafetensorsFile.write(model.autoencoder(), to: "\(folder)/ae.safetensors")
      for part in model.textEncoders {
        // Next to it lies its tokenizer.
        try SafetensorsFile.write(
          model.stored(part), to: "\(model.folder)/\(part).safetensors")
      }
      parts.textEncoder = "\(model.folder)/text_encoder.safetensors"
      if model.textEncoders.count > 1 {
        parts.textEncoder2 = "\(model.folder)/text_encoder_2.safetensors"
      }
      if name == "tiny_sd3" {
        parts.textEncoder3 = "\(model.folder)/text_encoder_3.safetensors"
      }
      try expectSame(path, model, parts)
      parts.autoencoder = "\(model.folder)/vae/diffusion_pytorch_model.safetensors"
      parts.textEncoder = model.folder
      try expectSame(path, model, parts)
    }
  }

  @Test("one file of all parts draws what its folder draws", arguments: models)
  func allInOne(name: String) throws {
    try with(name) { model, folder in
      var tensors = try model.transformer().map {
        ("model.diffusion_model.\($0.name)", $0.tensor)
      }
      tensors += try model.autoencoder().map { ("vae.\($0.name)", $0.tensor) }
      let prefixes =
        [
          "tiny_flux": ["clip_l", "t5xxl"], "tiny_sd3": ["clip_l", "clip_g", "t5xxl"],
          "tiny_pixart": ["t5xxl"],
        ][name]
        ?? ["qwen3_4b"]
      for (part, prefix) in zip(model.textEncoders, prefixes) {
        tensors += try model.textEncoder(part, below: "text_encoders.\(prefix).transformer.")
      }
      let path = "\(folder)/all.safetensors"
      try SafetensorsFile.write(tensors, to: path)
      var parts = ModelParts()
      parts.tokenizer = model.folder
      try expectSame(path, model, parts)
    }
  }

  /// Writes tensors as a GGUF file: matrices of whole blocks as `type`, other matrices in f16, and the rest in f32.
  private func writeGGUF(
    _ tensors: TransformerFixture.Tensors, as type: GGMLType, _ fields: [GGUFField] = [],
    to path: String
  ) throws {
    let half = try #require(GGMLType.named("F16"))
    let plain = try #require(GGMLType.named("F32"))
    let all = tensors.map { name, tensor in
      let isMatrix = tensor.shape.count == 2 && tensor.elementCount > 64
      let fits = (tensor.shape.last ?? 1) % type.blockElements == 0
      return GGUFTensor(
        name, tensor.shape, encodedAs: isMatrix ? fits ? type : half : plain
      ) { () throws(FormatError) in tensor }
    }
    try GGUFFile.write(
      [GGUFField("general.architecture", "flux")] + fields, all, to: path)
  }

  @Test(
    "a GGUF file of f16 draws the folder's bytes, in blocks those of the decoded weights",
    arguments: models)
  func gguf(name: String) throws {
    try with(name) { model, folder in
      let path = "\(folder)/model.gguf"
      try writeGGUF(model.transformer(), as: #require(GGMLType.named("F16")), to: path)
      try expectSame(path, model, parts(of: model))
      guard name != "tiny_z_image" else { return }
      for type in ["Q8_0", "Q4_0", "Q5_1"] {
        try writeGGUF(model.transformer(), as: #require(GGMLType.named(type)), to: path)
        let file = try GGUFFile(path)
        #expect(file.names.contains { file.info($0)?.dtype == type })
        let decoded = "\(folder)/\(type).safetensors"
        let tensors = try file.names.map { (name: $0, tensor: try #require(try file.tensor($0))) }
        try SafetensorsFile.write(tensors, to: decoded)
        let pictures = try [path, decoded].map { path in
          try ImageGenerator(folder: path, with: parts(of: model), precision: .exact)
            .draw(request()).picture
        }
        #expect(pictures[0].pixels == pictures[1].pixels, "\(type)")
      }
    }
  }

  @Test(
    "K-quants and IQ types draw what their decoded weights draw",
    arguments: ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"])
  func smallBlocks(name: String) throws {
    try with("tiny_flux") { model, folder in
      // Tokens of 256 features, so that a row of every matrix is of whole blocks.
      let config = "\(model.folder)/transformer/config.json"
      for (key, value) in [
        ("num_layers", JSONValue.integer(1)), ("num_single_layers", 1), ("attention_head_dim", 128),
        ("axes_dims_rope", [16, 56, 56]),
      ] { try TinyPipeline.set(key, value, config) }
      let type = try #require(GGMLType.named(name))
      var random = BlockBytes(type)
      let old = try model.transformer().filter {
        !$0.name.hasPrefix("double_blocks.1.") && !$0.name.hasPrefix("single_blocks.1.")
      }
      let tensors = try old.map { name, tensor in
        // The small model's 32 features become 256, and a head's 16 become 128.
        let isNorm = name.hasSuffix("_norm.scale")
        let inputs = ["img_in.weight", "txt_in.weight", "vector_in.in_layer.weight"]
        let isOutput = name.hasPrefix("final_layer.linear")
        var shape = tensor.shape
        if !isOutput { shape[0] *= 8 }
        if shape.count == 2, !inputs.contains(name), name != "time_in.in_layer.weight" {
          shape[1] *= 8
        }
        return try random.tensor(name, shape, isNorm: isNorm)
      }
      let (path, decoded) = ("\(folder)/model.gguf", "\(folder)/decoded.safetensors")
      try GGUFFile.write([GGUFField("general.architecture", "flux")], tensors, to: path)
      let file = try GGUFFile(path)
      #expect(file.names.count { file.info($0)?.dtype == name } > 12)
      try SafetensorsFile.write(
        file.names.map { (name: $0, tensor: try #require(try file.tensor($0))) }, to: decoded)
      let pictures = try [path, decoded].map { path in
        try ImageGenerator(folder: path, with: parts(of: model), precision: .exact)
          .draw(request()).picture
      }
      #expect(pictures[0].pixels == pictures[1].pixels)
      #expect(Set(pictures[0].pixels).count > 20)
      let fast = try ImageGenerator(folder: path, with: parts(of: model), precision: .fast)
      #expect(try fast.draw(request()).picture.pixels.count == pictures[0].pixels.count)
    }
  }

  /// Random blocks of a type, whose scales are small: gguf-py's numbers of such blocks are those of
  /// tools/fixtures/gguf_blocks.py.
  private struct BlockBytes {
    let type: GGMLType
    private var state: UInt64 = 41
    /// Where a block has its scales, in f16.
    private let places: [Int]

    init(_ type: GGMLType) {
      self.type = type
      places =
        ["Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]][type.name]
        ?? [0]
    }

    private mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }

    /// A matrix in blocks where its rows are of whole ones; else small numbers, of a norm about 1.
    mutating func tensor(_ name: String, _ shape: [Int], isNorm: Bool) throws -> GGUFTensor {
      let count = shape.reduce(1, *)
      guard shape.count == 2, shape[1] % type.blockElements == 0 else {
        var numbers: [Float] = []
        for _ in 0..<count {
          numbers.append((isNorm ? 1 : 0) + (Float(next() % 2001) / 1000 - 1) * 0.1)
        }
        let tensor = try Tensor(numbers, shape: shape)
        let plain = try #require(GGMLType.named("F32"))
        return GGUFTensor(name, shape, encodedAs: plain) { () throws(FormatError) in tensor }
      }
      let format = try #require(type.format)
      var bytes: [UInt8] = []
      for _ in 0..<count / format.blockElements * format.blockBytes {
        bytes.append(UInt8(truncatingIfNeeded: next()))
      }
      for block in stride(from: 0, to: bytes.count, by: format.blockBytes) {
        for place in places {
          // About 0.0001 in f16.
          (bytes[block + place], bytes[block + place + 1]) = (UInt8(next() % 256), 0x06)
        }
      }
      let storage = try Storage(byteCount: bytes.count)
      bytes.withUnsafeBytes { source in
        if let first = source.baseAddress {
          storage.base.copyMemory(from: first, byteCount: source.count)
        }
      }
      let stored = try StoredTensor(storage, shape, as: format, at: 0)
      return GGUFTensor(name, shape, type) { () throws(FormatError) in stored }
    }
  }

  @Test("blocks of a GGUF file stay blocks where precisions keep them, rows of joined matrices too")
  func keptBlocks() throws {
    try with("tiny_flux") { model, folder in
      let path = "\(folder)/model.gguf"
      try writeGGUF(model.transformer(), as: #require(GGMLType.named("Q8_0")), to: path)
      let file = try GGUFFile(path)
      let part = try #require(try TransformerFile(file, tokenizer: folder)).component("transformer")
      let archive = try part.weights(stems: [], variant: nil)
      for (name, source, rows) in [
        ("transformer_blocks.0.attn.to_k.weight", "double_blocks.0.img_attn.qkv.weight", 32..<64),
        (
          "single_transformer_blocks.1.proj_mlp.weight", "single_blocks.1.linear1.weight", 96..<224
        ),
      ] {
        let blocks = try #require(try archive.blocks(name))
        let whole = try #require(try file.tensor(source))
        #expect(
          try blocks.tensor().floats() == whole.sliced(axis: 0, rows).contiguous().floats())
      }
      let swapped = try #require(try archive.blocks("norm_out.linear.weight"))
      let plain = try #require(try archive.tensor("norm_out.linear.weight"))
      #expect(try swapped.tensor().floats() == plain.floats())
    }
  }

  @Test("text encoders in GGUF files bring their tokenizers")
  func textEncoderGGUF() throws {
    try withTemporaryFolder { folder in
      let (model, encoder) = (fixture("tiny_flux2"), "\(folder)/encoder")
      try FileManager.default.copyItem(atPath: "\(model)/text_encoder", toPath: encoder)
      for name in try FileManager.default.contentsOfDirectory(atPath: "\(model)/tokenizer") {
        try FileManager.default.copyItem(
          atPath: "\(model)/tokenizer/\(name)", toPath: "\(encoder)/\(name)")
      }
      let gguf = "\(folder)/qwen.gguf"
      try LanguageConversion(of: encoder, to: gguf).write(replacing: false)
      var parts = ModelParts()
      (parts.textEncoder, parts.autoencoder) = (gguf, "\(model)/vae")
      let fixture = try TransformerFixture("tiny_flux2", in: folder)
      let path = "\(folder)/transformer.safetensors"
      try SafetensorsFile.write(fixture.transformer(), to: path)
      let found = try ImageGenerator(folder: path, with: parts, precision: .exact)
      parts.textEncoder = encoder
      let expected = try ImageGenerator(folder: path, with: parts, precision: .exact)
      #expect(try found.draw(request()).picture.pixels == expected.draw(request()).picture.pixels)
    }
  }

  @Test("T5's encoder in llama.cpp's names draws what transformers' draws")
  func t5GGUF() throws {
    try with("tiny_flux") { model, folder in
      let names = [
        ("shared", "token_embd"), ("encoder.block", "enc.blk"),
        ("encoder.final_layer_norm", "enc.output_norm"),
        ("layer.0.SelfAttention.relative_attention_bias", "attn_rel_b"),
        ("layer.0.SelfAttention.", "attn_"), ("layer.0.layer_norm", "attn_norm"),
        ("layer.1.layer_norm", "ffn_norm"), ("layer.1.DenseReluDense.wi_0", "ffn_gate"),
        ("layer.1.DenseReluDense.wi_1", "ffn_up"), ("layer.1.DenseReluDense.wo", "ffn_down"),
      ]
      let tensors = try model.stored("text_encoder_2").filter { !$0.name.contains("embed_tokens") }
        .map { name, tensor in
          (names.reduce(name) { $0.replacing($1.0, with: $1.1) }, tensor)
        }
      let path = "\(folder)/transformer.safetensors"
      try SafetensorsFile.write(model.transformer(), to: path)
      var parts = parts(of: model)
      parts.textEncoder2 = "\(model.folder)/t5.gguf"
      try writeGGUF(
        tensors, as: #require(GGMLType.named("F16")), to: "\(model.folder)/t5.gguf")
      try expectSame(path, model, parts)
    }
  }

  @Test("8-bit floats are read plain and with scales", arguments: [false, true])
  func float8(isScaled: Bool) throws {
    try with("tiny_flux") { model, folder in
      let path = "\(folder)/f8.safetensors"
      let name = "double_blocks.0.img_attn.qkv"
      // Four bytes to an integer.
      let bytes: [UInt8] = (0..<96 * 32).map { (index: Int) in UInt8(index * 37 % 0x7F) }
      let bits = bytes.withUnsafeBytes { Array($0.bindMemory(to: Int32.self)) }
      var tensors = try model.transformer()
      let place = try #require(tensors.firstIndex { $0.name == "\(name).weight" })
      tensors[place].tensor = try Tensor(bits, shape: [96, 8])
      if isScaled {
        tensors.append(("\(name).scale_weight", try Tensor([0.0625] as [Float], shape: [])))
        tensors.append(("scaled_fp8", try Tensor([] as [Float], shape: [0])))
      }
      try SafetensorsFile.write(tensors, to: path)
      try SingleFileTests.replaceHeader(
        "\"I32\",\"shape\":[96,8]", "\"F8_E4M3\",\"shape\":[96,32]", in: path)
      let stored = try #require(try SafetensorsFile(path).tensor("\(name).weight"))
      let found = try ImageGenerator(folder: path, with: parts(of: model), precision: .exact)
      #expect(!found.notes.contains { $0.contains("without an effect") })
      tensors = try model.transformer()
      tensors[place].tensor = try stored.converted(to: .float32).scaled(by: isScaled ? 0.0625 : 1)
      try SafetensorsFile.write(tensors, to: "\(folder)/f32.safetensors")
      let expected = try ImageGenerator(
        folder: "\(folder)/f32.safetensors", with: parts(of: model), precision: .exact)
      #expect(try found.draw(request()).picture.pixels == expected.draw(request()).picture.pixels)
    }
  }

  @Test("FLUX.1 Fill in one file is known by its shapes, and draws what its folder draws")
  func fill() throws {
    try with("tiny_flux") { model, folder in
      let reference = try TinyPipeline("tiny_flow_edit")
      let embedder = try reference.tensor("fill.x_embedder.weight")
      let path = "\(folder)/fill.safetensors"
      try SafetensorsFile.write(
        model.transformer().map { ($0.name, $0.name == "img_in.weight" ? embedder : $0.tensor) },
        to: path)
      let transformer = "\(model.folder)/transformer"
      try SafetensorsFile.write(
        model.stored("transformer").map {
          ($0.name, $0.name == "x_embedder.weight" ? embedder : $0.tensor)
        }, to: "\(transformer)/diffusion_pytorch_model.safetensors")
      try TinyPipeline.set("in_channels", .integer(288), "\(transformer)/config.json")
      try TinyPipeline.set("out_channels", .integer(16), "\(transformer)/config.json")
      try TinyPipeline.set("_class_name", "FluxFillPipeline", "\(model.folder)/model_index.json")
      let one = try ImageGenerator(folder: path, with: parts(of: model), precision: .exact)
      let other = try ImageGenerator(folder: model.folder, precision: .exact)
      #expect(one.model.defaults.steps == 50 && one.model.defaults.guidance == 30)
      var request = request()
      #expect { try one.check(request) } throws: { "\($0)".contains("fills holes") }
      (request.initialPicture, request.mask) = (try reference.photo(), try reference.mask())
      #expect(try one.draw(request).picture.pixels == other.draw(request).picture.pixels)
    }
  }

  @Test("what is missing is named, and what another transformer has is refused")
  func refusals() throws {
    try with("tiny_flux") { model, folder in
      let path = "\(folder)/transformer.safetensors"
      func failure(_ parts: ModelParts) -> String {
        do {
          _ = try ImageGenerator(folder: path, with: parts, precision: .exact)
          return ""
        } catch { return "\(error)" }
      }
      let tensors = try model.transformer()
      try SafetensorsFile.write(tensors, to: path)
      var parts = ModelParts()
      #expect(failure(parts).contains("no text_encoder;"))
      parts.textEncoder = "\(model.folder)/text_encoder"
      #expect(failure(parts).contains("no text_encoder_2;"))
      parts.textEncoder2 = "\(folder)/t5.safetensors"
      try SafetensorsFile.write(model.stored("text_encoder_2"), to: "\(folder)/t5.safetensors")
      #expect(failure(parts).contains("no tokenizer_2;"))
      parts = self.parts(of: model)
      parts.textEncoder2 = "\(model.folder)/vae/diffusion_pytorch_model.safetensors"
      #expect(failure(parts).contains("T5's kind"))
      parts = self.parts(of: model)
      let zero = try Tensor(repeating: 0, shape: [1])
      for (name, words) in [
        ("distilled_guidance_layer.in_proj.bias", "Chroma"), ("double_blocks.9.odd", "odd"),
      ] {
        let more = tensors.map { ("model.diffusion_model.\($0.name)", $0.tensor) }
        try SafetensorsFile.write(more + [("model.diffusion_model.\(name)", zero)], to: path)
        #expect(failure(parts).contains(words), "\(failure(parts))")
      }
      let wide = try tensors.map { name, tensor in
        (name, name == "img_in.weight" ? try Tensor(repeating: 0, shape: [32, 96]) : tensor)
      }
      try SafetensorsFile.write(wide, to: path)
      #expect(failure(parts).contains("Canny or Depth"))
      for (name, shape) in [
        ("img_in.weight", [31, 16]), ("double_blocks.0.img_attn.norm.query_norm.scale", [5]),
        ("double_blocks.0.img_attn.qkv.weight", [95, 32]), ("single_blocks.0.linear1.weight", [9]),
        ("final_layer.adaLN_modulation.1.weight", [63, 32]), ("img_in.weight", [0, 16]),
      ] {
        let others = try tensors.map {
          ($0.name, $0.name == name ? try Tensor(repeating: 0, shape: shape) : $0.tensor)
        }
        try SafetensorsFile.write(others, to: path)
        #expect(!failure(parts).isEmpty, "\(name) \(shape)")
      }
    }
  }
}
