import LanternModels
import LanternPlatform

/// Writes the texts of many callers with one model: a token of each at a time, as a server does (continuous batching,
/// see ``LanguageBatch``). A text is the one that it is alone, to the bit.
///
/// Its work is short and takes turns with pictures, between whose steps it goes on.
package actor LanguageScheduler {
  package nonisolated let generator: LanguageGenerator
  private nonisolated let executor = ComputeExecutor()
  package nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }

  private nonisolated let slots: Int
  private nonisolated let counter = Locked(0)
  private var batch: LanguageBatch?
  private var waiting: [Text] = []
  private var open: [Int: Text] = [:]
  private var isRunning = false

  /// A text that was requested.
  private struct Text {
    let number: Int
    let request: LanguageRequest
    let prompt: [Int]
    let writer: LanguageWriter
    var beginning: LanguageGenerator.Beginning
    let stream: AsyncThrowingStream<LanguageEvent, any Error>.Continuation
  }

  /// - Parameters:
  ///   - generator: the model.
  ///   - slots: how many texts are written at once.
  package init(_ generator: LanguageGenerator, slots: Int = LanguageGenerator.standardParallel) {
    (self.generator, self.slots) = (generator, slots)
  }

  /// Texts that are being written, and that wait.
  package var load: (open: Int, waiting: Int) { (open.count, waiting.count) }

  /// Writes a text. Ending the loop, or cancelling its task, ends the text.
  ///
  /// - Parameters:
  ///   - request: what is wanted; of its prompt nothing is read where tokens are given.
  ///   - prompt: the tokens to go on from; those of the request's prompt when nil.
  ///   - generator: the model as it ends texts, as ``ChatForm/generator``; the scheduler's when nil.
  /// - Returns: the events of ``LanguageGenerator/generate(_:)``.
  package nonisolated func text(
    _ request: LanguageRequest, behind prompt: [Int]? = nil, by generator: LanguageGenerator? = nil
  ) -> AsyncThrowingStream<LanguageEvent, any Error> {
    let number = counter { count in
      count += 1
      return count
    }
    return AsyncThrowingStream { stream in
      stream.onTermination = { reason in
        if case .cancelled = reason { Task { await self.leave(number) } }
      }
      Task { await self.add(number, request, prompt, generator ?? self.generator, stream) }
    }
  }

  private func add(
    _ number: Int, _ request: LanguageRequest, _ prompt: [Int]?, _ generator: LanguageGenerator,
    _ stream: AsyncThrowingStream<LanguageEvent, any Error>.Continuation
  ) async {
    do {
      let prompt = prompt ?? generator.model.ids(of: request.prompt)
      let (writer, notes) = try generator.writer(of: request, behind: prompt)
      let length = prompt.count + writer.remaining
      if generator.model.network is any EncoderDecoder || request.beams > 1
        || !generator.readsTogether(length)
      {
        let result = try alone(request, prompt, length, generator) { event in
          if case .terminated = stream.yield(event) { throw CancellationError() }
        }
        stream.yield(.finished(result))
        return stream.finish()
      }
      waiting.append(
        Text(
          number: number, request: request, prompt: prompt, writer: writer,
          beginning: .init(promptTokens: prompt.count, cachedTokens: 0, notes: notes),
          stream: stream))
    } catch {
      return stream.finish(throwing: error)
    }
    if !isRunning { await run() }
  }

  /// Writes a text that cannot be written with others.
  private func alone(
    _ request: LanguageRequest, _ prompt: [Int], _ length: Int, _ generator: LanguageGenerator,
    _ onEvent: (LanguageEvent) throws -> Void
  ) throws -> LanguageResult {
    if generator.model.network is any EncoderDecoder {
      return try generator.write(request, onEvent: onEvent)
    }
    var context = try generator.makeContext(capacity: length)
    return try generator.write(request, behind: prompt, in: &context, onEvent: onEvent)
  }

  /// Writes until all texts have ended; others may come, and pictures go on, between two tokens.
  private func run() async {
    isRunning = true
    while !open.isEmpty || !waiting.isEmpty {
      do {
        try advance()
      } catch {
        for text in open.values { text.stream.finish(throwing: error) }
        open = [:]
        batch = nil
      }
      await Task.yield()
    }
    isRunning = false
  }

  /// Begins a text where there is room, and writes a token of each.
  private func advance() throws {
    if batch == nil {
      batch = try LanguageBatch(
        generator, slots: slots, capacity: min(512, generator.contextLength))
    }
    if batch?.hasRoom == true, !waiting.isEmpty { begin(waiting.removeFirst()) }
    try batch?.step { number, event in open[number]?.stream.yield(event) }
    finishEnded()
  }

  private func begin(_ text: Text) {
    var text = text
    open[text.number] = text
    do {
      try generator.checkMemory(ofTokens: text.prompt.count + text.writer.remaining)
      let cached = try batch?.begin(text.writer, behind: text.prompt, number: text.number) {
        text.stream.yield($0)
      }
      text.beginning.cachedTokens = cached ?? 0
      open[text.number] = text
    } catch {
      open[text.number] = nil
      batch?.leave(text.number)
      text.stream.finish(throwing: error)
    }
    finishEnded()
  }

  private func finishEnded() {
    for (number, writer) in batch?.ended() ?? [] {
      guard let text = open.removeValue(forKey: number) else { continue }
      text.stream.yield(.finished(text.beginning.result(of: writer)))
      text.stream.finish()
    }
  }

  private func leave(_ number: Int) {
    waiting.removeAll { $0.number == number }
    if open.removeValue(forKey: number) != nil { batch?.leave(number) }
  }
}
