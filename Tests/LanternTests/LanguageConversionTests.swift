import Foundation
import Lantern
import LanternFormats
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// Language models written as GGUF files: of tools/fixtures/language_folders.py and gguf_models.py.
@Suite struct LanguageConversionTests {
  @Test(
    "a folder written as a GGUF file writes transformers' text, with its logits",
    arguments: ["llama", "qwen3", "gemma3", "phi3"])
  func folders(name: String) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/\(name).gguf"
      let conversion = try LanguageConversion(of: fixture("language_folders/\(name)"), to: path)
      #expect(conversion.notes.isEmpty, "\(conversion.notes)")
      try conversion.write(replacing: false)
      let generator = try LanguageGenerator(path: path, precision: .exact)
      var request = LanguageRequest(prompt: "the fox, and the fox")
      (request.maximumTokens, request.temperature) = (6, 0)
      var parts: [Tensor] = []
      let result = try generator.write(
        request, onLogits: { _, logits in parts.append(logits) }, onEvent: { _ in })
      #expect(result.notes.isEmpty && generator.notes.isEmpty)
      let all = try Tensor.concatenated(parts, axis: 1)
      let reference = try SafetensorsFile(fixture("language_folders/logits.safetensors"))
      let wanted = try #require(try reference.tensor("\(name).logits"))
      let worst = try expectEqual(
        all.reshaped([all.shape[1], all.shape[2]]), wanted, relative: 1e-4, name)
      tell("\(name) as GGUF", isFrom: "transformers", by: worst)
    }
  }

  @Test("what a GGUF file cannot say is noted, or refused")
  func limits() throws {
    let conversion = try LanguageConversion(of: fixture("language_folders/mistral"), to: "x.gguf")
    #expect(conversion.notes.count == 1 && conversion.notes[0].contains("the window of 5 tokens"))
    let cases: [(changes: [String: JSONValue], words: String)] = [
      (["mlp_bias": true], "\"mlp_bias\" is true"), (["hidden_act": "gelu"], "another activation"),
      (
        ["rope_parameters": .object(["rope_type": "dynamic", "factor": .integer(2)])], "\"dynamic\""
      ),
      (["architectures": .array(["PhiForCausalLM"])], "PhiForCausalLM is not written"),
      (
        ["architectures": .array(["Qwen3ForCausalLM"]), "attention_bias": true],
        "\"attention_bias\""
      ),
      (["unheard_of": .integer(1)], "unheard_of"),
    ]
    for (changes, words) in cases {
      try withTemporaryFolder { folder in
        let model = "\(folder)/model"
        try FileManager.default.copyItem(atPath: fixture("language_folders/llama"), toPath: model)
        var config = try #require(try JSON.read("\(model)/config.json").object)
        config.merge(changes) { _, new in new }
        try AtomicFile.write(Array(JSON.write(.object(config)).utf8), to: "\(model)/config.json")
        do {
          let conversion = try LanguageConversion(of: model, to: "x.gguf")
          #expect(conversion.notes.contains { $0.contains(words) }, "\(words): \(conversion.notes)")
        } catch {
          #expect("\(error)".contains(words), "\(error)")
        }
      }
    }
  }

  @Test(
    "a GGUF file written anew has the same keys, and the types asked for where rows fill blocks")
  func files() throws {
    try withTemporaryFolder { folder in
      let original = fixture("gguf_models/qwen2.gguf")
      let first = try GGUFFile(original)
      for (type, wanted, head) in [
        ("Q4_K", "Q5_0", "Q8_0"), ("Q8_0", "Q8_0", "Q8_0"), ("F32", "F32", "F32"),
      ] {
        let path = "\(folder)/\(type).gguf"
        let conversion = try LanguageConversion(of: original, to: path, as: GGMLType.named(type))
        #expect(conversion.notes.count == (type == "Q4_K" ? 2 : 0), "\(conversion.notes)")
        try conversion.write(replacing: false)
        let file = try GGUFFile(path)
        #expect(file.names == first.names)
        #expect(file.info("blk.1.ffn_down.weight")?.dtype == wanted)
        #expect(file.info("output.weight")?.dtype == head)
        #expect(file.info("blk.1.attn_norm.weight")?.dtype == "F32")
        for (key, value) in first.values where value.array == nil {
          #expect("\(file.values[key] ?? .bool(false))" == "\(value)", "\(key)")
        }
        #expect(file.values["general.file_type"]?.integer == GGMLType.named(type)?.fileType)
      }
      // Wider numbers are the same numbers.
      let texts = try [original, "\(folder)/F32.gguf"].map { path in
        var request = LanguageRequest(prompt: "The red fox")
        (request.maximumTokens, request.temperature) = (12, 0)
        return try LanguageGenerator(path: path, precision: .exact).write(request) { _ in }.text
      }
      #expect(texts[0] == texts[1] && !texts[0].isEmpty)
    }
  }

  @Test("stacks of experts are stored in blocks, and what chooses among them is not")
  func experts() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/x.gguf"
      let conversion = try LanguageConversion(
        of: fixture("language_kinds/mixtral.gguf"), to: path, as: GGMLType.named("Q4_0"))
      try conversion.write(replacing: false)
      let file = try GGUFFile(path)
      #expect(try GGUFLanguageModel(file).className == "MixtralForCausalLM")
      for (name, type) in [("ffn_gate_inp", "F32"), ("ffn_down_exps", "Q4_0")] {
        let found = try #require(file.info("blk.1.\(name).weight"))
        #expect(found.dtype == type && found.shape.count == (type == "F32" ? 2 : 3), "\(found)")
      }
    }
  }

  @Test("tensors that stay as they are keep their bytes")
  func sameBytes() throws {
    try withTemporaryFolder { folder in
      let original = fixture("gguf_models/llama.gguf")
      try LanguageConversion(of: original, to: "\(folder)/x.gguf").write(replacing: false)
      let (first, second) = (try GGUFFile(original), try GGUFFile("\(folder)/x.gguf"))
      #expect(first.names == second.names)
      for name in first.names {
        #expect(
          Array(try #require(try first.stored(name)).bytes)
            == Array(try #require(try second.stored(name)).bytes), "\(name)")
      }
    }
  }

  @Test("a file that is there stays unless it is to be replaced, and a stop leaves nothing")
  func whole() throws {
    struct Stop: Error {}
    try withTemporaryFolder { folder in
      let path = "\(folder)/x.gguf"
      let conversion = try LanguageConversion(of: fixture("gguf_models/qwen3.gguf"), to: path)
      var count = 0
      #expect(throws: Stop.self) {
        try conversion.write(replacing: false) {
          count += 1
          if count == 5 { throw Stop() }
        }
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
      try conversion.write(replacing: false)
      #expect(throws: FormatError.self) { try conversion.write(replacing: false) }
      try conversion.write(replacing: true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["x.gguf"])
    }
  }
}
