import LanternDecoding
import LanternLayers
import LanternModels
import LanternTensor

/// Speculative decoding (Leviathan et al. 2022, arXiv:2211.17192): tokens that a draft proposes are read together
/// with the text's last one, and their scores are kept until the text has come to them.
///
/// Each token is chosen from the model's own scores by its own random number, so the text is the one without a draft,
/// at any temperature: a draft decides only which scores are there already.
struct ReadAhead: ~Copyable {
  private let model: LanguageModel
  private let lookup: NGramLookup?
  private var draft: DraftModel?
  /// Proposed tokens that were read behind the text, and the scores behind each.
  private var waiting: [(id: Int, scores: [Float])] = []
  /// Tokens that were proposed and read, and those of them that came.
  private(set) var proposed = 0, accepted = 0

  /// - Parameters:
  ///   - generator: the model, and its draft model.
  ///   - request: what is wanted.
  /// - Throws: `TensorError` where memory does not suffice.
  init(_ generator: LanguageGenerator, _ request: LanguageRequest) throws {
    model = generator.model
    lookup = request.lookup > 0 ? NGramLookup(count: request.lookup) : nil
    draft = try generator.draft.map { try DraftModel($0, count: request.draftTokens) }
  }

  /// Notes on settings without an effect: a sentence each.
  static func notes(
    _ generator: LanguageGenerator, _ request: LanguageRequest, _ writer: LanguageWriter,
    isTraced: Bool = false, isOneOfMany: Bool = false
  ) -> [String] {
    var notes: [String] = []
    if generator.draft == nil, request.draftTokens != LanguageRequest.default.draftTokens {
      notes.append("draft tokens without effect: there is no draft model")
    }
    let named = [request.lookup > 0 ? "lookup" : nil, generator.draft == nil ? nil : "draft model"]
    let idle = named.compactMap { $0 }.joined(separator: ", ")
    guard !idle.isEmpty else { return notes }
    if isTraced {
      notes.append("\(idle) without effect: for a trace tokens are read one by one")
    } else if isOneOfMany {
      notes.append("\(idle) without effect: several texts are written at once")
    } else if writer.remaining < 3 {
      notes.append("\(idle) without effect: of \(writer.remaining) tokens none is read ahead")
    }
    return notes
  }

  /// The scores behind a text's last token.
  ///
  /// - Parameters:
  ///   - writer: the text, all but the last token of which the context has.
  ///   - context: what was read.
  /// - Returns: a score of each token.
  /// - Throws: what reading throws.
  mutating func scores(behind writer: LanguageWriter, in context: inout LanguageContext) throws
    -> [Float]
  {
    let tokens = writer.tokens
    if let next = waiting.first, next.id == tokens.last {
      accepted += 1
      return waiting.removeFirst().scores
    }
    drop(&context)
    let ahead = try proposal(behind: writer)
    proposed += ahead.count
    context.cache.readsOneByOne = true
    let hidden = try context.read(tokens.suffix(1) + ahead, with: model.network)
    context.cache.readsOneByOne = false
    let scores = try model.network.logits(hidden).floats()
    let width = scores.count / (1 + ahead.count)
    waiting = ahead.enumerated().map { index, id in
      (id, Array(scores[(index + 1) * width..<(index + 2) * width]))
    }
    return Array(scores[..<width])
  }

  /// Forgets what was read and did not come.
  mutating func drop(_ context: inout LanguageContext) {
    context.forget(beyond: context.tokens.count - waiting.count)
    waiting = []
  }

  /// Tokens that may come next: those that look-up finds, or else the draft model's.
  private mutating func proposal(behind writer: LanguageWriter) throws -> [Int] {
    let count = writer.tokens.count
    var most = writer.remaining - 1
    // Where positions turn by how long the text is, a token depends on those that are read with it.
    if let stable = model.network.stableLength { most = min(most, stable - count) }
    guard most > 0 else { return [] }
    if let found = lookup?.draft(writer.tokens, most: most), !found.isEmpty { return found }
    return try draft?.propose(behind: writer, most: most) ?? []
  }
}

/// A smaller model that goes on from a text as its writer would: by the same settings and random numbers.
private struct DraftModel: ~Copyable {
  private let model: LanguageModel
  private let count: Int
  private var context: LanguageContext

  init(_ model: LanguageModel, count: Int) throws {
    (self.model, self.count) = (model, count)
    context = LanguageContext(try model.makeCache(capacity: 512))
  }

  /// Proposes tokens, none beyond the draft model's own context.
  mutating func propose(behind writer: LanguageWriter, most: Int) throws -> [Int] {
    var (writer, proposal): (LanguageWriter, [Int]) = (writer, [])
    var new = writer.tokens
    let most = min(most, count, model.network.maximumLength - new.count)
    context.forget(beyond: context.sharedCount(with: new))
    new.removeFirst(context.tokens.count)
    while proposal.count < most {
      let hidden = try context.read(new, with: model.network)
      let last = try hidden.sliced(axis: 1, new.count - 1..<new.count).contiguous()
      let scores = try model.network.logits(last).floats().prefix(model.tokenizer.count)
      try writer.step(Array(scores)) { _ in }
      guard writer.ending == nil, let id = writer.ids.last else { break }
      proposal.append(id)
      new = [id]
    }
    return proposal
  }
}
