import Foundation
import Lantern
import LanternFormats
import LanternLibrary
import LanternPlatform
import LanternTensor
import TestSupport
import Testing

/// What is found: scores of rank_bm25, products of vectors, merged ranks.
@Suite struct LibrarySearchTests {
  /// A library with a passage for each text, in a fresh folder.
  static func library(_ texts: [String], in path: String) throws -> LibraryFolder {
    let folder = LibraryFolder(path)
    let writer = try LibraryWriter("x", in: folder)
    try writer.add(
      LibraryWriter.NewDocument(
        source: "/x.txt", title: "X", checksum: "1", passages: texts.map { Passage(text: $0) }))
    return folder
  }

  @Test("scores of BM25 equal rank_bm25's, for common, rare, repeated and unknown words")
  func bm25() throws {
    let reference = try #require(try JSON.read(fixture("library/bm25.json")).object)
    let corpus = try #require(reference["corpus"]?.array).compactMap(\.string)
    let queries = try #require(reference["queries"]?.array).compactMap(\.object)
    #expect(corpus.count > 40 && queries.count > 4)
    try withTemporaryFolder { path in
      let search = try LibrarySearch(Library("x", in: Self.library(corpus, in: path)))
      for row in queries {
        let query = try #require(row["query"]?.string)
        let expected = try #require(row["scores"]?.array).compactMap(\.double)
        let found = try search.search(query, top: 1000, method: .bm25)
        let scores = Dictionary(uniqueKeysWithValues: found.map { ($0.text, $0.score) })
        for (text, score) in zip(corpus, expected) {
          let own = scores[text] ?? 0
          #expect(abs(own - score) <= 1e-9 * max(1, abs(score)), "\(query): \(own), not \(score)")
        }
        #expect(found.map(\.score) == found.map(\.score).sorted(by: >))
      }
    }
  }

  @Test("products and ranks of vectors are the embedder's own")
  func dense() throws {
    let texts = ["the fox", "a key and a fox", "größe 12", "the key the key", "x"]
    let model = fixture("sentence_folders/bert")
    try withTemporaryFolder { path in
      let folder = try Self.library(texts, in: path)
      let encoder = try LibraryEncoder(path: model, precision: .exact)
      let adding = LibraryImport(try LibraryWriter("x", in: folder))
      try adding.addVectors(by: encoder)
      let library = try Library("x", in: folder)
      #expect(try library.counts().vectors == texts.count)
      let search = try LibrarySearch(
        library, encoder: LibraryEncoder(of: library, precision: .exact))
      let found = try search.search("the fox", method: .dense)

      let embedder = try TextEmbedder(path: model, precision: .exact)
      let passage = ["passage", "document", "corpus"].first { embedder.prompts[$0] != nil }
      let vectors = try embedder.vectors(of: texts, prompt: passage).map(\.values)
      let query = try embedder.vector(
        of: "the fox", prompt: embedder.prompts["query"] == nil ? nil : "query")
      let products = Dictionary(
        uniqueKeysWithValues: zip(texts, vectors.map { TextEmbedder.product($0, query) }))
      #expect(found.count == texts.count)
      for passage in found {
        #expect(abs(passage.score - (products[passage.text] ?? 9)) < 1e-5, "\(passage.text)")
      }
      #expect(found.map(\.text) == texts.sorted { (products[$0] ?? 0) > (products[$1] ?? 0) })
    }
  }

  @Test("what is removed counts no longer: scores are those of a library that never had it")
  func removed() throws {
    let texts = ["fox fox den", "badger sett", "a red fox", "owl and mouse", "mouse hole"]
    try withTemporaryFolder { path in
      let folder = try Self.library(texts, in: path + "/a")
      do {
        let writer = try LibraryWriter("x", in: folder)
        try writer.add(
          LibraryWriter.NewDocument(
            source: "/y.txt", checksum: "2",
            passages: [Passage(text: "fox owl"), Passage(text: "fox")]))
        try writer.remove("/y.txt")
      }
      let fresh = try Self.library(texts, in: path + "/b")
      let found = try [folder, fresh].map {
        try LibrarySearch(Library("x", in: $0)).search("fox owl").map { "\($0.text) \($0.score)" }
      }
      #expect(found[0] == found[1] && found[0].count == 3)
    }
  }

  @Test("another model is refused, and a library without vectors has no dense search")
  func models() throws {
    try withTemporaryFolder { path in
      let folder = try Self.library(["the fox"], in: path)
      let words = try LibrarySearch(Library("x", in: folder))
      #expect(throws: LibraryError.noVectors(library: "x")) {
        try words.search("fox", method: .dense)
      }
      #expect(throws: LibraryError.emptyQuery) { try words.search("?!", method: .bm25) }
      #expect(try words.search("fox").count == 1 && words.search("nothing").isEmpty)
      do {
        let adding = LibraryImport(try LibraryWriter("x", in: folder))
        try adding.addVectors(by: LibraryEncoder(path: fixture("sentence_folders/bert")))
      }
      let adding = LibraryImport(try LibraryWriter("x", in: folder))
      // One has as many features, and other weights.
      for name in ["gguf_models/qwen2.gguf", "sentence_folders/qwen3"] {
        let other = try LibraryEncoder(path: fixture(name))
        #expect {
          try adding.addVectors(by: other)
        } throws: { error in
          if case LibraryError.otherModel = error { true } else { false }
        }
      }
    }
  }

  @Test("ranks are merged by 1 / (60 + rank)")
  func fused() {
    let merged = ReciprocalRank.fused([[1, 2, 3], [3, 1], []])
    #expect(merged.map(\.id) == [1, 3, 2])
    let expected = [1.0 / 61 + 1.0 / 62, 1.0 / 63 + 1.0 / 61, 1.0 / 62]
    for (item, score) in zip(merged, expected) { #expect(abs(item.score - score) < 1e-15) }
    #expect(ReciprocalRank.fused([[5], [4]]).map(\.id) == [4, 5])
  }

  @Test("of many vectors the nearest are those that sorting all finds, ties by their ids")
  func nearest() throws {
    var values: [Float] = []
    for index in 0..<3000 { values += [Float((index * 7919) % 100), Float(index % 3), 1] }
    let ids = (0..<3000).map { Int64($0 * 2) }
    let index = try DenseIndex(ids: ids, values: values, features: 3)
    let all = try index.products(with: [1, 0.5, 0])
    let sorted = zip(ids, all).sorted { ($1.1, $0.0) < ($0.1, $1.0) }.prefix(40).map(\.0)
    #expect(try index.nearest(to: [1, 0.5, 0], top: 40).map(\.id) == Array(sorted))
    #expect(try index.nearest(to: [1, 0, 0], top: 5000).count == 3000)
    #expect(throws: TensorError.self) { try index.products(with: [1]) }
  }
}
