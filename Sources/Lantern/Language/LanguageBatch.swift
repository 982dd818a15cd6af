import LanternLayers
import LanternModels
import LanternTensor

/// Texts that are written at once, each behind a prompt of its own: continuous batching (Yu et al. 2022, Orca, OSDI).
///
/// A text has a slot; when it ends, another may begin there while the others go on. The weights are read once for a token
/// of each. A text's tokens are those that it has alone, to the bit, whatever else is written.
package struct LanguageBatch: ~Copyable {
  private struct Slot {
    /// Tokens that the cache has, in whole blocks: a text that begins with them has them from here.
    var blocks: [Int] = []
    var text: (number: Int, writer: LanguageWriter)?
  }

  private let model: LanguageModel
  private var cache: KVCache
  private var slots: [Slot]

  /// - Parameters:
  ///   - generator: the model.
  ///   - slots: how many texts are written at once, one at least.
  ///   - capacity: tokens of each, prompt and text, to hold without growing.
  /// - Throws: ``RequestError/memory(what:needed:available:)`` and `TensorError` where memory does not suffice.
  package init(_ generator: LanguageGenerator, slots: Int, capacity: Int) throws {
    try generator.checkMemory(ofTokens: capacity, texts: slots)
    var cache = try generator.model.makeCache(capacity: 1)
    try cache.branch(slots, capacity: capacity)
    self.cache = cache
    model = generator.model
    self.slots = Array(repeating: Slot(), count: slots)
  }

  /// Whether a text may begin.
  package var hasRoom: Bool { slots.contains { $0.text == nil } }
  /// Whether a text is being written.
  package var isBusy: Bool { slots.contains { $0.text != nil } }

  /// Begins a text: reads what of its prompt no slot has, and chooses the first token. Without room, nothing.
  ///
  /// - Parameters:
  ///   - writer: the text.
  ///   - prompt: its prompt.
  ///   - number: what it is called by.
  ///   - onEvent: called with more of the text; throw to stop.
  /// - Returns: tokens of the prompt that were there already.
  /// - Throws: what reading and choosing throw, and what the closure throws.
  mutating func begin(
    _ writer: LanguageWriter, behind prompt: [Int], number: Int,
    onEvent: (LanguageEvent) throws -> Void
  ) throws -> Int {
    let shared = slots.map { blocks(shared: $0.blocks, prompt) }
    let free = slots.indices.filter { slots[$0].text == nil }
    guard let slot = free.max(by: { shared[$0] < shared[$1] }),
      let best = slots.indices.max(by: { shared[$0] < shared[$1] })
    else { return 0 }
    if shared[slot] < shared[best] { try cache.begin(slot, with: shared[best], of: best) }
    let kept = cache.fill(slot, behind: shared[best])
    slots[slot].blocks = []
    let hidden = try model.network.read(
      Array(prompt[kept...]), after: Array(prompt[..<kept]), into: &cache)
    slots[slot].blocks = Array(prompt.prefix(prompt.count / blockLength * blockLength))
    let last = try hidden.sliced(axis: 1, prompt.count - kept - 1..<prompt.count - kept)
    var writer = writer
    try writer.step(model.network.logits(last.contiguous()).floats(), onEvent)
    slots[slot].text = (number, writer)
    return kept
  }

  /// Takes out the texts that have ended.
  mutating func ended() -> [(number: Int, writer: LanguageWriter)] {
    slots.indices.compactMap { slot in
      guard let text = slots[slot].text, text.writer.ending != nil else { return nil }
      slots[slot].text = nil
      return text
    }
  }

  /// Leaves a text as far as it came.
  mutating func leave(_ number: Int) {
    for slot in slots.indices where slots[slot].text?.number == number { slots[slot].text = nil }
  }

  /// Reads the last token of each text that goes on, and chooses its next.
  ///
  /// - Parameter onEvent: called with more of a text and its number; throw to stop.
  /// - Throws: what reading and choosing throw, and what the closure throws.
  mutating func step(_ onEvent: (Int, LanguageEvent) throws -> Void) throws {
    var (open, last): ([Int], [Int]) = ([], [])
    for (slot, text) in zip(slots.indices, slots.map(\.text)) {
      guard let writer = text?.writer, writer.ending == nil, let id = writer.ids.last else {
        continue
      }
      (open, last) = (open + [slot], last + [id])
    }
    guard !open.isEmpty else { return }
    cache.select(open)
    for (slot, scores) in zip(open, try model.scores(behind: last, in: &cache)) {
      guard let number = slots[slot].text?.number else { continue }
      try slots[slot].text?.writer.step(scores) { try onEvent(number, $0) }
    }
  }

  private var blockLength: Int { model.network.blockLength }

  /// Tokens in whole blocks that a prompt begins with; its last token is always read, for its logits.
  private func blocks(shared tokens: [Int], _ prompt: [Int]) -> Int {
    let alike = min(zip(tokens, prompt).prefix { $0 == $1 }.count, max(0, prompt.count - 1))
    return alike / blockLength * blockLength
  }
}

