import Foundation
import Testing

/// One way in which a model's folder may be unsound, and what the program says to it.
struct Damage: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let code: Int32
  let words: [String]
  let apply: @Sendable (TinyModel) throws -> Void

  init(
    _ description: String, code: Int32 = 65, _ words: String...,
    apply: @escaping @Sendable (TinyModel) throws -> Void
  ) {
    self.testDescription = description
    self.code = code
    self.words = words
    self.apply = apply
  }
}

@Suite("A damaged model is refused in one line that names file, key and remedy")
struct DamagedModelTests {
  @Test("settings", arguments: settingsFiles.flatMap(damages(settings:)))
  func damagedSettings(_ damage: Damage) throws { try check(damage) }

  @Test("weights", arguments: weightsFiles.flatMap(damages(weights:)))
  func damagedWeights(_ damage: Damage) throws { try check(damage) }

  @Test("merges and vocabulary", arguments: tokenizerDamages)
  func damagedTokenizer(_ damage: Damage) throws { try check(damage) }

  @Test("values that contradict one another or are not supported", arguments: contradictions)
  func unsupported(_ damage: Damage) throws { try check(damage) }

  private func check(_ damage: Damage) throws {
    try TinyModel.copied { model in
      try damage.apply(model)
      expectError(
        try model.draw("a red fox!"), code: damage.code, damage.words, damage.testDescription)
      #expect(try model.written.isEmpty, "\(damage)")
    }
  }

  @Test("files that a tokenizer can do without may be missing")
  func optionalFiles() throws {
    try TinyModel.copied { model in
      for name in ["tokenizer_config.json", "special_tokens_map.json"] {
        try FileManager.default.removeItem(at: model.file("tokenizer/\(name)"))
      }
      #expect(try model.draw("a red fox").code == 0)
    }
  }

  @Test("a damaged encoder is refused where it is needed, and by inspect")
  func damagedEncoder() throws {
    try TinyModel.copied { model in
      #expect(try model.draw("fox", "-o", "fox.png").code == 0)
      let weights = "vae/diffusion_pytorch_model.safetensors"
      try model.changeHeader(weights) { header in
        let name = Data("\"encoder.conv_in.bias\"".utf8)
        let range = try #require(header.firstRange(of: name))
        header.replaceSubrange(range, with: Data("\"encoder.conv_in.bios\"".utf8))
      }
      #expect(try model.draw("fox", "-o", "again.png").code == 0)
      let words = "no tensor \"encoder.conv_in.bias\""
      expectError(
        try model.draw("fox", "--init", "fox.png", "-o", "changed.png", steps: 4), code: 65,
        [words], weights)
      let inspection = try Program.run(["inspect", model.path], in: model.out)
      #expect(inspection.code == 65 && inspection.errors.contains(words))
      #expect(try model.written == ["again.png", "fox.png"])
    }
  }

  @Test("inspect refuses what image refuses")
  func inspects() throws {
    try TinyModel.copied { model in
      try model.change("unet/config.json") { $0 = $0.prefix($0.count / 2) }
      let run = try Program.run(["inspect", model.path], in: model.out)
      #expect(run.code == 65)
      #expect(run.errorLines.count == 1 && run.errors.contains("unet/config.json"))
    }
  }
}

private let settingsFiles = [
  "model_index.json", "scheduler/scheduler_config.json", "text_encoder/config.json",
  "tokenizer/special_tokens_map.json", "tokenizer/tokenizer_config.json", "tokenizer/vocab.json",
  "unet/config.json", "vae/config.json",
]

/// What may befall any file of settings.
private func damages(settings name: String) -> [Damage] {
  var result = [
    Damage("empty \(name)", name) { try Data().write(to: $0.file(name)) },
    Damage("half of \(name)", name) { model in
      try model.change(name) { $0 = $0.prefix($0.count / 2) }
    },
    Damage("\(name) nested deeply", name, "in one another") { model in
      try Data(String(repeating: "[", count: 100_000).utf8).write(to: model.file(name))
    },
    Damage("\(name) nested deeply under a key", name, "in one another") { model in
      let nested = String(repeating: "{\"a\":", count: 100_000)
      try model.replace(name, "{", "{\"_deep\":\(nested)")
    },
    Damage("\(name) not UTF-8", name, "not UTF-8") { model in
      try model.change(name) { $0.insert(contentsOf: [0x22, 0xC3, 0x28], at: 1) }
    },
    Damage("\(name) with a key twice", name, "\"_twice\"", "a second time") { model in
      try model.replace(name, "{", "{\"_twice\": 1, \"_twice\": 2, ")
    },
    Damage("\(name) a list", name, "an object") { try Data("[]".utf8).write(to: $0.file(name)) },
    Damage("\(name) of zeros", name) { try Data(count: 4096).write(to: $0.file(name)) },
    Damage("\(name) a folder", code: 66, name) { model in
      try FileManager.default.removeItem(at: model.file(name))
      try FileManager.default.createDirectory(
        at: model.file(name), withIntermediateDirectories: false)
    },
  ]
  if !["tokenizer/special_tokens_map.json", "tokenizer/tokenizer_config.json"].contains(name) {
    result.append(
      Damage("no \(name)", code: 66, name) {
        try FileManager.default.removeItem(at: $0.file(name))
      })
  }
  return result
}

