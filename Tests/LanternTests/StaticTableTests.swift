import Foundation
import Lantern
import LanternFormats
import TestSupport
import Testing

/// Tables of tokens' vectors against model2vec's, sentence-transformers' and WordLlama's own: tools/fixtures/static_tables.py.
@Suite struct StaticTableTests {
  private static let names = [
    "model2vec", "potion", "sentence", "wordllama/weights/tiny_pairs_8.safetensors",
  ]
  private let texts: [String]
  private let vectors: [String: [[Double]]]

  init() throws {
    let all = try #require(JSON.read(fixture("static_tables/vectors.json")).object)
    texts = (all["texts"]?.array ?? []).compactMap(\.string)
    vectors = (all["vectors"]?.object ?? [:]).mapValues { rows in
      (rows.array ?? []).map { ($0.array ?? []).compactMap(\.double) }
    }
  }

  private func embedder(_ name: String) throws -> TextEmbedder {
    try TextEmbedder(path: fixture("static_tables/\(name)"))
  }

  @Test("vectors are those of the library whose files they are", arguments: names)
  func parity(name: String) throws {
    let wanted = try #require(vectors[name])
    let embedder = try embedder(name)
    #expect(embedder.notes.isEmpty && wanted.count == 10, "\(embedder.notes)")
    let found = try embedder.vectors(of: texts, isNormalized: false)
    var worst = 0.0
    for (vector, reference) in zip(found, wanted) {
      #expect(vector.values.count == reference.count)
      let largest = reference.map(abs).max() ?? 0
      for (value, number) in zip(vector.values, reference) {
        #expect(abs(Double(value) - number) <= 1e-5 * max(1, largest), "\(name)")
        worst = max(worst, abs(Double(value) - number))
      }
    }
    tell(name, isFrom: "the library", by: Float(worst))
    let scaled = try embedder.vectors(of: texts).map { $0.values.reduce(0) { $0 + $1 * $1 } }
    for (length, reference) in zip(scaled, wanted) {
      let isZero = reference.allSatisfy { $0 == 0 }
      #expect(abs(Double(length) - (isZero ? 0 : 1)) < 1e-5, "\(name)")
    }
  }

  @Test("a text without a known token has a vector of zeros, and is like nothing")
  func nothing() throws {
    let embedder = try embedder("potion")
    let vectors = try embedder.vectors(of: ["", "a fox"])
    #expect(vectors[0].values.allSatisfy { $0 == 0 } && vectors[0].tokens == 0)
    #expect(TextEmbedder.cosine(vectors[0].values, vectors[1].values) == 0)
  }

  @Test("what is beyond the settings' length is cut and counted")
  func length() throws {
    let vectors = try embedder("model2vec").vectors(of: ["a red fox", texts[8]])
    #expect(vectors[0].cut == 0 && vectors[1].cut > 0 && vectors[1].tokens <= 9)
  }

  @Test("a prompt of the folder stands in front")
  func prompts() throws {
    let embedder = try embedder("sentence")
    let behind = try embedder.vector(of: "fox", prompt: "query")
    #expect(try behind == embedder.vector(of: "the fox"))
  }

  /// What loading a changed copy of a table says.
  private func complaint(_ name: String, _ change: (String) throws -> Void) throws -> String {
    try withTemporaryFolder { folder in
      let copy = folder + "/copy"
      try FileManager.default.copyItem(atPath: fixture("static_tables/\(name)"), toPath: copy)
      try change(copy)
      do {
        _ = try TextEmbedder(path: copy)
        return "loaded"
      } catch {
        return "\(error)"
      }
    }
  }

  @Test(
    "settings that are not known, a table of another size and damaged files are refused in a line")
  func refusals() throws {
    func write(_ text: String, _ path: String) throws {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }
    #expect(try complaint("model2vec") { _ in } == "loaded")
    for (text, word) in [
      ("{\"max_length\": 0}", "max_length"),
      ("{\"quantization_config\": 1}", "quantization_config"),
      ("{\"max_length\": null}", "loaded"),
    ] {
      let said = try complaint("model2vec") { try write(text, "\($0)/config.json") }
      #expect(said.contains(word), "\(said)")
    }
    let other = try complaint("potion") { copy in
      try FileManager.default.removeItem(atPath: "\(copy)/tokenizer.json")
      try FileManager.default.copyItem(
        atPath: fixture("static_tables/model2vec/tokenizer.json"), toPath: "\(copy)/tokenizer.json")
    }
    #expect(other.contains("the tokenizer has"), "\(other)")
    let lost = try complaint("potion") {
      try FileManager.default.removeItem(atPath: "\($0)/tokenizer.json")
    }
    #expect(lost.contains("tokenizer.json"), "\(lost)")
    let path = fixture("static_tables/model2vec/model.safetensors")
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    for count in stride(from: 0, to: bytes.count, by: 11) {
      let said = try complaint("model2vec") {
        try bytes[..<count].write(to: URL(fileURLWithPath: "\($0)/model.safetensors"))
      }
      #expect(said != "loaded")
    }
  }
}
