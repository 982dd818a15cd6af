import Lantern
import LanternTokenizers

/// A language model that many callers use at once.
final class ServedLanguageModel: Sendable {
  /// Its name on the shelf.
  let name: String
  let scheduler: LanguageScheduler
  /// The form of its conversations; what is wrong where it has none.
  private let form: Result<ChatForm, any Error>

  init(name: String, _ generator: LanguageGenerator, slots: Int) {
    self.name = name
    scheduler = LanguageScheduler(generator, slots: slots)
    form = Result { try ChatForm(generator) }
  }

  /// Tokens that a prompt and what is written from it may have together.
  var contextLength: Int { scheduler.generator.contextLength }

  /// Goes on from a text.
  func text(_ request: LanguageRequest) -> AsyncThrowingStream<LanguageEvent, any Error> {
    scheduler.text(request)
  }

  /// Answers a conversation.
  ///
  /// - Parameters:
  ///   - messages: what was said, the system's first.
  ///   - request: how the answer is written; its prompt is not looked at.
  ///   - offer: tools that it may call.
  /// - Returns: the answer, piece by piece.
  /// - Throws: what is wrong with the model's form of conversations, or with this one.
  func answer(_ messages: [ChatMessage], _ request: LanguageRequest, offering offer: ToolOffer)
    throws -> AsyncThrowingStream<LanguageEvent, any Error>
  {
    let form = try form.get()
    var request = request
    if !offer.tools.isEmpty {
      guard form.toolCallForm != nil else {
        throw ServerError.unsupported(
          name: "tools",
          remedy: "the chat template of \(name) has none that can be read; choose another model, "
            + "or hold the answer to JSON with response_format")
      }
      request = try offer.held(request, form)
    }
    return scheduler.text(
      form.ending(request), behind: try form.prompt(of: messages, tools: offer.tools),
      by: form.generator)
  }

  /// How it writes calls of tools; nil for a model that takes none.
  var toolCallForm: ToolCallForm? { (try? form.get())?.toolCallForm }
}