/// A file of weights, its first tensor, and where the second lies.
struct WeightsFile: Sendable {
  let name: String
  let first: String
  let shape: String
  let second: (begin: Int, end: Int)

  fileprivate var offsets: String { "\"data_offsets\":[\(second.begin),\(second.end)]" }
}

private let weightsFiles = [
  WeightsFile(
    name: "unet/diffusion_pytorch_model.safetensors", first: "conv_in.bias", shape: "[8]",
    second: (16, 592)),
  WeightsFile(
    name: "vae/diffusion_pytorch_model.safetensors", first: "decoder.conv_in.bias", shape: "[8]",
    second: (16, 592)),
  WeightsFile(
    name: "text_encoder/model.safetensors", first: "embeddings.position_embedding.weight",
    shape: "[77,16]", second: (2464, 20096)),
]

/// Eight bytes of length, as a safetensors file begins.
private func length(_ value: UInt64) -> Data {
  withUnsafeBytes(of: value.littleEndian) { Data($0) }
}

/// What may befall any file of weights.
private func damages(weights file: WeightsFile) -> [Damage] {
  let (name, first) = (file.name, file.first)
  let metadata = "{\"__metadata__\":{\"format\":\"pt\"},"
  return [
    Damage("no \(name)", code: 66, name) {
      try FileManager.default.removeItem(at: $0.file(name))
    },
    Damage("another name for \(name)", code: 66, "weights.bin", "rename that") { model in
      let pickle = model.file(name).deletingLastPathComponent()
        .appendingPathComponent("weights.bin")
      try FileManager.default.moveItem(at: model.file(name), to: pickle)
    },
    Damage("a pointer for \(name)", name, "git lfs pull") { model in
      try Data("version https://git-lfs.github.com/spec/v1\noid sha256:0".utf8)
        .write(to: model.file(name))
    },
    Damage("empty \(name)", name) { try Data().write(to: $0.file(name)) },
    Damage("seven bytes of \(name)", name) { model in
      try model.change(name) { $0 = $0.prefix(7) }
    },
    Damage("\(name) cut in its header", name) { model in
      try model.change(name) { $0 = $0.prefix(100) }
    },
    Damage("\(name) cut in its data", name, "cut short") { model in
      try model.change(name) { $0 = $0.prefix($0.count - 1000) }
    },
    Damage("\(name) with more at its end", name, "belong to no tensor") { model in
      try model.change(name) { $0.append(Data(count: 16)) }
    },
    Damage("\(name) with a header of 2⁶⁴ bytes", name, "18446744073709551615") { model in
      try model.change(name) { $0.replaceSubrange(0..<8, with: length(.max)) }
    },
    Damage("\(name) with a header of 2⁶³ bytes", name) { model in
      try model.change(name) { $0.replaceSubrange(0..<8, with: length(1 << 63)) }
    },
    Damage("\(name) with a header longer than itself", name) { model in
      try model.change(name) { $0.replaceSubrange(0..<8, with: length(99_999_999)) }
    },
    Damage("\(name) with no header", name) { model in
      try model.change(name) { $0.replaceSubrange(0..<8, with: length(0)) }
    },
    Damage("\(name) with tensors that overlap", name, "overlap") { model in
      try model.replaceHeader(
        name, file.offsets, "\"data_offsets\":[\(file.second.begin - 8),\(file.second.end - 8)]")
    },
    Damage("\(name) with a negative offset", name, "data_offsets", "none negative") { model in
      try model.replaceHeader(
        name, file.offsets, "\"data_offsets\":[-\(file.second.begin),\(file.second.end)]")
    },
    Damage("\(name) with offsets the wrong way round", name) { model in
      try model.replaceHeader(
        name, file.offsets, "\"data_offsets\":[\(file.second.end),\(file.second.begin)]")
    },
    Damage("\(name) with an offset beyond 2⁶³", name, "data_offsets") { model in
      try model.replaceHeader(name, file.offsets, "\"data_offsets\":[16,9223372036854775808]")
    },
    Damage("\(name) with the largest offset", name, "takes bytes") { model in
      try model.replaceHeader(name, file.offsets, "\"data_offsets\":[16,9223372036854775807]")
    },
    Damage("\(name) with a shape whose size overflows", name, first, "shape") { model in
      try model.replaceHeader(
        name, "\"shape\":\(file.shape)", "\"shape\":[4294967296,4294967296,4294967296]")
    },
    Damage("\(name) with a header that is not UTF-8", name, "not UTF-8") { model in
      try model.changeHeader(name) { $0.insert(contentsOf: [0x22, 0xFF, 0x22], at: 1) }
    },
    Damage("\(name) with a tensor twice", name, "\"__metadata__\"", "a second time") { model in
      try model.replaceHeader(name, metadata, metadata + "\"__metadata__\":{},")
    },
    Damage("\(name) with a deeply nested header", name, "in one another") { model in
      try model.replaceHeader(
        name, metadata, "{\"__metadata__\":" + String(repeating: "[", count: 100_000))
    },
    Damage("\(name) with another shape", name, "\"\(first)\"", "shape", "config") { model in
      let shape = file.shape == "[8]" ? "[2,4]" : "[16,77]"
      try model.replaceHeader(name, "\"shape\":\(file.shape)", "\"shape\":\(shape)")
    },
    Damage("\(name) with integers", name, "\"\(first)\"", "I16", "convert it") { model in
      try model.replaceHeader(
        name, "\"\(first)\":{\"dtype\":\"F16\"", "\"\(first)\":{\"dtype\":\"I16\"")
    },
    Damage("\(name) with an unknown type", name, "\"\(first)\"", "F17") { model in
      try model.replaceHeader(
        name, "\"\(first)\":{\"dtype\":\"F16\"", "\"\(first)\":{\"dtype\":\"F17\"")
    },
    Damage("\(name) without a tensor it needs", name, "no tensor", "\"\(first)\"") { model in
      try model.replaceHeader(name, "\"\(first)\"", "\"stranger\"")
    },
    Damage("\(name) with a tensor nobody knows", name, "no place", "\"stranger\"") { model in
      try model.replaceHeader(
        name, metadata,
        metadata + "\"stranger\":{\"dtype\":\"F16\",\"shape\":[0],\"data_offsets\":[0,0]},")
    },
    Damage("\(name) with NaN", name, "\"\(first)\"", "NaN") { model in
      try model.change(name) { data in
        let start = 8 + Int(data[0]) + Int(data[1]) << 8
        data.replaceSubrange(start..<start + 2, with: [0x00, 0x7E])
      }
    },
    Damage("\(name) with infinity", name, "\"\(first)\"", "infinity") { model in
      try model.change(name) { data in
        let start = 8 + Int(data[0]) + Int(data[1]) << 8
        data.replaceSubrange(start + 4..<start + 6, with: [0x00, 0xFC])
      }
    },
  ]
}

