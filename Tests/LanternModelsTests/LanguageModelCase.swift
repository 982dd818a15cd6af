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
}

extension ModelFixture {
  /// Logits without the axis of the batch.
  func rows(_ key: String) throws -> Tensor {
    let all = try tensor(key)
    return try all.reshaped([all.shape[1], all.shape[2]])
  }
}
