import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// T5's encoders and decoders against transformers: tools/fixtures/t5.py.
@Suite struct T5Tests {
  /// Texts of a case.
  private func texts(_ fixture: ModelFixture) throws -> [[Int]] {
    let ids = try fixture.tensor("ids").integers().map(Int.init)
    return TextRuns(try fixture.tensor("lengths").integers().map(Int.init)).ranges.map {
      Array(ids[$0])
    }
  }

  private func className(_ fixture: ModelFixture) throws -> String {
    try #require(fixture.config["architectures"]?.array?.first?.string)
  }

  @Test(
    "the encoder's states are transformers', with features of heads that do not make up a token's",
    arguments: ["t5", "flan", "umt5", "encoder"])
  func states(name: String) throws {
    let fixture = try ModelFixture("t5", name)
    let make = try #require(ModelCatalogue.encoders[className(fixture)])
    let encoder = try fixture.build(make)
    let texts = try texts(fixture)
    let wanted = try fixture.tensor("states")
    let states = try encoder.states(of: TokenBatch(texts)).reshaped(wanted.shape)
    let worst = try expectEqual(states, wanted, relative: 1e-4, name)
    tell(name, isFrom: "transformers", by: worst)
    var first = 0
    for text in texts {
      let alone = try encoder.states(of: TokenBatch([text])).reshaped([text.count, 20])
      let among = try states.sliced(axis: 0, first..<first + text.count).contiguous()
      try expectEqual(alone, among, relative: 1e-6, "\(name) alone")
      first += text.count
    }
  }

  @Test("as a text encoder of pictures it gives the same states, or those of a layer before")
  func textEncoder() throws {
    let fixture = try ModelFixture("t5", "encoder")
    let make = try #require(ModelCatalogue.textEncoders[className(fixture)])
    let encoder = try fixture.build(make)
    let text = try texts(fixture)[1]
    let all = try fixture.tensor("states").sliced(axis: 0, 6..<17).contiguous()
    let found = try encoder.encode(text, adding: nil, skippedLayers: 0, isNormalized: true)
    try expectEqual(found.states.reshaped([11, 20]), all, relative: 1e-4, "states")
    #expect(found.pooled == nil && encoder.pooledFeatures == 0 && encoder.layerCount == 2)
    let earlier = try encoder.encode(text, adding: nil, skippedLayers: 1, isNormalized: true)
    #expect(earlier.states.shape == [1, 11, 20])
    #expect(try earlier.states.floats() != found.states.floats())
  }

  @Test(
    "the decoder's scores are transformers', at once, token by token and in pieces",
    arguments: ["t5", "flan", "umt5"])
  func logits(name: String) throws {
    let fixture = try ModelFixture("t5", name)
    let make = try #require(ModelCatalogue.languageModels[className(fixture)])
    let model = try #require(try fixture.build(make) as? any EncoderDecoder)
    #expect(model.startToken == (name == "umt5" ? 2 : 0))
    let decoder = try model.answering(texts(fixture)[1])
    let answer = try fixture.tensor("answer").integers().map(Int.init)
    let logits = try fixture.rows("logits")
    for pieces in [[answer.count], Array(repeating: 1, count: answer.count), [5, 1, 100, 35]] {
      var cache = try decoder.makeCache(capacity: 1)
      var first = 0
      for count in pieces {
        let hidden = try decoder.read(Array(answer[first..<first + count]), into: &cache)
        let scores = try decoder.logits(hidden).reshaped([count, 48])
        let wanted = try logits.sliced(axis: 0, first..<first + count).contiguous()
        try expectEqual(scores, wanted, relative: 1e-4, "\(name) from \(first)")
        first += count
      }
      #expect(first == answer.count && cache.count == first)
    }
    // Another text, another answer; without a text none.
    var cache = try model.makeCache()
    #expect(throws: TensorError.self) { try model.read([0], into: &cache) }
    let other = try model.answering(texts(fixture)[0])
    let scores = try other.logits(other.read([answer[0]], into: &cache)).floats()
    #expect(try scores != logits.sliced(axis: 0, 0..<1).floats())
  }

  @Test("the encoder alone is read from a model with a decoder, and from tables of either name")
  func names() throws {
    let fixture = try ModelFixture("t5", "flan")
    let wanted = try fixture.tensor("states")
    let texts = try texts(fixture)
    for name in ["encoder.embed_tokens.weight", "shared.weight"] {
      let encoder = try fixture.build(try #require(ModelCatalogue.encoders["T5EncoderModel"])) {
        $1[name] = $1.removeValue(forKey: "shared.weight")
      }
      let states = try encoder.states(of: TokenBatch(texts)).reshaped(wanted.shape)
      try expectEqual(states, wanted, relative: 1e-4, name)
    }
  }

  @Test("buckets of distances are transformers' at every distance")
  func buckets() throws {
    let file = try SafetensorsFile(fixture("t5.safetensors"))
    for (count, maximum) in [(32, 128), (8, 20), (5, 7), (64, 500)] {
      for (kind, both) in [("both", true), ("before", false)] {
        let wanted = try #require(try file.tensor("buckets.\(count).\(maximum).\(kind)")).integers()
        let found = (-300...300).map {
          RelativePositionBias.bucket(
            of: $0, buckets: count, maximumDistance: maximum, isBidirectional: both)
        }
        #expect(found == wanted.map(Int.init), "\(count) \(maximum) \(kind)")
      }
    }
  }

  @Test("settings and sizes that are not possible are refused by name")
  func refusals() throws {
    let cases: [(String, JSONValue, String)] = [
      ("feed_forward_proj", "gated-mish", "\"feed_forward_proj\""),
      ("feed_forward_proj", "mish", "\"feed_forward_proj\""),
      ("d_kv", 4096, "d_kv"), ("num_layers", -1, "positive"), ("num_heads", 0, "positive"),
      ("num_decoder_layers", 4_611_686_018_427_387_904, "positive"),
      ("relative_attention_num_buckets", 2, "relative_attention"),
      ("relative_attention_max_distance", 8, "relative_attention"),
      ("decoder_start_token_id", 48, "decoder_start_token_id"), ("vocab_size", "x", "vocab_size"),
    ]
    let fixture = try ModelFixture("t5", "flan")
    let make = try #require(ModelCatalogue.languageModels["T5ForConditionalGeneration"])
    for (key, value, words) in cases {
      let complaint = try fixture.complaint(make, key, value)
      #expect(complaint.contains(words), "\(key): \(complaint)")
    }
    for name in [
      "decoder.block.1.layer.1.EncDecAttention.k.weight", "encoder.final_layer_norm.weight",
    ] {
      let complaint = try fixture.complaintOfWeights(make) { $0[name] = nil }
      #expect(complaint.contains(name), "\(complaint)")
    }
    let surplus = try fixture.complaintOfWeights(make) {
      $0["decoder.block.7.layer.0.layer_norm.weight"] = try Tensor(repeating: 1, shape: [1])
    }
    #expect(surplus.contains("block.7"), "\(surplus)")
  }
}
