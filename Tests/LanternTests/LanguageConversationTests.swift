import Foundation
import Lantern
import LanternFormats
import TestSupport
import Testing

/// Conversations with small random models: tools/fixtures/gguf_models.py.
@Suite struct LanguageConversationTests {
  private func conversation(_ template: String = Self.short) throws -> LanguageConversation {
    try LanguageConversation(
      LanguageGenerator(path: fixture("gguf_models/qwen2.gguf")), template: (template, "short"))
  }

  /// Turns of few tokens: the model's context has 64.
  private static let short =
    "{% for m in messages %}{{ m.role[0] + m.content + '<|im_end|>' }}{% endfor %}{{ 'a' }}"

  private func request(_ tokens: Int = 4) -> LanguageRequest {
    var request = LanguageRequest(prompt: "")
    (request.maximumTokens, request.temperature) = (tokens, 0)
    return request
  }

  @Test("a turn reads only what is new, and answers as if it had read everything")
  func context() throws {
    var conversation = try conversation()
    var answers: [String] = []
    for (turn, text) in ["The fox", "and", "the key"].enumerated() {
      let result = try conversation.answer(text, request()) { _ in }
      answers.append(result.text)
      // An answer that is no UTF-8 is read again as the text that it is shown as.
      let isNew = conversation.readTokens == result.promptTokens
      #expect(turn == 0 ? isNew : 4 * conversation.readTokens < 3 * result.promptTokens)
    }
    // The same conversation at once.
    var again = try self.conversation()
    for (index, text) in ["The fox", "and"].enumerated() {
      #expect(try again.answer(text, request()) { _ in }.text == answers[index])
    }
    let last = try again.answer("the key", request()) { _ in }
    #expect(last.text == answers[2] && last.promptTokens > again.readTokens)
    #expect(conversation.messages == again.messages && again.messages.count == 6)
  }

  @Test("the oldest messages go when the context is full, and that is noted")
  func full() throws {
    var conversation = try conversation()
    var notes: [String] = []
    for turn in 0..<9 {
      notes += try conversation.answer("fox \(turn)", request()) { _ in }.notes
    }
    #expect(conversation.dropped > 0 && conversation.messages.count == 18)
    #expect(notes.contains { $0.contains("no longer gets the first \(conversation.dropped) ") })
    let long = String(repeating: "fox ", count: 99)
    #expect(throws: RequestError.self) { try conversation.answer(long, request()) { _ in } }
    #expect(conversation.messages.count == 18)
  }

  @Test("an answer that is broken off stays as far as it came; one without a word goes")
  func stopping() throws {
    struct Stop: Error {}
    var conversation = try conversation()
    var count = 0
    #expect(throws: Stop.self) {
      try conversation.answer("The fox", request(20)) { event in
        guard case .text(let piece) = event, !piece.isEmpty else { return }
        count += 1
        if count == 3 { throw Stop() }
      }
    }
    #expect(conversation.messages.count == 2 && conversation.messages[1].content.isEmpty == false)
    let text = conversation.messages[1].content
    #expect(conversation.takeBack() == "The fox" && conversation.messages.isEmpty)
    let whole = try conversation.answer("The fox", request(20)) { _ in }
    #expect(whole.text.hasPrefix(text))
    let long = String(repeating: "fox ", count: 99)
    #expect(throws: RequestError.self) { try conversation.answer(long, request()) { _ in } }
    #expect(conversation.messages.count == 2)
  }

  @Test("an answer ends at the token, or before the words, that the template writes behind one")
  func ends() throws {
    var conversation = try conversation()
    let whole = try conversation.answer("The fox", request(12)) { _ in }
    // Without a token for it, the words behind an answer end one.
    let text = whole.text
    guard let mark = text.dropFirst(2).first(where: { !$0.isWhitespace }) else { return }
    var other = try self.conversation(
      "{% for m in messages %}{{ m.role[0] + m.content + ('<|im_end|>' if m.role != 'assistant' "
        + "else '\(mark)\\n') }}{% endfor %}{{ 'a' }}")
    let cut = try other.answer("The fox", request(12)) { _ in }
    #expect(cut.ending == .stopString && !cut.text.contains(mark))
    #expect(text.hasPrefix(cut.text))
  }

  @Test("a model without a chat template is refused, with the forms that may be named")
  func missing() throws {
    let generator = try LanguageGenerator(path: fixture("gguf_models/qwen2.gguf"))
    let error = #expect(throws: RequestError.self) { _ = try LanguageConversation(generator) }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("chat template") && text.contains("chatml") && text.contains("alpaca"))
  }
}
