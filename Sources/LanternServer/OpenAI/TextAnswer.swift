import Lantern
import LanternFormats

/// Texts of one request, gathered until all have ended.
struct TextAnswer {
  struct Choice {
    var text = ""
    var tokens: [LanguageToken] = []
    var result: LanguageResult?
  }

  private(set) var choices: [Choice]

  init(count: Int) { choices = Array(repeating: Choice(), count: count) }

  mutating func take(_ number: Int, _ event: LanguageEvent) {
    switch event {
    case .text(let piece): choices[number].text += piece
    case .token(let token): choices[number].tokens.append(token)
    case .finished(let result): choices[number].result = result
    }
  }

  /// All of them.
  static func gathered(_ texts: [AsyncThrowingStream<LanguageEvent, any Error>]) async throws
    -> TextAnswer
  {
    var answer = TextAnswer(count: texts.count)
    for try await (number, event) in merged(texts) { answer.take(number, event) }
    try Task.checkCancellation()
    return answer
  }

  /// OpenAI's count of tokens; a prompt that several texts go on from counts once.
  func usage(prompts: Int = 1) -> JSONValue {
    let results = choices.compactMap(\.result)
    let perPrompt = max(1, results.count / max(1, prompts))
    let read = stride(from: 0, to: results.count, by: perPrompt).reduce(0) {
      $0 + results[$1].promptTokens
    }
    let written = results.reduce(0) { $0 + $1.tokens }
    return .object([
      "prompt_tokens": .integer(read), "completion_tokens": .integer(written),
      "total_tokens": .integer(read + written),
      "prompt_tokens_details": .object([
        "cached_tokens": .integer(results.reduce(0) { $0 + $1.cachedTokens })
      ]),
    ])
  }

  /// Notes on what had no effect.
  func notes(_ fields: RequestFields) -> JSONValue {
    var notes = fields.notes
    for note in choices.compactMap(\.result).flatMap(\.notes) where !notes.contains(note) {
      notes.append(note)
    }
    return .array(notes.map(JSONValue.string))
  }
}

extension LanguageToken.Choice {
  /// The token as OpenAI's chats have it.
  var json: [String: JSONValue] {
    [
      "token": .string(String(decoding: bytes, as: UTF8.self)),
      "logprob": .number(Double(logProbability)),
      "bytes": .array(bytes.map { .integer(Int($0)) }),
    ]
  }
}

extension LanguageToken {
  /// The token as OpenAI's chats have it, with so many of the likeliest.
  func json(likeliest count: Int) -> JSONValue {
    var object = choice.json
    object["top_logprobs"] = .array(likeliest.prefix(count).map { .object($0.json) })
    return .object(object)
  }
}
