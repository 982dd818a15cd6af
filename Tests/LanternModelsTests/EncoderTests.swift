import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// Encoders of BERT's kinds against transformers: tools/fixtures/encoders.py.
@Suite struct EncoderTests {
  /// An encoder of the fixture, with texts and transformers' states of each.
  private struct Case {
    let fixture: ModelFixture
    let make: ModelCatalogue.EncoderRow
    let texts: [[Int]]
    let segments: [[Int]]?

    init(_ name: String) throws {
      let fixture = try ModelFixture("encoders", name)
      self.fixture = fixture
      let names = fixture.config["architectures"]?.array?.compactMap(\.string)
      make = try #require(names?.first.flatMap { ModelCatalogue.encoders[$0] })
      let ranges = TextRuns(try fixture.tensor("lengths").integers().map(Int.init)).ranges
      func parts(_ key: String) throws -> [[Int]] {
        let all = try fixture.tensor(key).integers().map(Int.init)
        return ranges.map { Array(all[$0]) }
      }
      texts = try parts("ids")
      segments = fixture.names("segments").isEmpty ? nil : try parts("segments")
    }

    /// The states of some of the texts, `[token, feature]`.
    func states(_ encoder: any BidirectionalEncoder, _ indices: [Int]) throws -> Tensor {
      let batch = TokenBatch(
        indices.map { texts[$0] }, segments: segments.map { all in indices.map { all[$0] } })
      let states = try encoder.states(of: batch)
      #expect(states.shape == [1, batch.ids.count, encoder.features])
      return try states.reshaped([batch.ids.count, encoder.features])
    }
  }

  private static let names = [
    "bert", "bert_masked", "roberta", "roberta_masked", "xlm_roberta", "mpnet", "distilbert",
  ]

  @Test("states of texts of many lengths at once are transformers' of each alone", arguments: names)
  func states(name: String) throws {
    let one = try Case(name)
    let encoder = try one.fixture.build(one.make)
    let wanted = try one.fixture.tensor("states")
    #expect(encoder.layerCount == 2 && encoder.vocabularySize == 50 && !encoder.firstStateIsVector)
    #expect(try encoder.states(of: TokenBatch([one.texts[0]])).shape[2] == encoder.features)
    let worst = try expectEqual(
      one.states(encoder, Array(one.texts.indices)), wanted, relative: 1e-4, name)
    tell(name, isFrom: "transformers", by: worst)
  }

  @Test("what a text becomes does not depend on the others in its batch", arguments: names)
  func alone(name: String) throws {
    let one = try Case(name)
    let encoder = try one.fixture.build(one.make)
    let ranges = TextRuns(one.texts.map(\.count)).ranges
    // Two of one length are attended to at once; the long one takes another kernel than the short ones.
    for order in [[0, 3, 1, 4, 2], [4, 4, 4], [1, 1]] {
      let all = try one.states(encoder, order)
      for (index, range) in zip(order, TextRuns(order.map { one.texts[$0].count }).ranges) {
        let alone = try one.states(encoder, [index])
        let among = try all.sliced(axis: 0, range).contiguous()
        try expectEqual(among, alone, relative: 1e-6, "\(name) \(index) of \(order)")
      }
    }
    #expect(ranges.count == 5)
  }

  @Test(
    "DPR's vectors of pairs are the first tokens' states, projected where there is a projection")
  func dpr() throws {
    var vectors: [Tensor] = []
    for name in ["dpr_question", "dpr_context"] {
      let one = try Case(name)
      let encoder = try one.fixture.build(one.make)
      #expect(encoder.firstStateIsVector)
      #expect(encoder.features == (name == "dpr_context" ? 12 : 24))
      let firsts = TextRuns(one.texts.map(\.count)).ranges.map(\.lowerBound)
      let states = try one.states(encoder, Array(one.texts.indices))
      let found = try states.rows(firsts)
      let worst = try expectEqual(
        found, one.fixture.tensor("vectors"), relative: 1e-4, name)
      tell(name, isFrom: "transformers", by: worst)
      vectors.append(found)
    }
    #expect(vectors[0].shape[0] == vectors[1].shape[0])
  }

