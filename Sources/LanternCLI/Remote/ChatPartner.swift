import Lantern
import LanternTokenizers

/// Who answers in a chat: a model that is loaded here, or one of a server.
protocol ChatPartner: ~Copyable {
  /// What was said, without what the system says.
  var messages: [ChatMessage] { get }
  /// What the system says before everything; nil for nothing.
  var system: String? { get set }
  /// Tokens that were read for the last answer.
  var readTokens: Int { get }
  /// Forgets what was said; what the system says stays.
  mutating func clear()
  /// Takes back the last answer and the message that it answers, and returns that.
  mutating func takeBack() -> String?
  /// Answers messages, as ``LanguageConversation/answer(_:reading:_:onEvent:)``.
  mutating func answer(
    _ said: [ChatMessage], reading: String?, _ request: LanguageRequest,
    onEvent: (LanguageEvent) throws -> Void
  ) throws -> LanguageResult
}

extension LanguageConversation: ChatPartner {}
