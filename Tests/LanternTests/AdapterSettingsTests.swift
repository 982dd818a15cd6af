import Foundation
import Lantern
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Adapters as PEFT writes them, and what PEFT draws with them: tools/fixtures/lora.py.
@Suite struct AdapterSettingsTests {
  private static let folders = fixture("lora/peft_folders")
  static let kinds = [
    "alpha", "rslora", "patterns", "dora", "bias", "layers", "regex", "words",
  ]

  @Test("an adapter's folder is drawn as PEFT draws it, whatever its settings", arguments: kinds)
  func folder(kind: String) throws {
    try expectDrawn([LoRA("\(Self.folders)/\(kind)")], "peft \(kind)")
  }

  @Test(
    "half of an adapter is half of its alpha, magnitudes or not", arguments: ["dora", "patterns"])
  func half(kind: String) throws {
    let loras = [LoRA("\(Self.folders)/\(kind)/", strength: 0.5)]
    #expect(loras[0].label == "\(kind):0.5")
    try expectDrawn(loras, "peft \(kind) half")
  }

  /// Copies an adapter's folder, lets `change` alter the tensors' names and the settings.
  private func withAdapter(
    _ kind: String, file: String = "adapter_model.safetensors",
    renaming rename: (String) -> String = { $0 },
    changing change: (inout [String: JSONValue]) -> Void = { _ in },
    _ body: (String) throws -> Void
  ) throws {
    try withTemporaryFolder { folder in
      let source = "\(Self.folders)/\(kind)"
      let old = try SafetensorsFile("\(source)/adapter_model.safetensors")
      let tensors = try old.names.map {
        (name: rename($0), tensor: try #require(try old.tensor($0)))
      }
      try SafetensorsFile.write(tensors.sorted { $0.name < $1.name }, to: "\(folder)/\(file)")
      var settings = try #require(try JSON.read("\(source)/adapter_config.json").object)
      change(&settings)
      try JSON.write(.object(settings)).write(
        toFile: "\(folder)/adapter_config.json", atomically: false, encoding: .utf8)
      try body(folder)
    }
  }

  private func complaint(_ path: String) -> String {
    do {
      _ = try ImageGenerator(folder: TinyPipeline.folder, adding: [LoRA(path)])
      return ""
    } catch {
      return "\(error)"
    }
  }

  @Test("settings hold for the file next to them, under any name, in any spelling of PEFT's")
  func spellings() throws {
    try withAdapter("alpha", file: "fox.safetensors") { folder in
      try expectDrawn([LoRA("\(folder)/fox.safetensors")], "peft alpha")
      try expectDrawn([LoRA(folder)], "peft alpha")
    }
    try withAdapter("alpha", renaming: { $0.replacing(".weight", with: ".my_fox.weight") }) {
      folder in
      try expectDrawn([LoRA(folder)], "peft alpha")
    }
    let lead = "base_model.model."
    try withAdapter("alpha", renaming: { $0.replacing(lead, with: "\(lead)unet.") }) { folder in
      try expectDrawn([LoRA(folder)], "peft alpha")
    }
    for other in ["\(lead)text_model.", "\(lead)text_encoder.", "\(lead)text_encoder.text_model."] {
      try withAdapter("words", renaming: { $0.replacing(lead, with: other) }) { folder in
        try expectDrawn([LoRA(folder)], "peft words")
      }
    }
  }

  @Test("a folder of PyTorch's pickles is read, and one with a folder for each part")
  func otherFolders() throws {
    try withTemporaryFolder { folder in
      let manager = FileManager.default
      try manager.copyItem(
        atPath: "\(Self.folders)/layers.bin", toPath: "\(folder)/adapter_model.bin")
      try manager.copyItem(
        atPath: "\(Self.folders)/layers/adapter_config.json",
        toPath: "\(folder)/adapter_config.json")
      try expectDrawn([LoRA(folder)], "peft layers")
      try expectDrawn([LoRA("\(folder)/adapter_model.bin")], "peft layers")
    }
    try withTemporaryFolder { folder in
      let manager = FileManager.default
      try manager.copyItem(atPath: "\(Self.folders)/alpha", toPath: "\(folder)/unet")
      try expectDrawn([LoRA(folder)], "peft alpha")
      try manager.copyItem(atPath: "\(Self.folders)/words", toPath: "\(folder)/text_encoder")
      let both = try latents(
        ImageGenerator(folder: TinyPipeline.folder, adding: [LoRA(folder)], precision: .exact))
      let one = try latents(
        ImageGenerator(
          folder: TinyPipeline.folder,
          adding: ["unet", "text_encoder"].map { LoRA("\(folder)/\($0)") }, precision: .exact))
      #expect(try both.floats() == one.floats())
    }
    try withTemporaryFolder { folder in
      #expect(complaint(folder).contains("adapter_model.safetensors: there is no such file"))
      let manager = FileManager.default
      for name in ["a", "b"] {
        try manager.copyItem(
          atPath: fixture("lora/older.safetensors"), toPath: "\(folder)/\(name).safetensors")
      }
      #expect(complaint(folder).contains("there are a.safetensors, b.safetensors: name one"))
      try manager.removeItem(atPath: "\(folder)/a.safetensors")
      try expectDrawn([LoRA(folder, strength: -0.5)], "older")
      try manager.moveItem(
        atPath: "\(folder)/b.safetensors", toPath: "\(folder)/pytorch_lora_weights.safetensors")
      try manager.copyItem(
        atPath: fixture("lora/kohya.safetensors"), toPath: "\(folder)/c.safetensors")
      try expectDrawn([LoRA(folder, strength: -0.5)], "older")
    }
  }

  @Test(
    "settings that change what is drawn in a way that is not here are refused by name",
    arguments: [
      ("peft_type", "LOHA"), ("bias", "lora_only"), ("init_lora_weights", "pissa"),
      ("init_lora_weights", "pissa_niter_4"), ("init_lora_weights", "olora"),
      ("init_lora_weights", "loftq"), ("init_lora_weights", "corda"),
      ("modules_to_save", ["conv_out"]), ("target_parameters", ["conv_in.weight"]),
      ("trainable_token_indices", [1]), ("layer_replication", [[0, 1]]), ("use_qalora", true),
      ("megatron_config", ["a": 1]), ("kasa_config", ["a": 1]),
      ("alora_invocation_tokens", [1]), ("alpha_pattern", ["(?=to_q)": 1]),
      ("rank_pattern", ["(": 2]), ("lora_alpha", "much"), ("use_rslora", "yes"),
    ] as [(String, any Sendable)])
  func refusals(key: String, value: any Sendable) throws {
    let data = try JSONSerialization.data(withJSONObject: ["value": value])
    let parsed = try JSON.parse(text: String(decoding: data, as: UTF8.self), file: "")
    try withAdapter("alpha", changing: { $0[key] = parsed.object?["value"] }) { folder in
      let complaint = complaint(folder)
      #expect(complaint.contains("adapter_config.json: \"\(key)"), "\(complaint)")
    }
  }

  @Test("settings that do not go with the weights are refused, with the layer")
  func mismatches() throws {
    func complaint(_ kind: String, _ change: (inout [String: JSONValue]) -> Void) throws -> String {
      var found = ""
      try withAdapter(kind, changing: change) { found = self.complaint($0) }
      return found
    }
    #expect(try complaint("alpha") { $0["r"] = .integer(8) }.contains("is 8 there and 2 in"))
    #expect(try complaint("patterns") { $0["rank_pattern"] = .object([:]) }.contains("is 2 there"))
    #expect(
      try complaint("alpha") { $0["target_modules"] = .array([.string("to_q")]) }
        .contains("it leaves out \""))
    #expect(
      try complaint("alpha") { $0["exclude_modules"] = .string(".*mid_block.*") }
        .contains("it leaves out \"mid_block"))
    #expect(
      try complaint("layers") { $0["layers_to_transform"] = .integer(1) }
        .contains("it leaves out \"down_blocks.0"))
    #expect(
      try complaint("dora") { $0["use_dora"] = .bool(false) }.contains("\"use_dora\" is false"))
    #expect(try complaint("alpha") { $0["use_dora"] = .bool(true) }.contains("has no magnitude"))
    #expect(try complaint("bias") { $0["lora_bias"] = .bool(false) }.contains("lora_bias"))
    try withAdapter(
      "alpha",
      renaming: {
        $0.replacing("lora_A.weight", with: "lora_A.a.weight")
          .replacing("lora_B.weight", with: "lora_B.b.weight")
      }
    ) { #expect(self.complaint($0).contains("holds several adapters, a, b")) }
  }

  @Test("a hostile pattern takes no time to speak of")
  func hostilePatterns() throws {
    for pattern in ["(a*)*b", "(.*.*.*.*.*.*.*.*)x", "(\(String(repeating: "a?", count: 200)))b"] {
      try withAdapter("alpha", changing: { $0["alpha_pattern"] = .object([pattern: .integer(1)]) })
      {
        let path = $0
        let time = ContinuousClock().measure { _ = complaint(path) }
        #expect(time < .seconds(20))
      }
    }
  }

  @Test("what is passed over or taken in place of what is missing is told")
  func notes() throws {
    func notes(_ path: String) throws -> [String] {
      try ImageGenerator(folder: TinyPipeline.folder, adding: [LoRA(path)]).notes
    }
    let plain = try notes("\(Self.folders)/alpha")
    #expect(plain.isEmpty)
    try withAdapter("alpha", changing: { $0["fan_in_fan_out"] = .bool(true) }) { folder in
      let said = try notes(folder)
      #expect(said.first?.contains("\"fan_in_fan_out\" has no effect") == true)
    }
    try withAdapter("alpha", changing: { $0["lora_alpha"] = .integer(0) }) { folder in
      let said = try notes(folder)
      #expect(said == ["\(folder)/adapter_model.safetensors: adds nothing: alpha is 0"])
    }
    try withAdapter("alpha", changing: { $0["new_thing"] = .bool(true) }) { folder in
      let note = try notes(folder).first ?? ""
      #expect(note.contains("settings without an effect: \"new_thing\""))
      try FileManager.default.removeItem(atPath: "\(folder)/adapter_config.json")
      let missing = try notes(folder)
      #expect(missing.first?.contains("the adapter_config.json is missing") == true)
    }
    try withTemporaryFolder { folder in
      let old = try SafetensorsFile(fixture("lora/kohya.safetensors"))
      let tensors = try old.names.filter { !$0.hasSuffix(".alpha") }.map {
        (name: $0, tensor: try #require(try old.tensor($0)))
      }
      try SafetensorsFile.write(
        tensors, metadata: ["ss_network_alpha": "1", "ss_network_dim": "2"],
        to: "\(folder)/a.safetensors")
      let said = try notes("\(folder)/a.safetensors")
      #expect(said.first?.contains("says alpha \"1\"") == true)
    }
  }

  @Test("each layer has its own alpha, as kohya has it and not as diffusers 0.42.1")
  func ownAlphas() throws {
    let old = try SafetensorsFile(fixture("lora/kohya.safetensors"))
    let tensors = try old.names.map { name -> (name: String, tensor: Tensor) in
      let isOther = name.contains("attn2_to_k") && name.hasSuffix(".alpha")
      return (
        name, isOther ? try Tensor([6 as Float], shape: [1]) : try #require(try old.tensor(name))
      )
    }
    try withTemporaryFolder { folder in
      let path = "\(folder)/own.safetensors"
      try SafetensorsFile.write(tensors, to: path)
      try expectDrawn([LoRA(path)], "own alphas")
    }
    let drawn = try SafetensorsFile(fixture("lora/drawn.safetensors"))
    let own = try #require(try drawn.tensor("own alphas"))
    let theirs = try #require(try drawn.tensor("own alphas diffusers"))
    let both = try (own.floats(), theirs.floats())
    #expect(zip(both.0, both.1).contains { abs($0 - $1) > 0.05 })
  }
}
