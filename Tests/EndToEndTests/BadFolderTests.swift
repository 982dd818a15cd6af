import Foundation
import TestSupport
import Testing

/// Every file of a model's folder, damaged in every way: one line that names the file, an exit code,
/// and nothing written.
@Suite("Damaged models") struct BadFolderTests {
  private static let files = [
    "model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.safetensors",
    "vae/config.json", "vae/diffusion_pytorch_model.safetensors", "text_encoder/config.json",
    "text_encoder/model.safetensors", "tokenizer/vocab.json", "tokenizer/merges.txt",
    "scheduler/scheduler_config.json",
  ]
  private static let configs = files.filter { $0.hasSuffix(".json") }
  private static let weights = files.filter { $0.hasSuffix(".safetensors") }

  /// Draws with the tiny model after `damage` to the file, and expects the one line.
  ///
  /// - Parameter hints: what the line must say.
  private func expectRefusal(
    of file: String, codes: Set<Int32> = [65], hints: [String] = [],
    damage: (_ path: String) throws -> Void
  ) throws {
    try withTemporaryFolder { folder in
      let model = "\(folder)/model"
      try FileManager.default.copyItem(atPath: Program.model, toPath: model)
      try damage("\(model)/\(file)")
      try FileManager.default.createDirectory(
        atPath: "\(folder)/out", withIntermediateDirectories: false)
      let found = try Program.run([
        "image", "a fox", "-m", model, "--steps", "1", "-o", "\(folder)/out/fox.png",
      ])
      #expect(found.exited, "\(file): ended by a signal")
      #expect(codes.contains(found.code), "\(file): code \(found.code): \(found.errors)")
      #expect(found.errorLines.count == 1, "\(file): \(found.errors)")
      let name = file.split(separator: "/").last ?? ""
      #expect(found.errors.contains(name), "\(file): \(found.errors)")
      for hint in hints { #expect(found.errors.contains(hint), "\(hint): \(found.errors)") }
      #expect(found.output.isEmpty)
      #expect(try names(in: "\(folder)/out").isEmpty)
    }
  }

  private func overwrite(_ path: String, _ data: Data) throws {
    try data.write(to: URL(fileURLWithPath: path))
  }

  @Test("a missing file is named, with exit code 66", arguments: files)
  func missing(file: String) throws {
    try expectRefusal(of: file, codes: [66]) { try FileManager.default.removeItem(atPath: $0) }
  }

  @Test("an empty file is named", arguments: files)
  func empty(file: String) throws {
    try expectRefusal(of: file) { try overwrite($0, Data()) }
  }

  @Test("a file cut in the middle is named", arguments: files)
  func truncated(file: String) throws {
    try expectRefusal(of: file) { path in
      let data = try bytes(of: path)
      // Half a table of merges is a table; cut inside a line it is not.
      let count = file.hasSuffix(".txt") ? data.count - 5 : data.count / 2
      try overwrite(path, data.prefix(count))
    }
  }

  @Test("a folder in a file's place is named", arguments: files)
  func folder(file: String) throws {
    try expectRefusal(of: file, codes: [65, 66]) { path in
      try FileManager.default.removeItem(atPath: path)
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }
  }

  @Test("settings that are deep, not UTF-8, doubled or no object are refused", arguments: configs)
  func hostileSettings(file: String) throws {
    for text in [
      String(repeating: "[", count: 100_000), #"{"a": 1, "a": 2}"#, "[]", "7",
      #"{"_class_name": 7, "vocab": "#,
    ] {
      try expectRefusal(of: file) { try overwrite($0, Data(text.utf8)) }
    }
    try expectRefusal(of: file) { try overwrite($0, Data([0x7B, 0x22, 0xFF, 0x22, 0x7D])) }
  }

  @Test("hostile headers of weights are refused", arguments: weights)
  func hostileHeaders(file: String) throws {
    let entry = #""dtype":"F32","shape":[1]"#
    for header in [
      "{\"a\":{\(entry),\"data_offsets\":[0,4]},\"b\":{\(entry),\"data_offsets\":[0,4]}}",
      "{\"a\":{\(entry),\"data_offsets\":[-4,0]}}",
      "{\"a\":{\(entry),\"data_offsets\":[4,0]}}",
      "{\"a\":{\(entry),\"data_offsets\":[0,99999999999]}}",
      "{\"a\":{\(entry),\"data_offsets\":[0,4]},\"a\":{\(entry),\"data_offsets\":[4,8]}}",
      "{\"a\":{\"dtype\":\"F99\",\"shape\":[1],\"data_offsets\":[0,4]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,4]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}",
      String(repeating: "{\"a\":", count: 50_000),
    ] {
      try expectRefusal(of: file) { path in
        try overwrite(path, self.safetensors(header: Data(header.utf8)))
      }
    }
    try expectRefusal(of: file) { try overwrite($0, self.safetensors(header: Data([0xFF, 0xFE]))) }
    for length: UInt64 in [.max, 1 << 62, 1 << 40, 0] {
      try expectRefusal(of: file) { path in
        let claim = withUnsafeBytes(of: length.littleEndian) { Data($0) }
        try overwrite(path, claim + Data(repeating: 0x20, count: 64))
      }
    }
  }

  private func safetensors(header: Data, data: Data = Data(count: 8)) -> Data {
    let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
    return length + header + data
  }

  @Test("a tensor of another shape, type or name, or not a number, is named", arguments: weights)
  func wrongTensors(file: String) throws {
    let name = file.hasPrefix("text") ? "final_layer_norm.bias" : "conv_in.bias"
    let changes: [(inout [String: Any], String) -> Void] = [
      { header, key in
        self.change(&header, key) { $0["shape"] = ($0["shape"] as? [Int] ?? []) + [1] }
      },
      { header, key in self.change(&header, key) { $0["dtype"] = "I32" } },
      { header, key in header[key + "s"] = header.removeValue(forKey: key) },
    ]
    for change in changes {
      try expectRefusal(of: file, hints: [name]) { path in
        let data = try bytes(of: path)
        let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let parsed = try JSONSerialization.jsonObject(with: data[8..<8 + length])
        var header = try #require(parsed as? [String: Any])
        let key = try #require(header.keys.filter { $0.hasSuffix(name) }.min())
        change(&header, key)
        let written = try JSONSerialization.data(withJSONObject: header)
        try overwrite(path, safetensors(header: written, data: data[(8 + length)...]))
      }
    }
  }

  private func change(
    _ header: inout [String: Any], _ key: String, _ body: (inout [String: Any]) -> Void
  ) {
    var entry = header[key] as? [String: Any] ?? [:]
    body(&entry)
    header[key] = entry
  }

  @Test("weights that are not numbers are refused before a picture is drawn", arguments: weights)
  func notNumbers(file: String) throws {
    try expectRefusal(of: file) { path in
      let data = try bytes(of: path)
      try overwrite(path, data.prefix(data.count - 64) + Data(repeating: 0xFF, count: 64))
    }
  }

  @Test("a setting that is not supported is named with its value")
  func unsupported() throws {
    for (file, key, value) in [
      ("unet/config.json", "time_embedding_type", "fourier"),
      ("unet/config.json", "some_new_setting", "on"),
      ("vae/config.json", "mid_block_type", "odd"),
      ("scheduler/scheduler_config.json", "prediction_type", "flow"),
      ("text_encoder/config.json", "hidden_act", "tanh"),
    ] {
      try expectRefusal(of: file, hints: [key, value]) { path in
        var settings =
          try JSONSerialization.jsonObject(with: bytes(of: path)) as? [String: Any] ?? [:]
        settings[key] = value
        try overwrite(path, JSONSerialization.data(withJSONObject: settings))
      }
    }
  }
}