private let merges = "tokenizer/merges.txt"
private let vocabulary = "tokenizer/vocab.json"

private let tokenizerDamages: [Damage] = [
  Damage("no merges", code: 66, merges) { try FileManager.default.removeItem(at: $0.file(merges)) },
  Damage("empty merges", merges, "is empty") { try Data().write(to: $0.file(merges)) },
  Damage("half a merge", merges, "merge") { model in
    try model.change(merges) { $0 = $0.prefix(while: { $0 != 0x0A }) + Data("\nc".utf8) }
  },
  Damage("merges that are not UTF-8", merges, "merge 1", "vocabulary") { model in
    try model.replace(merges, "c a", "c \u{E9}")
    try model.change(merges) { data in
      let mark = try #require(data.firstRange(of: Data("\u{E9}".utf8)))
      data.replaceSubrange(mark, with: [0xFF])
    }
  },
  Damage("a merge of three", merges, "merge 1", "two tokens") { model in
    try model.replace(merges, "c a", "c a t")
  },
  Damage("a merge into nothing", merges, "merge 1", "vocabulary lacks") { model in
    try model.replace(merges, "c a", "c !")
  },
  Damage("a megabyte of one line", merges, "merge 1") { model in
    try Data(repeating: 0x61, count: 1 << 20).write(to: model.file(merges))
  },
  Damage("a negative id", vocabulary, "\"!\"") { model in
    try model.replace(vocabulary, "\"!\": 0", "\"!\": -1")
  },
  Damage("an id that is text", vocabulary, "\"!\"") { model in
    try model.replace(vocabulary, "\"!\": 0", "\"!\": \"zero\"")
  },
  Damage("an id beyond 2³¹", vocabulary, "\"!\"") { model in
    try model.replace(vocabulary, "\"!\": 0", "\"!\": 2147483648")
  },
  Damage("an id beyond the text encoder's table", "2147483647", "551") { model in
    try model.replace(vocabulary, "\"!</w>\": 256", "\"!</w>\": 2147483647")
  },
  Damage("no end of text", "the tokenizer gives the token", "must come from one model") { model in
    try model.replace(vocabulary, "<|endoftext|>", "<|end|>")
    try model.replace("tokenizer/special_tokens_map.json", "\"bos_token\"", "\"_bos\"")
  },
  Damage("a special token that is a number", "special_tokens_map.json", "bos_token") { model in
    try model.replace("tokenizer/special_tokens_map.json", "\"<|startoftext|>\"", "5")
  },
  Damage("an unknown class", "model_index.json", "\"T5Tokenizer\"") { model in
    try model.replace("model_index.json", "CLIPTokenizer", "T5Tokenizer")
  },
  Damage("a length of 2", "tokenizer_config.json", "model_max_length", "2") { model in
    try model.replace("tokenizer/tokenizer_config.json", ": 77", ": 2")
  },
  Damage("more tokens than the text encoder takes", "78", "77", "one model") { model in
    try model.replace("tokenizer/tokenizer_config.json", ": 77", ": 78")
  },
]

