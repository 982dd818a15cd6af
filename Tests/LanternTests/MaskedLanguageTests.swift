import Lantern
import LanternDecoding
import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// Models that fill in masked tokens: tools/fixtures/masked_language.py.
@Suite struct MaskedLanguageTests {
  private let reference: SafetensorsFile

  init() throws {
    reference = try SafetensorsFile(fixture("masked_language/reference.safetensors"))
  }

  private func integers(_ name: String) throws -> [Int] {
    try #require(try reference.tensor(name)).integers().map(Int.init)
  }

  @Test("logits are those of all tokens attending to each other", arguments: ["llada", "dream"])
  func logits(name: String) throws {
    let model = try LanguageModel(fixture("masked_language/\(name)"), precision: .exact)
    let network = try #require(model.network as? any MaskedLanguageModel)
    let ids = try integers("\(name).ids")
    let wanted = try #require(try reference.tensor("\(name).logits"))
    let worst = try expectEqual(
      network.scores(ids, of: 0..<ids.count), wanted, relative: 1e-4, name)
    tell(name, isFrom: "transformers", by: worst)
    #expect(model.notes.isEmpty, "\(model.notes)")
  }

  /// What is written behind the fixture's prompt, and its tokens.
  private func written(_ name: String, _ change: (inout LanguageRequest) -> Void) throws -> (
    text: String, pieces: Int, notes: [String]
  ) {
    let generator = try LanguageGenerator(
      path: fixture("masked_language/\(name)"), precision: .exact)
    var request = LanguageRequest(prompt: "the fox")
    (request.maximumTokens, request.remasking) = (12, "low_confidence")
    change(&request)
    var pieces = 0
    let result = try generator.write(request) { event in
      if case .text(let text) = event, !text.isEmpty { pieces += 1 }
    }
    return (result.text, pieces, result.notes)
  }

  private func expect(_ run: String, _ change: (inout LanguageRequest) -> Void) throws {
    let name = String(run.prefix { $0 != "." })
    let tokenizer = try LanguageModel(fixture("masked_language/\(name)"), precision: .exact)
      .tokenizer
    var streamed = StreamedText(tokenizer)
    let wanted = try integers(run).map { streamed.add($0) ?? "" }.joined()
    #expect(try written(name, change).text == wanted, "\(run)")
  }

  @Test("the tokens that LLaDA fills in are those of its paper's procedure")
  func llada() throws {
    try expect("llada.plain") { _ in }
    try expect("llada.blocks") { ($0.steps, $0.blockLength) = (10, 4) }
    try expect("llada.guided") {
      ($0.steps, $0.blockLength, $0.maskGuidance) = (6, 6, 1.5)
    }
    try expect("llada.margin") { ($0.steps, $0.remasking) = (8, "margin") }
    try expect("llada.entropy") { ($0.blockLength, $0.remasking) = (4, "entropy") }
    try expect("llada.threshold") { ($0.blockLength, $0.confidence) = (6, 0.4) }
  }

  @Test("the tokens that Dream fills in are those of its own code")
  func dream() throws {
    try expect("dream.plain") { _ in }
    try expect("dream.few") { ($0.steps, $0.remasking) = (5, "entropy") }
    try expect("dream.margin") { ($0.steps, $0.remasking) = (9, "margin") }
  }

  @Test("a text is given block by block, and the same seed writes it again")
  func blocks() throws {
    #expect(try written("llada") { $0.blockLength = 3 }.pieces >= 4)
    for remasking in ["low_confidence", "random"] {
      func text(_ seed: UInt64) throws -> String {
        try written("dream") {
          ($0.seed, $0.temperature, $0.remasking) = (seed, 1, remasking)
        }.text
      }
      #expect(try text(1) == text(1) && text(1) != text(2), "\(remasking)")
    }
  }

  @Test("what has no effect on masked tokens is noted, and what cannot be is refused")
  func idle() throws {
    let notes = try written("llada") {
      ($0.topK, $0.lookup, $0.confidence, $0.steps) = (5, 4, 0.9, 3)
    }.notes
    #expect(notes.count == 2 && notes[0].contains("top-k, lookup without effect"), "\(notes)")
    #expect(notes.last?.contains("steps without effect") == true)
    for (change, words) in [
      ({ $0.regex = "a+" }, "fills in masked tokens"), ({ $0.beams = 2 }, "beam search"),
      ({ $0.remasking = "best" }, "remasking"), ({ $0.steps = 0 }, "steps"),
    ] as [((inout LanguageRequest) -> Void, String)] {
      do {
        _ = try written("llada", change)
        Issue.record("\(words)")
      } catch {
        #expect("\(error)".contains(words), "\(error)")
      }
    }
  }

  @Test("settings that make another model, and a masked token outside the vocabulary, are refused")
  func settings() throws {
    for (name, key, value) in [
      ("llada", "include_bias", true), ("llada", "block_type", "sequential"),
      ("llada", "layer_norm_type", "default"), ("llada", "activation_type", "gelu"),
      ("llada", "alibi", true), ("llada", "mask_token_id", 264), ("dream", "mask_token_id", -1),
      ("dream", "use_sliding_window", true), ("llada", "n_kv_heads", 3),
    ] as [(String, String, JSONValue)] {
      let folder = fixture("masked_language/\(name)")
      let config = try Config(path: "\(folder)/config.json", with: [key: value])
      let kind = try #require(try config.strings("architectures").first)
      let make = try #require(ModelCatalogue.languageModels[kind])
      #expect(throws: (any Error).self, "\(name) \(key)") {
        try make(config, Weights(TensorArchive(folder: folder, stems: ["model"])))
      }
    }
  }
}
