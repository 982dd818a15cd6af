import LanternFormats
import LanternModels
package import LanternTokenizers

/// A conversation with a language model, in the form that its chat template gives it. What was read before is not
/// read again: the context keeps what two turns have in common.
package struct LanguageConversation: ~Copyable {
  /// What was said, without what the system says.
  package private(set) var messages: [ChatMessage] = []
  /// What the system says before everything; nil for nothing.
  package var system: String?
  /// Tools that the model may call.
  package private(set) var tools: [ChatTool] = []
  /// How many of the messages the model no longer gets.
  package private(set) var dropped = 0
  /// Tokens that were read for the last answer, without those that the context had.
  package private(set) var readTokens = 0

  private let form: ChatForm
  private var context: LanguageContext

  /// Begins a conversation.
  ///
  /// - Parameters:
  ///   - generator: the model.
  ///   - template: the chat template and where it is from; the model's own when nil.
  ///   - tools: what the model may call.
  /// - Throws: ``RequestError/noChatTemplate(path:known:)``, as ``ChatTemplate/init(_:file:)``, and for tools where the
  ///   template has none.
  package init(
    _ generator: LanguageGenerator, template: (source: String, file: String)? = nil,
    tools: [ChatTool] = []
  ) throws {
    let form = try ChatForm(generator, template: template)
    guard tools.isEmpty || form.toolCallForm != nil else {
      throw RequestError.mismatch(
        reason:
          "its chat template has no tools, or calls them in a form that is not read: leave out the "
          + "tools, or choose another model", path: template?.file ?? generator.path)
    }
    self.init(form, try generator.makeContext())
    self.tools = tools
  }

  private init(_ form: ChatForm, _ context: consuming LanguageContext) {
    self.form = form
    self.context = context
  }

  /// The model, as it writes answers.
  package var generator: LanguageGenerator { form.generator }

  /// Whether the model's form has a place for what the system says.
  package var readsSystem: Bool {
    (try? form.prompt(of: [ChatMessage(.system, "a"), ChatMessage(.user, "b")])) != nil
  }

  /// Forgets what was said; what the system says stays.
  package mutating func clear() { (messages, dropped) = ([], 0) }

  /// Takes back the last answer and the message that it answers, and returns that.
  package mutating func takeBack() -> String? {
    guard let index = messages.lastIndex(where: { $0.role == .user }) else { return nil }
    defer {
      messages.removeSubrange(index...)
      dropped = min(dropped, index)
    }
    return messages[index].content
  }

  /// Answers a message, as others below.
  package mutating func answer(
    _ text: String, reading: String? = nil, _ request: LanguageRequest,
    onEvent: (LanguageEvent) throws -> Void
  ) throws -> LanguageResult {
    try answer([ChatMessage(.user, text)], reading: reading, request, onEvent: onEvent)
  }

  /// Answers messages: a person's, or those of the tools that the last answer called. An answer that is broken off stays
  /// as far as it came. What is written of calls is no text: the last of ``messages`` has them.
  ///
  /// - Parameters:
  ///   - said: the messages.
  ///   - reading: what the model reads in place of the last one, this time alone, as passages with the message behind
  ///     them; nil for the message itself.
  ///   - request: how the answer is written; its prompt is not looked at.
  ///   - onEvent: as of ``LanguageGenerator/write(_:behind:in:onLogits:onEvent:)``.
  /// - Returns: the answer, and why it ends.
  /// - Throws: an error of the room where it arose, or what the closure throws.
  package mutating func answer(
    _ said: [ChatMessage], reading: String? = nil, _ request: LanguageRequest,
    onEvent: (LanguageEvent) throws -> Void
  ) throws -> LanguageResult {
    messages += said
    let request = form.ending(request)
    var answer = ChatMessage(.assistant, "")
    var reader = tools.isEmpty ? nil : form.toolCallForm.map(ToolCallReader.init)
    func take(_ pieces: [ToolCallReader.Piece]) throws {
      for piece in pieces {
        switch piece {
        case .text(let text):
          answer.content += text
          try onEvent(.text(text))
        case .call(let call): answer.toolCalls.append(call)
        }
      }
    }
    do {
      let before = dropped
      let prompt = try self.prompt(for: request, reading: reading)
      readTokens = prompt.count - context.sharedCount(with: prompt)
      var result = try form.generator.write(request, behind: prompt, in: &context) { event in
        guard case .text(let text) = event else { return try onEvent(event) }
        try take(reader?.add(text) ?? [.text(text)])
      }
      try take(reader?.finish() ?? [])
      readTokens = min(readTokens, prompt.count - result.cachedTokens)
      messages.append(answer)
      if dropped > before {
        result.notes.append(
          "the model's context of \(form.generator.contextLength) tokens is full: it no longer gets the first "
            + "\(dropped) messages")
      }
      return result
    } catch {
      if answer.content.isEmpty {
        messages.removeLast(said.count)
      } else {
        messages.append(answer)
      }
      throw error
    }
  }

  /// The tokens of the conversation, with room for an answer behind. Where there is none the oldest messages go, until
  /// the rest takes half of the context: one message at a time would change the beginning, which is read anew then,
  /// at every turn.
  private mutating func prompt(for request: LanguageRequest, reading: String?) throws -> [Int] {
    let maximum = form.generator.contextLength
    let room = min(request.maximumTokens, maximum / 4)
    var isFull = false
    while true {
      var heard = (system.map { [ChatMessage(.system, $0)] } ?? []) + messages[dropped...]
      if let reading { heard[heard.count - 1].content = reading }
      let ids = try form.prompt(of: heard, tools: tools)
      if ids.count <= (isFull ? maximum / 2 : maximum - room) { return ids }
      isFull = true
      // What is left begins with a person's message, as templates want it.
      let next = messages.indices.dropFirst(dropped + 1).first { messages[$0].role == .user }
      guard let next else {
        guard ids.count < maximum else {
          throw RequestError.longText(tokens: ids.count, maximum: maximum)
        }
        return ids
      }
      dropped = next
    }
  }
}
