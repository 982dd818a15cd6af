import LanternDecoding
import LanternLayers
import LanternModels
import LanternPlatform
public import LanternTensor

/// Writes text with a causal language model that is loaded once.
///
/// A value of constants: many tasks may use one generator. They take turns at the processors.
public struct LanguageGenerator: Sendable {
  package let model: LanguageModel
  /// A smaller model that proposes tokens.
  let draft: LanguageModel?

  /// Loads a model.
  ///
  /// - Parameters:
  ///   - path: a GGUF file, or a folder as transformers lays it out.
  ///   - loras: what is added to the model's weights: PEFT's folders or files.
  ///   - precision: how exactly it computes.
  ///   - cacheType: what keys and values of tokens are kept in; f16 when nil, or f32 in `Precision.exact`.
  ///   - draft: path of a smaller model with the same vocabulary, which proposes tokens (speculative decoding): the text
  ///     is the same, and comes sooner where the proposals are right.
  /// - Throws: an error that names the file, what is wrong with it, and the remedy.
  public init(
    path: String, adding loras: [LoRA] = [], precision: Precision = .default,
    cacheType: KVCacheType? = nil, draft: String? = nil
  ) throws {
    model = try LanguageModel(path, adding: loras, precision: precision, cacheType: cacheType)
    self.draft = try draft.map {
      try LanguageModel($0, precision: precision, cacheType: cacheType)
    }
    guard let other = self.draft else { return }
    guard !(model.network is any EncoderDecoder), !(other.network is any EncoderDecoder) else {
      throw RequestError.mismatch(
        reason: "an encoder–decoder answers without a draft model: leave that out", path: path)
    }
    try model.checkCausal("a draft model")
    try other.checkCausal("a draft")
    guard let id = model.firstDifference(from: other) else { return }
    throw RequestError.mismatch(
      reason:
        "its token \(id) is another one than that of \(path): a draft model has its model's vocabulary",
      path: other.path)
  }

  /// A generator of models that are loaded.
  package init(_ model: LanguageModel, draft: LanguageModel? = nil) {
    (self.model, self.draft) = (model, draft)
  }

  /// Whether a folder has a language model, by the class that its settings name.
  package static func isModel(_ path: String) -> Bool {
    ModelCatalogue.isLanguageModel(try? LanguageFiles.config(folder: path).className)
  }

  /// Where the model was loaded from.
  public var path: String { model.path }

  /// Tokens that a prompt and what is written from it may have together.
  public var contextLength: Int { model.network.maximumLength }

  /// Tokens of a text, as a prompt.
  package func tokenCount(of text: String) -> Int { model.ids(of: text).count }

  /// Bytes of the key-value cache that a token takes.
  package var cacheBytesPerToken: Int {
    model.network.sizes.cacheShape.bytesPerToken(model.cacheType)
  }

  /// What was read otherwise than the files may lead to expect: a line each.
  public var notes: [String] { model.notes + (draft?.notes ?? []) }

  /// Writes a text. Cancelling its task stops the work within one token.
  ///
  /// - Parameter request: what is wanted.
  /// - Returns: the text, and why it ends.
  /// - Throws: a `LanternError` that says what is wrong and what to do; `CancellationError`.
  public func text(_ request: LanguageRequest) async throws -> LanguageResult {
    try await ComputeQueue.run { checkCancellation in
      try write(request) { _ in try checkCancellation() }
    }
  }

  /// Writes a text, character by character. Ending the loop, or cancelling its task, stops the work within one
  /// token; a loop whose task is cancelled ends without an error and without `.finished`.
  public func generate(_ request: LanguageRequest) -> AsyncThrowingStream<LanguageEvent, any Error>
  {
    AsyncThrowingStream { stream in
      ComputeQueue.start {
        do {
          let result = try write(request) { event in
            if case .terminated = stream.yield(event) { throw CancellationError() }
          }
          stream.yield(.finished(result))
          stream.finish()
        } catch {
          stream.finish(throwing: error)
        }
      }
    }
  }

  /// A context in which nothing was read.
  ///
  /// - Parameter capacity: tokens to hold without growing.
  /// - Returns: the context.
  /// - Throws: ``RequestError/memory(what:needed:available:)`` and `TensorError` where memory does not suffice.
  package func makeContext(capacity: Int = 512) throws -> LanguageContext {
    try checkMemory(ofTokens: capacity)
    return LanguageContext(try model.makeCache(capacity: capacity))
  }