private let contradictions: [Damage] = [
  Damage("no folder", code: 66, "model: there is no such file") { model in
    try FileManager.default.removeItem(atPath: model.path)
  },
  Damage("a file that is no model", "model", "ends at byte 1") { model in
    try FileManager.default.removeItem(atPath: model.path)
    try Data("x".utf8).write(to: URL(fileURLWithPath: model.path))
  },
  Damage("no folder of a part", code: 66, "model/vae", "model_index.json") { model in
    try FileManager.default.removeItem(at: model.file("vae"))
  },
  Damage("an index without a part", "model_index.json", "\"unet\"") { model in
    try model.replace("model_index.json", "\"unet\"", "\"_unet\"")
  },
  Damage("an index without a class", "model_index.json", "\"_class_name\"") { model in
    try model.replace("model_index.json", "\"_class_name\"", "\"_class\"")
  },
  Damage("another pipeline", "model_index.json", "KandinskyPipeline") { model in
    try model.replace("model_index.json", "StableDiffusionPipeline", "KandinskyPipeline")
  },
  Damage("another U-Net", "model/unet", "UNet3DConditionModel") { model in
    try model.replace("model_index.json", "UNet2DConditionModel", "UNet3DConditionModel")
  },
  Damage("text of another width", "attn2", "config.json") { model in
    // 209 tensors are of the wrong shape then; the first is told.
    try model.replace(
      "unet/config.json", "\"cross_attention_dim\": 16", "\"cross_attention_dim\": 8")
  },
  Damage("a setting of another model", "unet/config.json", "\"num_class_embeds\"") { model in
    try model.replace(
      "unet/config.json", "\"num_class_embeds\": null", "\"num_class_embeds\": 10")
  },
  Damage("a setting of the wrong type", "unet/config.json", "\"in_channels\"") { model in
    try model.replace("unet/config.json", "\"in_channels\": 4", "\"in_channels\": \"four\"")
  },
  Damage("no groups", "unet/config.json") { model in
    try model.replace("unet/config.json", "\"norm_num_groups\": 4", "\"norm_num_groups\": 0")
  },
  Damage("2⁶³-1 channels", "unet/config.json") { model in
    try model.replace(
      "unet/config.json", "\"in_channels\": 4", "\"in_channels\": 9223372036854775807")
  },
  Damage("more layers than tensors", "no tensor", "encoder.layers.2") { model in
    try model.replace(
      "text_encoder/config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1000000")
  },
  Damage("no heads", "text_encoder/config.json", "num_attention_heads") { model in
    try model.replace(
      "text_encoder/config.json", "\"num_attention_heads\": 2", "\"num_attention_heads\": 0")
  },
  Damage("a latent scaled by 0", "vae/config.json", "scaling_factor") { model in
    try model.replace("vae/config.json", "0.18215", "0")
  },
  Damage("a latent scaled by nearly 0", "not a number", "not known", "try another") { model in
    try model.replace("vae/config.json", "0.18215", "1e-44")
  },
  Damage("more noise than there is", "scheduler_config.json", "beta") { model in
    try model.replace("scheduler/scheduler_config.json", "0.012", "7")
  },
  Damage("noise without bounds", "scheduler_config.json", "beta") { model in
    try model.replace("scheduler/scheduler_config.json", "0.012", "1e300")
  },
  Damage("no training steps", "scheduler_config.json", "num_train_timesteps") { model in
    try model.replace("scheduler/scheduler_config.json", ": 1000", ": 0")
  },
  Damage("an unknown schedule", "scheduler_config.json", "beta_schedule") { model in
    try model.replace("scheduler/scheduler_config.json", "scaled_linear", "sigmoid")
  },
  Damage("damaged defaults", "lantern.json", "\"steps\"") { model in
    try Data("{\"steps\": \"many\"}".utf8).write(to: model.file("lantern.json"))
  },
]
