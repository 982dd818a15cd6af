import LanternFormats
import LanternLayers
import LanternModels
import LanternDecoding
import LanternTensor
import TestSupport
import Testing

/// The fixture holds a small transformer and what showlab's own code computes with it:
/// tools/fixtures/showo.py.
@Suite struct ShowoTests {
  private func reference() throws -> ModelFixture { try ModelFixture("showo", "showo") }

  private func make(_ config: Config, _ weights: Weights) throws(ModelError) -> Showo {
    let phi: [String: JSONValue]
    do { phi = try ModelFixture("showo", "phi").config } catch { phi = [:] }
    return try Showo(
      ShowoConfig(config), GPTConfig(Config(phi, file: "phi.json"), of: .phi), endOfText: 412,
      weights)
  }

  private func ids(_ name: String) throws -> [Int] {
    try reference().tensor(name).integers().map(Int.init)
  }

  /// Scores of all tokens but the mask, as the reference's head gives them.
  private func logits(_ model: Showo, _ hidden: Tensor) throws -> Tensor {
    try Tensor.concatenated([model.logits(hidden), model.codeLogits(hidden)], axis: 2)
  }

  private func expectLogits(_ found: Tensor, _ name: String, _ note: String) throws {
    let wanted = try reference().tensor("logits.\(name)")
    let rows = found.shape[1]
    let known = try wanted.sliced(axis: 1, 0..<455)
    try expectEqual(
      found.reshaped([rows, 455]),
      known.sliced(axis: 0, known.shape[0] - rows..<known.shape[0]).contiguous(), relative: 1e-4,
      "\(name), \(note)")
  }

  /// Text and pictures of a case, in order: which ids, and whether they see each other both ways.
  private func segments(_ name: String, _ model: Showo) throws -> [(ids: [Int], isBlock: Bool)] {
    var segments: [(ids: [Int], isBlock: Bool)] = []
    let all = try ids("ids.\(name)")
    var position = 0
    while position < all.count {
      // A picture to be told of begins with its task token.
      let isBlock = [model.tokens.startOfImage, model.tokens.understanding].contains(all[position])
      let end =
        isBlock
        ? (all[position...].firstIndex(of: model.tokens.endOfImage) ?? position) + 1
        : all[position...].firstIndex(of: model.tokens.startOfImage) ?? all.count
      segments.append((Array(all[position..<end]), isBlock))
      position = end
    }
    return segments
  }

  @Test(
    "reading text and pictures piece by piece gives the scores of Show-o's own code and masks",
    arguments: ["t2i", "mmu", "lvg", "lm"])
  func pieces(name: String) throws {
    let model = try reference().build(make)
    var cache = try model.makeCache(capacity: 1)
    var rows: [Tensor] = []
    for segment in try segments(name, model) {
      if segment.isBlock {
        // Drafts of a picture leave no trace: only what is kept is seen later.
        _ = try model.read(
          model.tokens.block([Int?](repeating: nil, count: segment.ids.count - 2)), into: &cache,
          mask: .none, keeping: false)
        rows.append(try model.read(segment.ids, into: &cache, mask: .none))
      } else {
        for id in segment.ids { rows.append(try model.read([id], into: &cache, mask: .causal)) }
      }
    }
    #expect(cache.count == (try ids("ids.\(name)").count))
    try expectLogits(logits(model, Tensor.concatenated(rows, axis: 1)), name, "piece by piece")
  }

  @Test("what is forgotten is not seen again")
  func forgetting() throws {
    let model = try reference().build(make)
    let all = try ids("ids.lm")
    var cache = try model.makeCache()
    _ = try model.read(Array(all.prefix(4)) + [7, 8], into: &cache, mask: .causal)
    cache.forget(beyond: 4)
    let rest = try model.read(Array(all.dropFirst(4)), into: &cache, mask: .causal)
    try expectLogits(logits(model, rest), "lm", "after forgetting")
  }

