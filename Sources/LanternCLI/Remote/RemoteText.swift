import Lantern
import LanternFormats
import LanternHub
import LanternTokenizers

/// Texts that a server writes, token by token.
enum RemoteText {
  /// More of a text, by the text's number.
  typealias Event = (number: Int, event: LanguageEvent)

  /// Writes texts.
  ///
  /// - Parameters:
  ///   - path: `/v1/completions` or `/v1/chat/completions`.
  ///   - body: what is sent there, without the settings.
  ///   - request: how the texts are written.
  ///   - connection: the server's.
  ///   - yield: called with what comes of them.
  /// - Throws: what the server says, and what is wrong on the way there.
  static func write(
    _ path: String, _ body: [String: JSONValue], _ request: LanguageRequest,
    on connection: ServerConnection, yield: @Sendable (Event) -> Void
  ) async throws {
    var settings = LanguageSetting.values(of: request)
    settings["prompt"] = nil
    // The server's standard is another one.
    settings["maximumTokens"] = .integer(request.maximumTokens)
    var body = body
    (body["settings"], body["stream"]) = (.object(settings), true)
    var texts: [Int: String] = [:]
    var general: [String] = []
    try await connection.events(path, .object(body)) { chunk in
      let fields = chunk.object ?? [:]
      guard let choice = fields["choices"]?.array?.first?.object else {
        return general += RemoteJob.notes(fields)
      }
      let number = choice["index"]?.integer ?? 0
      let text = choice["text"]?.string ?? choice["delta"]?.object?["content"]?.string ?? ""
      texts[number, default: ""] += text
      if !text.isEmpty { yield((number, .text(text))) }
      guard let result = fields["result"]?.object else {
        return general += RemoteJob.notes(fields)
      }
      yield(
        (
          number,
          .finished(
            LanguageResult(
              text: texts[number] ?? "", result, notes: general + RemoteJob.notes(fields)))
        ))
    }
  }
}

extension LanguageResult {
  /// The result that a server tells.
  fileprivate init(text: String, _ fields: [String: JSONValue], notes: [String]) {
    func count(_ name: String) -> Int { fields[name]?.integer ?? 0 }
    self.init(
      text: text, promptTokens: count("prompt_tokens"), tokens: count("tokens"),
      cachedTokens: count("cached_tokens"), proposedTokens: count("proposed_tokens"),
      acceptedTokens: count("accepted_tokens"), score: fields["score"]?.double.map { Float($0) },
      ending: fields["ending"]?.string.flatMap(Ending.init) ?? .endOfText, notes: notes)
  }
}

/// A conversation with a model of a server.
struct RemoteConversation: ChatPartner {
  private(set) var messages: [ChatMessage] = []
  var system: String?
  private(set) var readTokens = 0
  let remote: RemoteOptions
  let address: String
  let model: String

  mutating func clear() { messages = [] }

  mutating func takeBack() -> String? {
    guard let index = messages.lastIndex(where: { $0.role == .user }) else { return nil }
    defer { messages.removeSubrange(index...) }
    return messages[index].content
  }

  mutating func answer(
    _ said: [ChatMessage], reading: String?, _ request: LanguageRequest,
    onEvent: (LanguageEvent) throws -> Void
  ) throws -> LanguageResult {
    messages += said
    let all = (system.map { [ChatMessage(.system, $0)] } ?? []) + messages
    let body: [String: JSONValue] = [
      "model": .string(model),
      "messages": .array(
        all.map {
          .object(["role": .string($0.role.rawValue), "content": .string($0.content)])
        }),
    ]
    var (answer, result) = ("", LanguageResult?.none)
    defer {
      if answer.isEmpty, result == nil {
        messages.removeLast(said.count)
      } else {
        messages.append(ChatMessage(.assistant, answer))
      }
    }
    try remote.run(
      address,
      { connection, yield in
        try await RemoteText.write(
          "/v1/chat/completions", body, request, on: connection, yield: yield)
      },
      onEvent: { (_, event: LanguageEvent) in
        if case .text(let piece) = event { answer += piece }
        if case .finished(let end) = event { result = end }
        try onEvent(event)
      })
    guard let result else {
      throw HubError.noServer(address: address, reason: "it ended before the answer did")
    }
    readTokens = result.promptTokens - result.cachedTokens
    return result
  }
}
