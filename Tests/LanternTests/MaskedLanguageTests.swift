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

  @Test("with keys and values kept in a block, the tokens are those of Fast-dLLM's procedure")
  func caches() throws {
    try expect("llada.prefix") { ($0.blockLength, $0.maskCache) = (4, "prefix") }
    try expect("llada.dual") { ($0.steps, $0.blockLength, $0.maskCache) = (9, 4, "dual") }
    try expect("llada.dual_sure") {
      ($0.blockLength, $0.confidence, $0.maskCache) = (6, 0.4, "dual")
    }
    try expect("dream.prefix") { ($0.blockLength, $0.maskCache) = (6, "prefix") }
    try expect("dream.dual") { ($0.blockLength, $0.maskCache) = (4, "dual") }
    try expect("dream.dual_sure") {
      ($0.blockLength, $0.confidence, $0.maskCache) = (6, 0.4, "dual")
    }
  }

  @Test("tokens between what is kept stand where they stood, with logits of a whole pass")
  func positions() throws {
    let model = try LanguageModel(fixture("masked_language/llada"), precision: .exact)
    let network = try #require(model.network as? any MaskedLanguageModel)
    let ids = try integers("llada.ids")
    let wanted = try network.scores(ids, of: 4..<9)
    for kind in MaskedTextCache.Kind.allCases {
      var cache = MaskedTextCache(kind, try model.makeCache(capacity: ids.count))
      // What was kept is of the same text, so that nothing differs but how sums are ordered.
      for _ in 0..<3 {
        let found = try cache.scores(network, ids, of: 4..<9)
        try expectEqual(found, wanted, relative: 1e-5, kind.rawValue)
      }
      let next = try cache.scores(network, ids, of: 9..<14)
      try expectEqual(next, network.scores(ids, of: 9..<14), relative: 1e-5, kind.rawValue)
    }
  }

  /// Reads blocks of the model of block diffusion, each in turn.
  private final class BlockReader {
    private let network: any CausalLanguageModel
    private var cache: KVCache

    init(_ model: LanguageModel) throws {
      network = model.network
      cache = try model.makeCache(capacity: 64)
    }

    func read(_ ids: [Int], _ isKept: Bool) throws -> Tensor {
      let states = try network.read(ids, into: &cache, mask: .none, keeping: isKept)
      let logits = try network.logits(states)
      return try logits.reshaped([ids.count, logits.shape[2]])
    }
  }

  @Test("logits of blocks in turn are those of one pass with a mask by blocks")
  func blockCausal() throws {
    let model = try LanguageModel(fixture("masked_language/fast_dllm"), precision: .exact)
    let network = try #require(model.network as? any MaskedLanguageModel)
    #expect(network.causalBlock == 8 && network.isShifted && model.notes.isEmpty)
    let (ids, reader) = (try integers("fast_dllm.ids"), try BlockReader(model))
    let parts = try [0..<8, 8..<16].map { try reader.read(Array(ids[$0]), true) }
    let found = try Tensor.concatenated(parts, axis: 0)
    let wanted = try #require(try reference.tensor("fast_dllm.logits"))
    let worst = try expectEqual(found, wanted, relative: 1e-4, "fast_dllm")
    tell("fast_dllm", isFrom: "transformers", by: worst)
  }

  @Test("the tokens of block diffusion are those of Fast-dLLM v2's procedure with whole passes")
  func blockDiffusion() throws {
    for (run, part, threshold) in [("blocks", 4, 0.9), ("parts", 2, 0.3), ("whole", 4, 0.5)] {
      let model = try LanguageModel(fixture("masked_language/fast_dllm"), precision: .exact)
      let network = try #require(model.network as? any MaskedLanguageModel)
      let decoder = MaskedTextDecoder(steps: 1, blockLength: part, threshold: threshold)
      var (found, blocks): ([Int], Int) = ([], 0)
      try decoder.fillBlocks(
        behind: try integers("fast_dllm.\(run).prompt"), count: 14, size: 8,
        mask: network.maskToken, noise: TokenNoise(seed: 1), read: try BlockReader(model).read,
        onBlock: {
          found += $0
          blocks += 1
          return true
        })
      #expect(try found == integers("fast_dllm.\(run)"), "\(run)")
      #expect(blocks == 2)
    }
    // The same by the generator, whose prompt is text.
    for (run, part, threshold) in [("blocks", 4, 0.9), ("parts", 2, 0.3)] as [(String, Int, Float)]
    {
      try expect("fast_dllm.\(run)") {
        ($0.maximumTokens, $0.blockLength, $0.confidence) = (14, part, threshold)
        $0.remasking = nil
      }
    }
    let notes = try written("fast_dllm") { ($0.steps, $0.maskCache) = (3, "dual") }.notes
    #expect(
      notes.contains { $0.contains("steps, remasking, mask cache without effect") }, "\(notes)")
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
      ({ $0.maskCache = "best" }, "mask cache"),
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

  @Test("several texts that cannot differ are noted, and those that can are not")
  func several() throws {
    for (name, change, isNoted) in [
      ("llada", { _ in }, true), ("llada", { $0.temperature = 1 }, false),
      ("llada", { $0.remasking = "random" }, false), ("dream", { _ in }, false),
      ("dream", { $0.remasking = "entropy" }, true),
    ] as [(String, (inout LanguageRequest) -> Void, Bool)] {
      var request = LanguageRequest(prompt: "the fox")
      request.maximumTokens = 6
      change(&request)
      let generator = try LanguageGenerator(
        path: fixture("masked_language/\(name)"), precision: .exact)
      let results = try generator.write(request, count: 3) { _, _ in }
      let notes: [String] = Array(results.map(\.notes).joined())
      let noted = notes.contains { $0.contains("all 3 texts are the same") }
      #expect(noted == isNoted, "\(name): \(results.map { $0.notes })")
      if isNoted { #expect(Set(results.map(\.text)).count == 1) }
      let one = try generator.write(request, count: 1) { _, _ in }
      #expect(!one[0].notes.contains { $0.contains("texts are the same") })
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