  /// - Throws: ``RequestError/memory(what:needed:available:)`` where keys and values of so many tokens, of each text, do
  ///   not fit.
  func checkMemory(ofTokens count: Int, texts: Int = 1) throws {
    try LanguagePlan.check(
      texts * model.network.sizes.cacheShape.byteCount(count, model.cacheType),
      SystemMemory.available,
      "\(path): keys and values of \(texts == 1 ? "" : "\(texts) times ")\(count) tokens")
  }

  /// Writes a text on the caller's thread, in a context of its own.
  ///
  /// - Parameters:
  ///   - request: what is wanted.
  ///   - onLogits: called with the tokens that were read, and the logits behind each, `[1, token, id]`.
  ///   - onEvent: called with more of the text, and at least once a token; throw to stop.
  /// - Returns: the text, and why it ends.
  /// - Throws: an error of the room where it arose, or what a closure throws.
  package func write(
    _ request: LanguageRequest, onLogits: (([Int], Tensor) throws -> Void)? = nil,
    onEvent: (LanguageEvent) throws -> Void
  ) throws -> LanguageResult {
    let (generator, prompt) = try reading(request.prompt)
    let room = max(0, model.network.maximumLength - prompt.count)
    var context = try makeContext(capacity: prompt.count + min(room, request.maximumTokens))
    return try generator.write(
      request, behind: prompt, in: &context, onLogits: onLogits, onEvent: onEvent)
  }

  /// The generator as it writes behind a text, and the tokens that it goes on from.
  func reading(_ text: String) throws -> (generator: LanguageGenerator, prompt: [Int]) {
    let (model, ids) = try model.reading(text)
    return (LanguageGenerator(model, draft: draft), ids)
  }

  /// Writes a text on the caller's thread: reads what of the prompt the context does not have, at once, then chooses
  /// and reads token by token. Afterwards the context has the prompt and the text, but for its last token or two.
  ///
  /// - Parameters:
  ///   - request: what is wanted; its prompt is not looked at.
  ///   - prompt: the tokens to go on from, one at least.
  ///   - context: what was read before.
  ///   - onLogits: called with the tokens that were read, and the logits behind each, `[1, token, id]`.
  ///   - onEvent: called with more of the text, and at least once a token; throw to stop.
  /// - Returns: the text, and why it ends.
  /// - Throws: an error of the room where it arose, or what a closure throws.
  package func write(
    _ request: LanguageRequest, behind prompt: [Int], in context: inout LanguageContext,
    onLogits: (([Int], Tensor) throws -> Void)? = nil, onEvent: (LanguageEvent) throws -> Void
  ) throws -> LanguageResult {
    if let network = model.network as? any MaskedLanguageModel {
      if onLogits != nil { try model.checkCausal("a trace") }
      if request.beams > 1 { try model.checkCausal("beam search") }
      return try fill(request, behind: prompt, with: network, onEvent: onEvent)
    }
    if request.beams > 1 {
      guard onLogits == nil else {
        throw RequestError.range(
          name: "beams", found: "\(request.beams) with a trace", allowed: "1")
      }
      let results = try search(request, count: 1, behind: prompt, in: &context) {
        try onEvent($1)
      }
      if let best = results.first { return best }
    }
    var (writer, scores, beginning) = try begin(request, prompt, &context, onLogits)
    beginning.notes += ReadAhead.notes(self, request, writer, isTraced: onLogits != nil)
    var ahead = try ReadAhead(self, request)
    try writer.step(scores, onEvent)
    // Of a trace what was chosen last is read too, for its logits.
    while let last = writer.ids.last,
      writer.ending == nil || (writer.ending == .length && onLogits != nil)
    {
      scores =
        try onLogits == nil
        ? ahead.scores(behind: writer, in: &context) : read([last], &context, onLogits)
      if writer.ending != nil { break }
      try writer.step(scores, onEvent)
    }
    ahead.drop(&context)
    return beginning.result(of: writer, proposed: ahead.proposed, accepted: ahead.accepted)
  }

  /// What is known of a text before its first token.
  struct Beginning {
    let promptTokens: Int
    var cachedTokens: Int
    var notes: [String]

    func result(of writer: LanguageWriter, proposed: Int = 0, accepted: Int = 0) -> LanguageResult {
      LanguageResult(
        text: writer.text, promptTokens: promptTokens, tokens: writer.ids.count,
        cachedTokens: cachedTokens, proposedTokens: proposed, acceptedTokens: accepted,
        score: nil, ending: writer.ending ?? .length, notes: notes + writer.notes)
    }
  }

