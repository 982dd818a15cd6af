import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// A language model of a fixture, with a text and transformers' logits at each of its tokens.
struct LanguageModelCase {
  let fixture: ModelFixture
  let make: (Config, Weights) throws(ModelError) -> any CausalLanguageModel
  let ids: [Int]
  let logits: Tensor

  init(_ subject: String, _ name: String) throws {
    fixture = try ModelFixture(subject, name)
    let names = fixture.config["architectures"]?.array?.compactMap(\.string)
    make = try #require(names?.first.flatMap { ModelCatalogue.languageModels[$0] })
    ids = try fixture.tensor("ids").integers().map(Int.init)
    logits = try fixture.rows("logits")
  }

  func model() throws -> any CausalLanguageModel { try fixture.build(make) }

  /// Expects scores to be those of the positions from `first` on.
  func expect(_ scores: Tensor, from first: Int, of all: Tensor? = nil, _ comment: String) throws {
    let count = scores.shape[1]
    let wanted = try (all ?? logits).sliced(axis: 0, first..<first + count)
    let worst = try expectEqual(
      scores.reshaped([count, scores.shape[2]]), wanted.contiguous(), relative: 1e-4, comment)
    tell(comment, isFrom: "transformers", by: worst)
  }

  /// Expects the model to have the text's logits at once, token by token, and in pieces.
  func expectWholeAndCached(_ name: String) throws {
    let model = try model()
    var cache = try model.makeCache(capacity: 1)
    try expect(model.logits(model.read(ids, into: &cache)), from: 0, name)
    #expect(cache.count == ids.count)
    cache.forget(beyond: 0)
    for (index, id) in ids.enumerated() {
      try expect(model.logits(model.read([id], into: &cache)), from: index, "\(name) \(index)")
    }
    cache.forget(beyond: 0)
    var first = 0
    for count in [5, 1, 11, 2, 11] {
      let strange = Array(ids.reversed().prefix(7))
      _ = try model.read(strange, into: &cache, mask: .causal, keeping: false)
      let piece = Array(ids[first..<first + count])
      try expect(
        model.logits(model.read(piece, into: &cache)), from: first, "\(name) from \(first)")
      first += count
    }
    #expect(first == ids.count)
  }

  /// Expects the model to be refused with one setting changed, in these words.
  func expectRefusal(_ key: String, _ value: JSONValue, _ words: String) throws {
    let complaint = try fixture.complaint(make, key, value)
    let architecture = fixture.config["architectures"].map { JSON.write($0) } ?? ""
    #expect(complaint.contains(words), "\(architecture) \(key): \(complaint)")
  }

  /// Expects several sequences behind one beginning to have, to the bit, the hidden states that each has alone.
  func expectSeveral(_ name: String) throws {
    let model = try model()
    var cache = try model.makeCache()
    let (start, ends) = (
      Array(ids[..<7]), [Array(ids[7..<12]), [3, 3, 9, 0, 1], [20, 8, 8, 8, 2]]
    )
    func alone(_ end: [Int]) throws -> [Float] {
      cache.forget(beyond: 0)
      _ = try model.read(start, into: &cache)
      return try end.flatMap { try model.read([$0], into: &cache).floats() }
    }
    let wanted = try ends.map(alone)
    cache.forget(beyond: 0)
    _ = try model.read(start, into: &cache)
    try cache.branch(ends.count, capacity: 1)
    var found = ends.map { _ in [Float]() }
    for position in ends[0].indices {
      cache.select(Array(ends.indices))
      let hidden = try model.read(ends.map { $0[position] }, into: &cache)
      for index in ends.indices {
        found[index] += try hidden.sliced(axis: 1, index..<index + 1).floats()
      }
    }
    #expect(found == wanted, "\(name)")
  }

  /// Expects the model of a GGUF file with the same weights to have the text's logits, at once and token by token.
  func expectGGUF(_ name: String) throws {
    let described = try GGUFLanguageModel(GGUFFile(TestSupport.fixture(name)))
    let make = try #require(ModelCatalogue.languageModels[described.className])
    let model = try make(described.config, Weights(TensorArchive(files: [described.tensors])))
    #expect(described.config.notes.isEmpty, "\(described.config.notes)")
    var cache = try model.makeCache()
    try expect(model.logits(model.read(ids, into: &cache)), from: 0, name)
    cache.forget(beyond: 0)
    for (index, id) in ids.enumerated() {
      try expect(model.logits(model.read([id], into: &cache)), from: index, "\(name) \(index)")
    }
  }
}

extension ModelFixture {
  /// Logits without the axis of the batch.
  func rows(_ key: String) throws -> Tensor {
    let all = try tensor(key)
    return try all.reshaped([all.shape[1], all.shape[2]])
  }
}
