import Foundation
import Lantern
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Vectors of texts by small random models: tools/fixtures/text_embeddings.py.
@Suite struct TextEmbedderTests {
  private let reference: SafetensorsFile
  private let texts: [String]

  init() throws {
    reference = try SafetensorsFile(fixture("text_embeddings.safetensors"))
    let list = Array(try #require(reference.metadata["texts"]).utf8)
    texts =
      try list.withUnsafeBytes { try JSON.parse($0, file: "texts") }.array?
      .compactMap(\.string) ?? []
  }

  @Test(
    "vectors are transformers' hidden states, pooled and scaled",
    arguments: ["llama", "qwen3", "gemma3"])
  func vectors(name: String) throws {
    #expect(texts.count == 4)
    for pooling in [TextEmbedder.Pooling.mean, .last, .cls] {
      let embedder = try TextEmbedder(
        path: fixture("language_folders/\(name)"), pooling: pooling, precision: .exact)
      #expect(embedder.notes.isEmpty && embedder.pooling == [pooling])
      let rows = try texts.map { try embedder.vector(of: $0) }
      let wanted = try #require(try reference.tensor("\(name).\(pooling.rawValue)"))
      #expect(wanted.shape == [texts.count, embedder.features])
      let found = try Tensor(rows.flatMap { $0 }, shape: wanted.shape)
      let worst = try expectEqual(found, wanted, relative: 1e-5, "\(name) \(pooling)")
      tell("\(name) \(pooling)", isFrom: "transformers", by: worst)
    }
    let embedder = try TextEmbedder(
      path: fixture("language_folders/\(name)"), precision: .exact)
    let raw = try texts.flatMap { try embedder.vector(of: $0, isNormalized: false) }
    let wanted = try #require(try reference.tensor("\(name).raw"))
    try expectEqual(Tensor(raw, shape: wanted.shape), wanted, relative: 1e-5, "\(name) raw")
  }

  @Test("a folder says how it pools, and another way is noted")
  func poolingOfFolder() throws {
    try withTemporaryFolder { folder in
      let model = "\(folder)/model"
      try FileManager.default.copyItem(atPath: fixture("language_folders/llama"), toPath: model)
      try FileManager.default.createDirectory(
        atPath: "\(model)/1_Pooling", withIntermediateDirectories: false)
      func write(_ text: String) throws {
        try AtomicFile.write(Array(text.utf8), to: "\(model)/1_Pooling/config.json")
      }
      try write("{\"word_embedding_dimension\": 24, \"pooling_mode_lasttoken\": true}")
      #expect(try TextEmbedder(path: model).pooling == [.last])
      let other = try TextEmbedder(path: model, pooling: .mean)
      #expect(other.pooling == [.mean])
      #expect(other.notes.contains { $0.contains("the model's files say last") })
      try write("{\"pooling_mode_strange\": true}")
      let error = try #require(throws: FormatError.self) { try TextEmbedder(path: model) }
      #expect("\(error)".contains("pooling_mode_strange"))
    }
  }

  @Test("a GGUF file's pooling_type is followed")
  func poolingOfFile() throws {
    try withTemporaryFolder { folder in
      let original = try GGUFFile(fixture("gguf_models/qwen2.gguf"))
      let names = original.names
      for (number, pooling) in [(1, TextEmbedder.Pooling.mean), (2, .cls), (3, .last), (0, .mean)] {
        let path = "\(folder)/\(number).gguf"
        let tensors = try names.map { name in
          let shape = try #require(original.info(name)?.shape)
          let type = try #require(original.info(name).flatMap { GGMLType.named($0.dtype) })
          return GGUFTensor(name, shape, type) { () throws(FormatError) in
            guard let found = try original.stored(name) else {
              throw .missingTensor(name: name, file: "qwen2.gguf")
            }
            return found
          }
        }
        try GGUFFile.write(
          original.fields + [GGUFField("qwen2.pooling_type", number)], tensors, to: path)
        #expect(try TextEmbedder(path: path).pooling == [pooling], "\(number)")
      }
    }
  }

  @Test("cosines are of angles, and of nothing 0")
  func cosines() {
    #expect(TextEmbedder.cosine([3, 4], [6, 8]) == 1)
    #expect(TextEmbedder.cosine([1, 0], [0, 2]) == 0)
    #expect(TextEmbedder.cosine([1, 0], [0, 0]) == 0)
    #expect(abs(TextEmbedder.cosine([1, 0], [-1, 1]) + 0.5.squareRoot()) < 1e-12)
  }
}
