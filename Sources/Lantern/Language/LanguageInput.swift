import LanternFormats
import LanternModels
import LanternTokenizers

/// What a language model is given to score or to answer.
package enum LanguageInput: Sendable, Equatable {
  /// A turn of a conversation.
  package struct Turn: Sendable, Equatable {
    package enum Role: String, Sendable { case system, user, assistant }

    package let role: Role
    package let text: String

    package init(_ role: Role, _ text: String) { (self.role, self.text) = (role, text) }
  }

  /// A text to go on from as it stands.
  case text(String)
  /// A conversation, which the model answers in the form of its chat template.
  case turns([Turn])
}

/// Makes tokens of what a model is given, as lm-evaluation-harness (0.4.13) does.
struct LanguageInputReader {
  private let model: LanguageModel
  private let template: ChatTemplate?

  /// - Parameters:
  ///   - generator: the model.
  ///   - usesTemplate: whether it will read turns.
  /// - Throws: ``RequestError/noChatTemplate(path:known:)``, ``RequestError/mismatch(reason:path:)``, and as
  ///   ``ChatTemplate/init(_:file:)``.
  init(_ generator: LanguageGenerator, usesTemplate: Bool) throws {
    model = generator.model
    guard !(model.network is any EncoderDecoder) else {
      throw RequestError.mismatch(
        reason:
          "an encoder–decoder is not evaluated: take a language model that goes on from a text",
        path: model.path)
    }
    guard !(model.network is any MaskedLanguageModel) else {
      throw RequestError.mismatch(
        reason: "a model of masked tokens is not evaluated: take one that goes on from a text",
        path: model.path)
    }
    guard usesTemplate else {
      template = nil
      return
    }
    guard let found = model.chatTemplate else {
      throw RequestError.noChatTemplate(
        path: model.path, known: ChatTemplate.knownNames.joined(separator: ", "))
    }
    template = try ChatTemplate(found.source, file: found.file)
  }

  /// The tokens of an input.
  func ids(of input: LanguageInput) throws -> [Int] { ids(try text(of: input)) }

  /// The tokens of an input, and those that each text adds when it stands behind.
  ///
  /// The whole is encoded; what it has in addition to the input's number of tokens is the text's. White space at the end
  /// of the input counts as the text's.
  ///
  /// - Throws: what a chat template throws; ``RequestError/range(name:found:allowed:)`` for a text that adds none.
  func ids(of input: LanguageInput, with texts: [String]) throws -> (input: [Int], texts: [[Int]]) {
    let (begin, space) = try text(of: input).dividedAtLastSpace
    let beginning = ids(begin)
    let added = texts.map { text in
      Array(ids(begin + space + ChatText(text, isTyped: true)).dropFirst(beginning.count))
    }
    if let empty = added.firstIndex(where: \.isEmpty) {
      throw RequestError.range(
        name: "choice \(JSON.quoted(texts[empty])) of", found: "no token",
        allowed: "texts that add a token to the question")
    }
    return (beginning, added)
  }

  private func text(of input: LanguageInput) throws(TokenizerError) -> ChatText {
    switch (input, template) {
    case (.turns(let turns), let template?): try rendered(turns, template)
    case (.turns(let turns), nil):
      ChatText(turns.map(\.text).joined(separator: "\n"), isTyped: true)
    case (.text(let text), _): ChatText(text, isTyped: true)
    }
  }

  /// Turns in the form of a chat template; without what the system says where the template refuses that.
  private func rendered(_ turns: [LanguageInput.Turn], _ template: ChatTemplate)
    throws(TokenizerError) -> ChatText
  {
    func render(_ turns: [LanguageInput.Turn]) throws(TokenizerError) -> ChatText {
      try template.render(turns.map(\.message), variables: model.chatVariables)
    }
    do throws(TokenizerError) {
      return try render(turns)
    } catch {
      let others = turns.filter { $0.role != .system }
      guard others.count < turns.count else { throw error }
      return try render(others)
    }
  }

  /// A template may write what every text begins with; then it is not there twice.
  private func ids(_ text: ChatText) -> [Int] {
    let ids = model.tokenizer.encode(text)
    return ids.starts(with: model.beginning) ? ids : model.beginning + ids
  }
}

extension LanguageInput.Turn {
  fileprivate var message: ChatMessage {
    switch role {
    case .system: ChatMessage(.system, text)
    case .user: ChatMessage(.user, text)
    case .assistant: ChatMessage(.assistant, text)
    }
  }
}
