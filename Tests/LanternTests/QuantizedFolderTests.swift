import Foundation
import Lantern
import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// Folders whose matrices other libraries quantized: tools/fixtures/quantized.py.
@Suite struct QuantizedFolderTests {
  /// Each case with what its matrices are decoded to.
  private static let types = [
    "gptq": "Q4_0", "gptq2": "Q4_0", "gptq3": "Q4_0", "gptq4_asymmetric": "Q8_0",
    "gptq4_ordered": "F32", "gptq4_wide": "F32", "gptq8": "F32", "gptq8_symmetric": "Q8_0",
    "awq": "Q8_0", "nf4": "F16", "fp4": "BF16", "int8": "F32", "fp8": "F32", "fp8_blocks": "F32",
    "fp8_rows": "F32", "packed4": "Q4_0", "packed4_asymmetric": "Q8_0", "packed3": "F32",
    "packed8": "Q8_0", "integers8": "Q8_0", "integers8_asymmetric": "F32", "floats8": "F32",
    "chatglm4": "Q4_0", "chatglm8": "Q8_0",
  ]
  private static let cases = types.keys.sorted()
  private let reference: SafetensorsFile

  init() throws { reference = try SafetensorsFile(fixture("quantized/reference.safetensors")) }

  private func config(_ folder: String) throws -> Config {
    try Config(path: "\(folder)/config.json")
  }

  private func archive(_ folder: String, _ config: Config) throws -> TensorArchive {
    try Quantization.decoded(TensorArchive(folder: folder, stems: ["model"]), config)
  }

  private func model(
    _ name: String, _ precision: Precision = .exact, isPlan: Bool = false
  ) throws -> (model: any CausalLanguageModel, bytes: Int) {
    let config = try config(fixture("quantized/\(name)"))
    let weights = Weights(
      try archive(fixture("quantized/\(name)"), config), precision: precision, isPlan: isPlan)
    let kind = try #require(try config.strings("architectures").first)
    let make = try #require(ModelCatalogue.languageModels[kind])
    let model = try make(config, weights)
    #expect(config.notes.isEmpty, "\(config.notes)")
    return (model, weights.heldBytes)
  }

  private func logits(_ name: String, _ precision: Precision) throws -> Tensor {
    let model = try model(name, precision).model
    let ids = try #require(try reference.tensor("\(name).ids")).integers().map(Int.init)
    var cache = try model.makeCache(capacity: ids.count)
    let logits = try model.logits(model.read(ids, into: &cache))
    return try logits.reshaped([ids.count, logits.shape[2]])
  }