  /// Reads what of a prompt a context does not have.
  ///
  /// - Returns: the writer of the text behind it, and the scores of its first token.
  func begin(
    _ request: LanguageRequest, _ prompt: [Int], _ context: inout LanguageContext,
    _ onLogits: (([Int], Tensor) throws -> Void)? = nil
  ) throws -> (writer: LanguageWriter, scores: [Float], beginning: Beginning) {
    let (writer, idle) = try writer(of: request, behind: prompt)
    var notes = idle
    let file = try promptCache(request, prompt, isTraced: onLogits != nil, &notes)
    if file != nil { context.cache.keepsAll = true }
    let kept = try prepare(&context, for: prompt, isTraced: onLogits != nil, file)
    let scores = try read(Array(prompt[context.tokens.count...]), &context, onLogits)
    if let file, let note = try store(context, kept, file, of: prompt.count) { notes.append(note) }
    return (
      writer, scores,
      Beginning(
        promptTokens: model.encodedTokens ?? prompt.count,
        cachedTokens: kept.isTaken ? kept.found : 0, notes: notes)
    )
  }

  /// What writes a text behind a prompt.
  ///
  /// - Returns: it, and notes on settings without an effect: a sentence each.
  func writer(of request: LanguageRequest, behind prompt: [Int]) throws -> (
    LanguageWriter, [String]
  ) {
    let settings = try LanguageSettings(request, model.tokenizer)
    let room = model.network.maximumLength - prompt.count
    guard room > 0, !prompt.isEmpty else {
      throw RequestError.longText(tokens: prompt.count, maximum: model.network.maximumLength)
    }
    var notes = settings.notes(on: request)
    if room < request.maximumTokens {
      notes.append(
        "the model's context of \(model.network.maximumLength) has room for \(room) tokens more")
    }
    let writer = try LanguageWriter(
      model, request, settings, behind: prompt, maximum: min(room, request.maximumTokens))
    return (writer, notes)
  }

  /// Leaves of a context what a text begins with, and takes in what a prompt cache has more of that.
  ///
  /// - Returns: tokens that the prompt cache has, and whether they were taken.
  private func prepare(
    _ context: inout LanguageContext, for prompt: [Int], isTraced: Bool, _ file: PromptCache?
  ) throws -> (found: Int, isTaken: Bool) {
    // Behind a text so long that all of it is turned otherwise, a shorter one shares nothing.
    let isTurned = model.network.switchLength.map {
      context.tokens.count > $0 && prompt.count <= $0
    }
    let isShared = !isTraced && isTurned != true
    context.forget(beyond: isShared ? context.sharedCount(with: prompt) : 0)
    return try file?.restore(prompt, into: &context) ?? (0, false)
  }

  /// The prompt cache that a request names, where it has an effect.
  private func promptCache(
    _ request: LanguageRequest, _ prompt: [Int], isTraced: Bool, _ notes: inout [String]
  ) throws -> PromptCache? {
    guard let path = request.promptCache else { return nil }
    if isTraced {
      notes.append("prompt cache without effect: a trace has the scores behind all tokens")
      return nil
    }
    guard model.network.readsInBlocks(prompt.count) else {
      notes.append(
        "prompt cache without effect: beyond \(model.network.stableLength ?? 0) tokens the model turns positions by "
          + "how long the text is")
      return nil
    }
    return try PromptCache(path, model)
  }

  /// Writes what a prompt cache lacks; a note that says what it was good for, where it was.
  private func store(
    _ context: borrowing LanguageContext, _ kept: (found: Int, isTaken: Bool), _ file: PromptCache,
    of count: Int
  ) throws -> String? {
    let stored = try file.store(context, found: kept.found)
    if kept.isTaken {
      return "\(kept.found) of the prompt's \(count) tokens were in the prompt cache"
    }
    if stored > kept.found {
      return "the prompt cache has \(stored) of the prompt's \(count) tokens now"
    }
    return stored > 0
      ? nil
      : "prompt cache without effect: the prompt has \(count) tokens, and whole blocks of "
        + "\(model.network.blockLength) are kept"
  }

  /// Reads tokens behind those of the context; the logits of the next.
  private func read(
    _ ids: [Int], _ context: inout LanguageContext,
    _ onLogits: (([Int], Tensor) throws -> Void)?
  ) throws -> [Float] {
    let hidden = try context.read(ids, with: model.network)
    if let onLogits {
      let all = try model.network.logits(hidden)
      try onLogits(ids, all)
      return try all.sliced(axis: 1, ids.count - 1..<ids.count).contiguous().floats()
    }
    let last = try hidden.sliced(axis: 1, ids.count - 1..<ids.count).contiguous()
    return try model.network.logits(last).floats()
  }
}
