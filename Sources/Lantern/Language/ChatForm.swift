import LanternLayers
import LanternModels
package import LanternTokenizers

/// The form of conversations with a language model: from messages to the tokens that an answer goes on from.
package struct ChatForm: Sendable {
  /// The model, as it writes answers.
  package let generator: LanguageGenerator
  /// What ends an answer where no token does.
  private let stops: [String]
  private let template: ChatTemplate

  /// - Parameters:
  ///   - generator: the model.
  ///   - template: the chat template and where it is from; the model's own when nil.
  /// - Throws: ``RequestError/noChatTemplate(path:known:)``, and as ``ChatTemplate/init(_:file:)``.
  package init(
    _ generator: LanguageGenerator, template: (source: String, file: String)? = nil
  ) throws {
    guard !(generator.model.network is any EncoderDecoder) else {
      throw RequestError.mismatch(
        reason: "an encoder–decoder answers one text, and no conversation: use lantern write",
        path: generator.path)
    }
    guard let template = template ?? generator.model.chatTemplate else {
      throw RequestError.noChatTemplate(
        path: generator.path, known: ChatTemplate.knownNames.joined(separator: ", "))
    }
    let parsed = try ChatTemplate(template.source, file: template.file)
    var model = generator.model
    (stops, model.ends) = Self.ends(of: parsed, model)
    self.generator = LanguageGenerator(model, draft: generator.draft)
    self.template = parsed
  }

  /// A request for an answer, which ends where the form ends it; one in a form of its own, as a schema, ends with that.
  package func ending(_ request: LanguageRequest) -> LanguageRequest {
    guard request.schema == nil, request.regex == nil, request.choices.isEmpty else {
      return request
    }
    var request = request
    request.stop += stops
    return request
  }

  /// The tokens of a conversation, up to where the answer begins.
  ///
  /// - Parameter messages: what was said, the system's first.
  /// - Returns: the tokens.
  /// - Throws: `TokenizerError` where the template refuses them.
  package func prompt(of messages: [ChatMessage]) throws -> [Int] {
    let model = generator.model
    return model.tokenizer.encode(try template.render(messages, variables: model.chatVariables))
  }

  /// What ends an answer: the tokens that the model's files name, and what the template writes behind one, which is
  /// a token, or words where it has none.
  private static func ends(of template: ChatTemplate, _ model: LanguageModel) -> (
    stops: [String], ends: Set<Int>
  ) {
    // Of a user's, a model's and a user's message, the text between the last two.
    let messages = [ChatMessage(.user, ""), .init(.assistant, "a"), .init(.user, "u")]
    guard let text = try? template.render(messages, variables: model.chatVariables),
      let between = text.betweenTyped
    else { return ([], model.ends) }
    let special = model.tokenizer.firstSpecial(in: between)
    let before = special?.before ?? between
    if let special, before.allSatisfy(\.isWhitespace) {
      return ([], model.ends.union([special.id]))
    }
    let words = before.drop(while: \.isWhitespace).prefix { !$0.isNewline }
    return (words.isEmpty ? [] : [String(words)], model.ends)
  }
}