  @Test("a matrix has the numbers that its library decodes, to the bit", arguments: cases)
  func numbers(name: String) throws {
    let folder = fixture("quantized/\(name)")
    let archive = try archive(folder, config(folder))
    let isGLM = name.hasPrefix("chatglm")
    let layer = isGLM ? "transformer.encoder.layers.0." : "model.layers.0."
    for (key, module, rows) in [
      ("weight", isGLM ? "self_attention.query_key_value" : "self_attn.k_proj", nil as Int?),
      ("down", isGLM ? "mlp.dense_4h_to_h" : "mlp.down_proj", 3),
    ] {
      let found = try #require(try archive.tensor("\(layer)\(module).weight"))
      let part = try rows.map { try found.sliced(axis: 0, 0..<$0).contiguous() } ?? found
      let wanted = try #require(try reference.tensor("\(name).\(key)"))
      #expect(part.shape == wanted.shape)
      #expect(try part.floats() == wanted.floats(), "\(module)")
    }
    let info = try #require(
      archive.info("\(layer)\(isGLM ? "mlp.dense_h_to_4h" : "mlp.gate_proj").weight"))
    // 64 inputs are two groups of whole blocks, or one and a part.
    #expect(info.dtype == Self.types[name] && info.shape[1] == 64, "\(info)")
  }

  @Test("logits are those of transformers on the decoded numbers", arguments: cases)
  func logits(name: String) throws {
    let wanted = try #require(try reference.tensor("\(name).logits"))
    let worst = try expectEqual(logits(name, .exact), wanted, relative: 1e-4, name)
    tell(name, isFrom: "transformers", by: worst)
    // Blocks that are kept are multiplied by activations of 14 bits, the others rounded to 16 bits.
    try expectEqual(logits(name, .fast), wanted, relative: 2e-2, name)
  }

  @Test("what a plan says of memory is what the weights take, in blocks where nothing is lost")
  func plans() throws {
    for name in Self.cases {
      for precision in [Precision.exact, .fast, .int8] {
        let planned = try model(name, precision, isPlan: true).bytes
        #expect(try model(name, precision).bytes == planned, "\(name) \(precision)")
      }
    }
    let (four, wide) = (try model("packed4", .fast).bytes, try model("gptq4_wide", .fast).bytes)
    #expect(four < wide * 2 / 3)
  }

  @Test("a folder is written as a GGUF file, blocks as they are")
  func conversion() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/model.gguf"
      try LanguageConversion(of: fixture("quantized/gptq"), to: path).write(replacing: false)
      #expect(try GGUFFile(path).info("blk.0.ffn_gate.weight")?.dtype == "Q4_0")
      let (model, wanted) = (
        try LanguageModel(path, precision: .exact), try logits("gptq", .exact)
      )
      let ids = try #require(try reference.tensor("gptq.ids")).integers().map(Int.init)
      var cache = try model.makeCache(capacity: ids.count)
      let found = try model.network.logits(model.network.read(ids, into: &cache))
      try expectEqual(found.reshaped(wanted.shape), wanted, relative: 1e-5)
    }
  }

  @Test("a method that is not read, and settings that change numbers, are refused by name")
  func settings() throws {
    let cases: [(String, String, JSONValue, String)] = [
      ("gptq", "quant_method", "hqq", "quantized by \"hqq\""),
      ("gptq", "quant_method", "awq", "qzeros"),
      ("gptq", "quant_method", "fp8", "no tensor's name ends with .weight_scale_inv"),
      ("gptq", "quant_method", .null, "\"quant_method\""),
      ("gptq", "bits", 5, "\"bits\""), ("gptq", "bits", 8, "of its layer make"),
      ("gptq", "group_size", 0, "\"group_size\""), ("gptq", "group_size", 64, "scales"),
      ("gptq", "checkpoint_format", "marlin", "\"checkpoint_format\""),
      ("gptq", "dynamic", .object(["-:.*down.*": .object([:])]), "\"dynamic\""),
      ("awq", "version", "gemv", "\"version\""), ("awq", "zero_point", false, "\"zero_point\""),
      ("awq", "group_size", 40, "no multiple of group_size"),
      ("fp8_blocks", "weight_block_size", .array([24]), "\"weight_block_size\""),
      ("fp8_blocks", "weight_block_size", .array([16, 40]), "weight_scale_inv"),
      ("fp8_blocks", "fmt", "e3m4", "\"fmt\""),
      ("packed4", "format", "marlin-24", "\"format\""),
      ("packed4", "sparsity_config", .object(["format": "sparse-bitmask"]), "\"format\""),
      (
        "packed4", "transform_config", .object(["config_groups": .object([:])]),
        "\"transform_config\""
      ),
    ]
    for (name, key, value, words) in cases {
      let folder = fixture("quantized/\(name)")
      var members = try #require(try config(folder).json.object)
      var settings = try #require(members["quantization_config"]?.object)
      settings[key] = value
      members["quantization_config"] = .object(settings)
      expect(
        refusal(folder, Config(members, file: "config.json")), contains: words, "\(name) \(key)")
    }
    let plain = Config(["architectures": .array(["LlamaForCausalLM"])], file: "config.json")
    expect(
      refusal(fixture("quantized/gptq"), plain), contains: "has no quantization_config", "gptq")
  }

  @Test("tensors that do not go together give one error that names them")
  func hostile() throws {
    let cases: [(String, String, String, String)] = [
      ("gptq", #""dtype":"I32","shape":[8,32]"#, #""dtype":"F32","shape":[8,32]"#, "qweight"),
      ("gptq", #""shape":[8,32]"#, #""shape":[4,64]"#, "of its layer make"),
      ("gptq", #"k_proj.scales"#, #"k_proj.scalez"#, "k_proj.scales"),
      ("gptq3", #""shape":[6,32]"#, #""shape":[4,48]"#, "do not fill"),
      ("awq", #""shape":[64,4]"#, #""shape":[32,8]"#, "qzeros"),
      ("nf4", #"k_proj.weight.absmax"#, #"k_proj.weight.absmin"#, "k_proj.weight.absmax"),
      ("nf4", #""blocksize": 64"#, #""blocksize": 0 "#, "sizes that make no matrix"),
      ("nf4", #""dtype": "float16""#, #""dtype": "float61""#, "\"dtype\" is \"float61\""),
      ("nf4", #""shape": [64, 64]"#, #""shape": [64, 46]"#, "its state says"),
      ("int8", #"k_proj.SCB":{"dtype":"F32"#, #"k_proj.SCB":{"dtype":"I32"#, "SCB"),
      ("fp8_rows", #""shape":[32,1]"#, #""shape":[1,32]"#, "weight_scale"),
      (
        "packed4", #"k_proj.weight_scale":{"dtype":"BF16""#,
        #"k_proj.weight_scale":{"dtype":"U16" "#, "weight_scale"
      ),
      (
        "integers8_asymmetric", #"k_proj.weight_scale":{"dtype":"F32","shape":[1]"#,
        #"k_proj.weight_scale":{"dtype":"I32","shape":[1]"#, "weight_scale"
      ),
      (
        "chatglm4", #"dense.weight":{"dtype":"I8""#, #"dense.weight":{"dtype":"U8""#, "dense.weight"
      ),
    ]
    for (name, old, new, words) in cases {
      try withTemporaryFolder { folder in
        let bytes = try Array(
          Data(contentsOf: URL(fileURLWithPath: fixture("quantized/\(name)/model.safetensors"))))
        let changed = try #require(replacing(Array(old.utf8), by: Array(new.utf8), in: bytes))
        try AtomicFile.write(changed, to: "\(folder)/model.safetensors")
        expect(
          refusal(folder, try config(fixture("quantized/\(name)"))), contains: words,
          "\(name) \(old)")
      }
    }
  }

  /// The first occurrence of a text replaced by one of the same length; nil where there is none.
  private func replacing(_ old: [UInt8], by new: [UInt8], in bytes: [UInt8]) -> [UInt8]? {
    #expect(old.count == new.count)
    guard let range = bytes.firstRange(of: old) else { return nil }
    var bytes = bytes
    bytes.replaceSubrange(range, with: new)
    return bytes
  }

  /// What is said when a checkpoint is refused.
  private func refusal(_ folder: String, _ config: Config) -> String {
    do {
      _ = try archive(folder, config)
      return "read"
    } catch {
      return "\(error)"
    }
  }

  private func expect(_ found: String, contains words: String, _ comment: String) {
    #expect(found.contains(words) && !found.contains("\n"), "\(comment): \(found)")
  }
}
