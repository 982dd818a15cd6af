import Lantern
import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// LoRAs of language models against PEFT: tools/fixtures/language_adapters.py.
@Suite struct LanguageAdapterTests {
  private let reference: SafetensorsFile

  init() throws {
    reference = try SafetensorsFile(fixture("language_adapters/logits.safetensors"))
  }

  private func lora(_ name: String, strength: Float = 1) -> LoRA {
    LoRA(fixture("language_adapters/\(name)"), strength: strength)
  }

  private func expect(_ name: String, of path: String, _ loras: [LoRA], notes: [String] = []) throws
  {
    let model = try LanguageModel(path, adding: loras, precision: .exact)
    let ids = try #require(try reference.tensor("ids")).integers().map(Int.init)
    var cache = try model.makeCache(capacity: ids.count)
    let logits = try model.network.logits(model.network.read(ids, into: &cache))
    let wanted = try #require(try reference.tensor(name))
    let worst = try expectEqual(
      logits.reshaped([ids.count, logits.shape[2]]), wanted, relative: 1e-4, name)
    tell(name, isFrom: "PEFT", by: worst)
    #expect(model.notes.count == notes.count, "\(model.notes)")
    for (note, words) in zip(model.notes, notes) { #expect(note.contains(words), "\(note)") }
  }

  @Test(
    "logits with an adapter are those of PEFT's merged model",
    arguments: [
      ("plain", "llama"), ("saved", "llama"), ("magnitudes", "llama"), ("words", "mistral"),
      ("transposed", "gpt2"), ("transposed_magnitudes", "gpt2"), ("biases", "opt"),
      ("joined", "glm4"), ("experts", "qwen2_moe"),
    ])
  func merged(name: String, folder: String) throws {
    let isTransposed = name.hasPrefix("transposed")
    try expect(
      name, of: fixture("language_folders/\(folder)"), [lora(name)],
      notes: isTransposed ? ["\"fan_in_fan_out\" has no effect"] : [])
  }

  @Test("several add up, each with its strength")
  func strengths() throws {
    let folder = fixture("language_folders/llama")
    try expect("strength", of: folder, [lora("plain", strength: -0.7)])
    try expect("both", of: folder, [lora("saved"), lora("plain", strength: 0.5)])
    try expect(
      "saved", of: folder, [lora("saved"), lora("plain", strength: 0)],
      notes: ["plain: strength 0 adds nothing"])
  }

  @Test("a GGUF file, whose rows of queries and keys lie otherwise, takes the same adapters")
  func converted() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/llama.gguf"
      try LanguageConversion(of: fixture("language_folders/llama"), to: path)
        .write(replacing: false)
      try expect("plain", of: path, [lora("plain")])
      try expect("saved", of: path, [lora("saved")])
    }
  }

  @Test(
    "llama.cpp's files of adapters add what PEFT's do, to a folder and to a GGUF file",
    arguments: [("plain", "llama"), ("words", "mistral")])
  func llamaFiles(name: String, folder: String) throws {
    let merged = try SafetensorsFile(fixture("gguf_adapters/merged.safetensors"))
    try withTemporaryFolder { temporary in
      let path = "\(temporary)/model.gguf"
      try LanguageConversion(of: fixture("language_folders/\(folder)"), to: path)
        .write(replacing: false)
      for model in [fixture("language_folders/\(folder)"), path] {
        // Without a window, which the GGUF file of Mistral's cannot say, within as many tokens.
        let isWhole = name == "plain" || model != path
        guard isWhole else { continue }
        for key in [name, "\(name).stored"] {
          let adapter = LoRA(fixture("gguf_adapters/\(key).gguf"))
          let found = try logits(of: model, [adapter])
          let wanted = try #require(try merged.tensor(key))
          let worst = try expectEqual(found, wanted, relative: 1e-5, key)
          tell("\(key).gguf", isFrom: "a merge in f64", by: worst)
        }
        let (ours, theirs) = try (
          logits(of: model, [LoRA(fixture("gguf_adapters/\(name).gguf"), strength: 0.5)]),
          logits(of: model, [lora(name, strength: 0.5)])
        )
        try expectEqual(ours, theirs, relative: 1e-6, "half of \(name)")
      }
    }
  }

  /// Logits of the fixture's tokens, `[token, id]`.
  private func logits(of path: String, _ loras: [LoRA]) throws -> Tensor {
    let model = try LanguageModel(path, adding: loras, precision: .exact)
    #expect(model.notes.isEmpty, "\(model.notes)")
    let ids = try #require(try reference.tensor("ids")).integers().map(Int.init)
    var cache = try model.makeCache(capacity: ids.count)
    let logits = try model.network.logits(model.network.read(ids, into: &cache))
    return try logits.reshaped([ids.count, logits.shape[2]])
  }

  @Test("a GGUF file that is no adapter, or of another type or architecture, is refused")
  func otherFiles() throws {
    let keys: [(String, String)] = [
      ("general.type", "adapter"), ("adapter.type", "lora"), ("general.architecture", "llama"),
    ]
    let cases: [(change: (String, String), tensor: String, words: String)] = [
      (("general.type", "model"), "blk.0.attn_q.weight.lora_a", "is a model, not an adapter"),
      (("adapter.type", "ia3"), "blk.0.attn_q.weight.lora_a", "adapter.type"),
      (("general.architecture", "unheard"), "blk.0.attn_q.weight.lora_a", "general.architecture"),
      (("general.type", "adapter"), "blk.0.attn_q.weight", "no factor"),
      (("general.type", "adapter"), "blk.0.attn_q.weight.lora_a", "without the rest"),
    ]
    for (change, tensor, words) in cases {
      try withTemporaryFolder { folder in
        let path = "\(folder)/x.gguf"
        let fields = keys.map { GGUFField($0, $0 == change.0 ? change.1 : $1) }
        let numbers = try Tensor(repeating: 1, shape: [2, 32])
        let type = try #require(GGMLType.named("F32"))
        try GGUFFile.write(
          fields,
          [GGUFTensor(tensor, [2, 32], encodedAs: type) { () throws(FormatError) in numbers }],
          to: path)
        let error = #expect(throws: (any Error).self) {
          try LanguageModel(
            fixture("language_folders/llama"), adding: [LoRA(path)], precision: .exact)
        }
        #expect(
          error.map { "\($0)".contains(words) } == true, "\(words): \(String(describing: error))")
      }
    }
  }

  @Test("a plan says what memory the weights take: what adapters change is f32, the rest as it was")
  func plans() throws {
    let folder = fixture("quantized/gptq")
    try withTemporaryFolder { temporary in
      let loras = [LoRA(try adapter(in: temporary))]
      for precision in [Precision.exact, .fast] {
        let plan = try LanguagePlan(folder, adding: loras, precision: precision)
        let model = try LanguageModel(folder, adding: loras, precision: precision)
        #expect(plan.weightBytes == model.weightBytes)
        let plain = try LanguagePlan(folder, precision: precision).weightBytes
        let one = precision == .fast ? 32 * 64 : 0
        #expect(plan.weightBytes >= plain + one / 2 && plan.weightBytes < plain * 2)
      }
    }
  }

  /// An adapter of one layer of the quantized model.
  private func adapter(in folder: String) throws -> String {
    let layer = "base_model.model.model.layers.0.self_attn.k_proj"
    try SafetensorsFile.write(
      [
        ("\(layer).lora_A.weight", try Tensor(repeating: 0.1, shape: [1, 64])),
        ("\(layer).lora_B.weight", try Tensor(repeating: 0.1, shape: [32, 1])),
      ].map { (name: $0.0, tensor: $0.1) }, to: "\(folder)/adapter_model.safetensors")
    return folder
  }

  @Test("an adapter that is for another model, or has parts that language models lack, is refused")
  func refusals() throws {
    let cases: [(LoRA, String, String)] = [
      (lora("plain"), "gpt2", "it is a LoRA for another model"),
      (lora("plain"), "opt", "it is a LoRA for another model"),
      (lora("biases"), "llama", "to a bias of \"model_decoder_layers_0_fc1\""),
      (LoRA(lora("plain").path, textEncoderStrength: 0.5), "llama", "one number"),
      (LoRA(lora("plain").path, blockStrengths: ["down": [1]]), "llama", "one number"),
      (LoRA(fixture("lora/kohya.safetensors")), "llama", "another model"),
      (LoRA(fixture("language_folders/llama")), "llama", "name one of them"),
    ]
    for (lora, name, words) in cases {
      do {
        _ = try LanguageModel(
          fixture("language_folders/\(name)"), adding: [lora], precision: .exact)
        Issue.record("\(lora.path) for \(name)")
      } catch {
        #expect("\(error)".contains(words) && !"\(error)".contains("\n"), "\(error)")
      }
    }
  }
}
