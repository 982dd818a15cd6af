import LanternLayers
import LanternModels
import LanternTensor

extension LanguageGenerator {
  /// Writes several texts that go on from one prompt, at once: the prompt is read once, and the weights once for a token of
  /// each. Cancelling its task stops the work within one token.
  ///
  /// - Parameters:
  ///   - request: what is wanted; each text has the next seed.
  ///   - count: how many, one at least; with beams no more than those.
  /// - Returns: the texts, each the one that ``text(_:)`` writes by its seed; of a beam search the likeliest, the likeliest
  ///   first.
  /// - Throws: a `LanternError` that says what is wrong and what to do; `CancellationError`.
  public func texts(_ request: LanguageRequest, count: Int) async throws -> [LanguageResult] {
    try await ComputeQueue.run { checkCancellation in
      try write(request, count: count) { _, _ in try checkCancellation() }
    }
  }

  /// Most texts that are written at once.
  package static let maximumCount = 256

  /// As ``texts(_:count:)``, on the caller's thread.
  ///
  /// - Parameters:
  ///   - request: what is wanted; each text has the next seed.
  ///   - count: how many.
  ///   - onEvent: called with more of a text and its number, from 0 on; throw to stop.
  /// - Returns: the texts.
  /// - Throws: an error of the room where it arose, or what the closure throws.
  package func write(
    _ request: LanguageRequest, count: Int, onEvent: (Int, LanguageEvent) throws -> Void
  ) throws -> [LanguageResult] {
    guard (1...Self.maximumCount).contains(count) else {
      throw RequestError.range(
        name: "count", found: "\(count)", allowed: "1 to \(Self.maximumCount)")
    }
    let (generator, prompt) = try reading(request.prompt)
    return try generator.write(request, count: count, behind: prompt, onEvent: onEvent)
  }

  /// As ``write(_:count:onEvent:)``, behind tokens.
  private func write(
    _ request: LanguageRequest, count: Int, behind prompt: [Int],
    onEvent: (Int, LanguageEvent) throws -> Void
  ) throws -> [LanguageResult] {
    if let network = model.network as? any MaskedLanguageModel {
      var results = try inTurn(request, count: count, onEvent)
      if count > 1, !isDrawn(request, network) {
        results[0].notes.append(
          "without a temperature the likeliest tokens are filled in: all \(count) texts are the same"
        )
      }
      return results
    }
    var context = try makeContext(capacity: prompt.count)
    if request.beams > 1 {
      return try search(request, count: count, behind: prompt, in: &context, onEvent: onEvent)
    }
    let (first, scores, plain) = try begin(request, prompt, &context)
    guard readsTogether(prompt.count + first.remaining) else {
      return try inTurn(request, count: count, onEvent)
    }
    var beginning = plain
    beginning.notes += ReadAhead.notes(self, request, first, isOneOfMany: true)
    var writers = (0..<count).map { first.seeded(request.seed &+ UInt64($0)) }
    for number in writers.indices {
      try writers[number].step(scores) { try onEvent(number, $0) }
    }
    try context.cache.branch(count, capacity: min(first.remaining, 256))
    while true {
      let open = writers.indices.filter { writers[$0].ending == nil }
      let last = open.compactMap { writers[$0].ids.last }
      guard !open.isEmpty, last.count == open.count else { break }
      context.cache.select(open)
      let rows = try model.scores(behind: last, in: &context.cache)
      for (number, scores) in zip(open, rows) {
        try writers[number].step(scores) { try onEvent(number, $0) }
      }
    }
    return writers.map { beginning.result(of: $0) }
  }

  /// Writes several texts one after another.
  private func inTurn(
    _ request: LanguageRequest, count: Int, _ onEvent: (Int, LanguageEvent) throws -> Void
  ) throws -> [LanguageResult] {
    try (0..<count).map { number in
      var request = request
      request.seed &+= UInt64(number)
      return try write(request) { try onEvent(number, $0) }
    }
  }

  /// Whether tokens of several texts may be read together: where positions turn by how long a text is, one would change
  /// the others.
  func readsTogether(_ tokens: Int) -> Bool { model.network.readsInBlocks(tokens) }
}