  @Test(
    "pictures drawn from the same uniform numbers are the same code by code in every step",
    arguments: ["plain", "guided", "linear", "power", "sigmoid", "inpaint", "once"])
  func drawing(name: String) throws {
    let reference = try reference()
    let model = try reference.build(make)
    let how = try #require(try ModelFixture("showo", "draws").config[name]?.object)
    let start = (how["start"]?.array ?? []).map { code -> Int? in
      code.integer.flatMap { $0 < 0 ? nil : $0 }
    }
    let uniforms = try reference.tensor("draw.\(name).uniforms")
    let steps = try reference.tensor("draw.\(name).codes")
    let decoder = MaskedImageDecoder(
      steps: try #require(how["steps"]?.integer),
      guidance: Float(try #require(how["guidance"]?.double)),
      schedule: try #require(MaskSchedule(named: how["schedule"]?.string ?? "")),
      temperature: Float(try #require(how["temperature"]?.double)))
    let t = model.tokens
    var prompt = try model.makeCache()
    _ = try model.read([t.textToImage, 412, 3, 7, 1, 412], into: &prompt, mask: .causal)
    var nothing = try model.makeCache()
    _ = try model.read([t.textToImage, 412, 412], into: &nothing, mask: .causal)
    #expect(start.count == 16)
    let drawn = try decoder.fill(start) { codes, masked in
      let block = t.block(codes)
      let both = try model.read(draft: block, after: &prompt, and: &nothing)
      let alone = try model.read(block, into: &prompt, mask: .none, keeping: false)
      // Two sequences at once are the same as each by itself, bit for bit.
      #expect(try both.sliced(axis: 1, 0..<block.count).floats() == alone.floats())
      func scores(_ first: Int) throws -> Tensor {
        let rows = try both.sliced(axis: 1, first + 1..<first + 1 + codes.count)
        return try model.codeLogits(rows).reshaped([codes.count, 32]).rows(masked)
      }
      return (try scores(0), try scores(block.count))
    } uniforms: { draw in
      (try? uniforms.sliced(axis: 0, draw..<draw + 1).floats()) ?? []
    } onStep: { step in
      let wanted = try steps.sliced(axis: 0, step.index + 1..<step.index + 2).integers()
      if step.index + 1 < step.count {
        #expect(step.kept.map { Int32($0 ?? -1) } == wanted, "step \(step.index)")
      }
    }
    let last = try steps.sliced(axis: 0, decoder.steps..<decoder.steps + 1).integers()
    #expect(drawn.map(Int32.init) == last)
  }

  @Test("greedy text about a picture equals that of Show-o's own code")
  func telling() throws {
    let model = try reference().build(make)
    var prompt = try ids("caption.ids")
    var cache = try model.makeCache()
    let end = try #require(prompt.firstIndex(of: model.tokens.endOfImage)) + 1
    _ = try model.read(Array(prompt[..<end]), into: &cache, mask: .none)
    prompt = Array(prompt[end...])
    var written: [Int] = []
    let wanted = try ids("caption.out")
    while written.count < wanted.count {
      let hidden = try model.read(prompt, into: &cache, mask: .causal)
      let last = try hidden.sliced(axis: 1, prompt.count - 1..<prompt.count).contiguous()
      let scores = try logits(model, last).floats()
      prompt = [try #require(scores.indices.max { scores[$0] < scores[$1] })]
      written += prompt
    }
    #expect(written == wanted)
  }

  /// The model that is shown pictures by features.
  private func makeShown() throws -> Showo {
    let reference = try reference()
    return try reference.build(make) { config, weights in
      config["mm_hidden_size"] = .integer(64)
      for key in reference.names("projector.") {
        weights["mm_projector.\(key)"] = try reference.tensor("projector.\(key)")
      }
    }
  }

  @Test("scores after a picture shown by features equal those of Show-o's own code")
  func shown() throws {
    let model = try makeShown()
    var cache = try model.makeCache()
    let picture = try model.read(features: reference().tensor("told.features"), into: &cache)
    let text = try model.read(ids("told.text"), into: &cache, mask: .causal)
    let wanted = try reference().tensor("told.logits").sliced(axis: 1, 0..<455).contiguous()
    let found = try logits(model, Tensor.concatenated([picture, text], axis: 1))
    try expectEqual(found.reshaped([found.shape[1], 455]), wanted, relative: 1e-4)
  }

  @Test("a model that is shown codes refuses features, and features of another width are refused")
  func wronglyShown() throws {
    let features = try reference().tensor("told.features")
    let shownCodes = try reference().build(make)
    var cache = try shownCodes.makeCache()
    #expect(throws: TensorError.self) { try shownCodes.read(features: features, into: &cache) }
    let shown = try makeShown()
    #expect(throws: TensorError.self) {
      try shown.read(features: Tensor(repeating: 0, shape: [1, 16, 8]), into: &cache)
    }
    #expect(
      try reference().complaint(make, "mm_hidden_size", .integer(64)).contains("mm_projector.0"))
  }

  @Test("a vocabulary that does not add up is refused with the sum")
  func vocabulary() throws {
    let complaint = try reference().complaint(make, "codebook_size", .integer(33))
    #expect(
      complaint.hasPrefix(
        "config.json: vocab_size is 456, but 413 of text, 10 special tokens, 33 codes and a mask are 457"
      ))
    #expect(try reference().complaint(make, "w_clip_vit", .bool(true)).contains("w_clip_vit"))
    #expect(try reference().complaint(make, "vocab_size", .integer(-3)).contains("config.json"))
  }

  @Test("a checkpoint that does not fit is refused by the tensor's name")
  func checkpoints() throws {
    let name = "showo.model.layers.1.self_attn.q_layernorm.weight"
    #expect(
      try reference().complaintOfWeights(make) { $0[name] = nil }.contains("no tensor \"\(name)\""))
    #expect(
      try reference().complaintOfWeights(make) {
        $0["showo.model.layers.2.mlp.fc1.weight"] = try Tensor(repeating: 0, shape: [64, 32])
      }.contains("1 tensors have no place"))
  }
}