  @Test("older names of norms, a pooler and heads are read or left")
  func olderNames() throws {
    let one = try Case("bert")
    let encoder = try one.fixture.build(one.make) { _, weights in
      for (key, tensor) in weights where key.contains("LayerNorm.") {
        weights[key] = nil
        let older = key.hasSuffix("weight") ? "gamma" : "beta"
        weights[key.replacing(#/(weight|bias)$/#, with: older)] = tensor
      }
      for name in ["pooler.dense.weight", "cls.predictions.bias", "embeddings.position_ids"] {
        weights[name] = try Tensor(repeating: 1, shape: [2])
      }
    }
    try expectEqual(
      one.states(encoder, Array(one.texts.indices)), one.fixture.tensor("states"), relative: 1e-4,
      "older names")
  }

  @Test("ids and texts that a model does not take are refused")
  func bounds() throws {
    for name in ["bert", "roberta", "mpnet", "distilbert"] {
      let encoder = try { try $0.fixture.build($0.make) }(try Case(name))
      let longest = Array(repeating: 5, count: encoder.maximumLength)
      #expect(try encoder.states(of: TokenBatch([longest])).shape[1] == longest.count)
      for texts in [[], [[]], [[5], []], [[50]], [[-1]], [longest + [5]]] {
        #expect(throws: TensorError.self, "\(name) \(texts.count)") {
          try encoder.states(of: TokenBatch(texts))
        }
      }
      #expect(throws: TensorError.self) {
        try encoder.states(of: TokenBatch([[5, 6]], segments: [[0]]))
      }
    }
  }

  @Test("settings and tensors that are not here are refused by name")
  func refusals() throws {
    let cases: [(String, String, JSONValue, String)] = [
      ("bert", "position_embedding_type", "relative_key", "\"position_embedding_type\""),
      ("bert", "is_decoder", true, "\"is_decoder\""),
      ("bert", "hidden_act", "mish", "\"hidden_act\" is mish"),
      ("bert", "num_attention_heads", 5, "num_attention_heads"),
      ("bert", "type_vocab_size", 0, "type_vocab_size"),
      ("bert", "num_hidden_layers", 4_611_686_018_427_387_904, "sizes must be positive"),
      ("roberta", "max_position_embeddings", 2, "sizes must be positive"),
      ("roberta", "max_position_embeddings", .integer(.min), "sizes must be positive"),
      ("roberta", "pad_token_id", .integer(.max), "sizes must be positive"),
      ("mpnet", "relative_attention_num_buckets", 2, "relative_attention_num_buckets"),
      ("mpnet", "relative_attention_num_buckets", 256, "relative_attention_num_buckets"),
      ("distilbert", "sinusoidal_pos_embds", true, "\"sinusoidal_pos_embds\""),
      ("distilbert", "dim", -24, "sizes must be positive"),
      ("dpr_context", "projection_dim", -1, "projection"),
    ]
    for (name, key, value, words) in cases {
      let one = try Case(name)
      let complaint = try one.fixture.complaint(one.make, key, value)
      #expect(complaint.contains(words), "\(name) \(key): \(complaint)")
    }
    let one = try Case("mpnet")
    for (name, words) in [
      ("encoder.layer.1.attention.attn.o.bias", "no tensor"),
      ("encoder.relative_attention_bias.weight", "no tensor"),
    ] {
      let complaint = try one.fixture.complaintOfWeights(one.make) { $0[name] = nil }
      #expect(complaint.contains(words) && complaint.contains(name), "\(complaint)")
    }
    let surplus = try one.fixture.complaintOfWeights(one.make) {
      $0["embeddings.token_type_embeddings.weight"] = try Tensor(repeating: 1, shape: [1])
    }
    #expect(surplus.contains("token_type_embeddings"), "\(surplus)")
  }
}