extension LanguageModel {
  /// Reads a token of each sequence that is selected.
  ///
  /// - Returns: of each the scores of the next.
  func scores(behind ids: [Int], in cache: inout KVCache) throws -> [[Float]] {
    let scores = try network.logits(network.read(ids, into: &cache)).floats()
    let width = scores.count / ids.count
    return ids.indices.map { Array(scores[$0 * width..<($0 + 1) * width]) }
  }
}

extension LanguageGenerator {
  /// Texts that are written at once where nothing is said.
  public static let standardParallel = 8

  /// Writes texts behind prompts of their own, several at once: the weights are read once for a token of each, and what
  /// prompts begin with alike is read once. When one ends the next begins. Cancelling its task stops the work within one
  /// token.
  ///
  /// - Parameters:
  ///   - requests: what is wanted.
  ///   - parallel: how many are written at once.
  /// - Returns: the texts, each the one that ``text(_:)`` writes.
  /// - Throws: a `LanternError` that says what is wrong and what to do; `CancellationError`.
  public func texts(
    _ requests: [LanguageRequest], parallel: Int = LanguageGenerator.standardParallel
  ) async throws -> [LanguageResult] {
    try await ComputeQueue.run { checkCancellation in
      var results = [LanguageResult?](repeating: nil, count: requests.count)
      try write(requests, parallel: parallel) { number, event in
        try checkCancellation()
        if case .finished(let result) = event { results[number] = result }
      }
      return results.compactMap(\.self)
    }
  }

  /// As ``texts(_:parallel:)``, on the caller's thread.
  ///
  /// - Parameters:
  ///   - requests: what is wanted.
  ///   - parallel: how many are written at once.
  ///   - onEvent: called with more of a text and its number, from 0 on, and with its result; throw to stop.
  /// - Throws: an error of the room where it arose, before anything is read where a request is wrong, or what the closure
  ///   throws.
  package func write(
    _ requests: [LanguageRequest], parallel: Int = standardParallel,
    onEvent: (Int, LanguageEvent) throws -> Void
  ) throws {
    guard (1...Self.maximumCount).contains(parallel) else {
      throw RequestError.range(
        name: "parallel", found: "\(parallel)", allowed: "1 to \(Self.maximumCount)")
    }
    // What an encoder reads belongs to one text, and masked tokens attend to all of theirs.
    if model.network is any EncoderDecoder || model.network is any MaskedLanguageModel {
      return try writeInTurn(requests, onEvent)
    }
    try write(
      requests.map { ($0, model.ids(of: $0.prompt)) }, parallel: parallel, onEvent: onEvent)
  }

  /// As ``write(_:parallel:onEvent:)``, behind tokens; a request's prompt is not looked at.
  func write(
    _ texts: [(request: LanguageRequest, prompt: [Int])], parallel: Int,
    onEvent: (Int, LanguageEvent) throws -> Void
  ) throws {
    var waiting = try texts.enumerated().map { number, text in
      let (writer, notes) = try writer(of: text.request, behind: text.prompt)
      return Waiting(
        number: number, prompt: text.prompt, writer: writer,
        notes: notes + ReadAhead.notes(self, text.request, writer, isOneOfMany: true)
          + (text.request.promptCache == nil
            ? [] : ["prompt cache without effect: several prompts are read at once"]))
    }[...]
    let longest = waiting.map { $0.prompt.count + $0.writer.remaining }.max() ?? 0
    guard readsTogether(longest), texts.allSatisfy({ $0.request.beams == 1 }) else {
      for (number, text) in texts.enumerated() {
        var context = try makeContext(
          capacity: text.prompt.count + waiting[number].writer.remaining)
        let result = try write(text.request, behind: text.prompt, in: &context) {
          try onEvent(number, $0)
        }
        try onEvent(number, .finished(result))
      }
      return
    }
    var batch = try LanguageBatch(
      self, slots: max(1, min(parallel, texts.count)), capacity: longest)
    var beginnings: [Int: Beginning] = [:]
    while !waiting.isEmpty || batch.isBusy {
      while batch.hasRoom, let next = waiting.popFirst() {
        let cached = try batch.begin(next.writer, behind: next.prompt, number: next.number) {
          try onEvent(next.number, $0)
        }
        beginnings[next.number] = Beginning(
          promptTokens: next.prompt.count, cachedTokens: cached, notes: next.notes)
      }
      for text in batch.ended() {
        guard let result = beginnings[text.number]?.result(of: text.writer) else { continue }
        try onEvent(text.number, .finished(result))
      }
      try batch.step(onEvent)
    }
  }

  /// Writes texts one after another.
  private func writeInTurn(
    _ requests: [LanguageRequest], _ onEvent: (Int, LanguageEvent) throws -> Void
  ) throws {
    for (number, request) in requests.enumerated() {
      let result = try write(request) { try onEvent(number, $0) }
      try onEvent(number, .finished(result))
    }
  }
}

/// A text that has not begun.
private struct Waiting {
  let number: Int
  let prompt: [Int]
  let writer: LanguageWriter
  let notes: [String]
}
