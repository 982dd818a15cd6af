import Foundation
package import LanternFormats
import LanternTensor
import Testing

/// A small transformer of random weights that writes and draws, as a folder: the parts of
/// tools/fixtures/showo.py with the words of tools/fixtures/gpt2_tokenizer.py.
package enum TinyStoryteller {
  /// Writes the folder.
  ///
  /// - Parameters:
  ///   - folder: where; it is made.
  ///   - isInterleaved: whether it says of itself that it opens pictures.
  ///   - change: of the transformer's settings.
  /// - Throws: what Foundation throws where it cannot be written.
  package static func write(
    to folder: String, isInterleaved: Bool = true,
    changing change: (inout [String: JSONValue]) -> Void = { _ in }
  ) throws {
    for part in ["", "/llm", "/magvitv2"] {
      try FileManager.default.createDirectory(
        atPath: folder + part, withIntermediateDirectories: true)
    }
    let file = try SafetensorsFile(fixture("showo.safetensors"))
    let bytes = Array((file.metadata["configs"] ?? "").utf8)
    let configs = try bytes.withUnsafeBytes { try JSON.parse($0, file: "configs") }.object ?? [:]
    var config = configs["showo"]?.object ?? [:]
    config["_class_name"] = .string("Showo")
    config["llm_model_path"] = .string("somebody/llm")
    change(&config)
    try save(.object(config), folder, "config.json")
    var phi = configs["phi"]?.object ?? [:]
    phi["max_position_embeddings"] = .integer(640)
    try save(.object(phi), folder, "llm/config.json")
    try save(configs["magvit"] ?? .null, folder, "magvitv2/config.json")
    try save(
      .object([
        "interleaved": .bool(isInterleaved), "pages": .integer(2), "image_steps": .integer(3),
      ]), folder, "lantern.json")
    for (prefix, name) in [("showo.weights.", ""), ("magvit.weights.", "magvitv2/")] {
      let tensors = try file.names.filter { $0.hasPrefix(prefix) }.sorted().map { key in
        (name: String(key.dropFirst(prefix.count)), tensor: try #require(try file.tensor(key)))
      }
      try SafetensorsFile.write(tensors, to: "\(folder)/\(name)model.safetensors")
    }
    let words = try JSON.read(fixture("gpt2_tokenizer.json")).object ?? [:]
    try save(words["vocab"] ?? .null, folder, "llm/vocab.json")
    let merges = words["merges"]?.array?.compactMap(\.string) ?? []
    try (["#version: 0.2"] + merges + [""]).joined(separator: "\n")
      .write(toFile: "\(folder)/llm/merges.txt", atomically: false, encoding: .utf8)
  }

  private static func save(_ value: JSONValue, _ folder: String, _ name: String) throws {
    try JSON.write(value).write(
      toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
  }
}
