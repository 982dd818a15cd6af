import LanternDecoding
import LanternFormats
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
  /// The template of conversations with tools, and how it has them called; nil where it has none.
  private let tools: (template: ChatTemplate, form: ToolCallForm)?

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
    tools = Self.tools(of: generator.model.toolTemplate ?? template, generator.model)
  }

  /// How the model writes calls of tools; nil for one that cannot be given tools.
  package var toolCallForm: ToolCallForm? { tools?.form }

  /// A request for an answer, which ends where the form ends it; one in a form of its own, as a schema, ends with that.
  package func ending(_ request: LanguageRequest) -> LanguageRequest {
    guard LanguageSettings.form(of: request) == nil else { return request }
    var request = request
    request.stop += stops
    return request
  }

  /// A request for an answer that is calls of tools, in the form that the template teaches.
  ///
  /// - Parameters:
  ///   - request: the request.
  ///   - tools: those of which one must be called.
  ///   - areSeveral: whether there may be several calls.
  /// - Returns: the request, held to calls; as it is where the template has no tools.
  package func calling(_ request: LanguageRequest, _ tools: [ChatTool], areSeveral: Bool)
    -> LanguageRequest
  {
    guard let form = toolCallForm else { return request }
    var request = request
    let frame = form.frame
    request.callForm = .framed(
      schema: JSON.write(form.schema(of: tools), keepsOrder: true), opening: frame.opening,
      separator: areSeveral ? frame.separator : nil, closing: frame.closing)
    return request
  }

  /// The tokens of a conversation, up to where the answer begins.
  ///
  /// - Parameters:
  ///   - messages: what was said, the system's first.
  ///   - tools: what the model may call; none where ``toolCallForm`` is nil.
  /// - Returns: the tokens.
  /// - Throws: `TokenizerError` where the template refuses them.
  package func prompt(of messages: [ChatMessage], tools: [ChatTool] = []) throws -> [Int] {
    let model = generator.model
    let template = tools.isEmpty ? template : self.tools?.template ?? template
    return model.tokenizer.encode(
      try template.render(messages, tools: tools, variables: model.chatVariables))
  }

  /// The template of tools, where it writes what it is given, and in a form of calls that is read.
  private static func tools(of template: (source: String, file: String), _ model: LanguageModel)
    -> (template: ChatTemplate, form: ToolCallForm)?
  {
    guard let form = ToolCallForm(template: template.source),
      let parsed = try? ChatTemplate(template.source, file: template.file)
    else { return nil }
    let name = "probe_of_tools"
    let tool = ChatTool(
      name: name, parameters: nil,
      json: .object(ordered: [
        ("type", "function"),
        (
          "function",
          .object(ordered: [
            ("name", .string(name)), ("description", ""),
            ("parameters", .object(["type": "object", "properties": .object([:])])),
          ])
        ),
      ]))
    let text = try? parsed.render(
      [ChatMessage(.user, "a")], tools: [tool], variables: model.chatVariables)
    return text?.string.contains(name) == true ? (parsed, form) : nil
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
