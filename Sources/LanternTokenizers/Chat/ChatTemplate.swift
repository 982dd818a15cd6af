package import LanternPlatform

/// A value that a chat template is given.
package enum ChatValue: Sendable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  /// Text of the program or the model: a role, `<s>`.
  case text(String)
  /// Text that people typed, or a model wrote.
  case typed(String)
  case list([ChatValue])
  /// Keys and values in order.
  case object([(key: String, value: ChatValue)])

  /// The value in a template; nil where it is nested too deeply.
  func templateValue(depth: Int = 0) -> TemplateValue? {
    guard depth < TemplateValue.depthLimit else { return nil }
    switch self {
    case .null: return TemplateValue.none
    case .bool(let value): return .bool(value)
    case .integer(let value): return .integer(value)
    case .number(let value): return .float(value)
    case .text(let text): return .text(TemplateText(text))
    case .typed(let text): return .text(TemplateText(text, isTyped: true))
    case .list(let values):
      let items = values.compactMap { $0.templateValue(depth: depth + 1) }
      return items.count == values.count ? .list(TemplateItems(items)) : nil
    case .object(let members):
      var dict = TemplateDict()
      for (key, value) in members {
        guard let value = value.templateValue(depth: depth + 1), dict.set(.text(key), to: value)
        else { return nil }
      }
      return .dict(dict)
    }
  }
}

/// A chat template: how a model wants its conversations written, in the part of jinja2 that such templates use.
///
/// Renders as jinja2 (3.1) does in the sandbox of `transformers` (5.24), with its limits of access and further ones
/// of time and memory; what is not supported is refused by name and line.
package struct ChatTemplate: Sendable {
  private let statements: [TemplateStatement]
  private let file: String

  /// Parses a template.
  ///
  /// - Parameters:
  ///   - source: the template.
  ///   - file: where it is from, for errors.
  /// - Throws: ``TokenizerError/template(file:line:reason:)``.
  package init(_ source: String, file: String) throws(TokenizerError) {
    self.file = file
    statements = try Self.onDeepStack { () throws(TokenizerError) in
      try TemplateParser.parse(source, file: file)
    }
  }

  /// What a model is given of a conversation, up to where its answer begins.
  ///
  /// - Parameters:
  ///   - messages: the conversation.
  ///   - tools: what the model may call.
  ///   - variables: what else the template may read, as `bos_token`.
  ///   - now: what the template takes for now.
  /// - Returns: the text, in which the template's characters are distinct from the messages'.
  /// - Throws: ``TokenizerError``.
  package func render(
    _ messages: [ChatMessage], tools: [ChatTool] = [],
    variables: [(key: String, value: ChatValue)] = [],
    now: tm = ChatTemplate.localTime
  ) throws(TokenizerError) -> ChatText {
    let standard: [(key: String, value: ChatValue)] = [
      ("messages", .list(messages.map(\.templateValue))),
      ("tools", tools.isEmpty ? .null : .list(tools.map { ChatValue($0.json) })),
      ("documents", .null), ("add_generation_prompt", .bool(true)),
    ]
    return try render(standard + variables, now: now)
  }

  /// The text that the template makes of variables.
  ///
  /// - Throws: ``TokenizerError``.
  package func render(_ variables: [(key: String, value: ChatValue)], now: tm)
    throws(TokenizerError) -> ChatText
  {
    var values: [String: TemplateValue] = [:]
    for (key, value) in variables {
      guard let value = value.templateValue() else {
        throw .template(file: file, line: 1, reason: "\"\(key)\" is nested too deeply")
      }
      values[key] = value
    }
    let text = try Self.onDeepStack { () throws(TokenizerError) in
      try TemplateRun(file: file, variables: values, now: now).render(statements)
    }
    return ChatText(text)
  }

  /// The time here and now.
  package static var localTime: tm {
    var (seconds, parts) = (time(nil), tm())
    localtime_r(&seconds, &parts)
    return parts
  }

  /// Runs what recurses on a stack that is deep enough for its limits.
  private static func onDeepStack<Value>(_ body: () throws(TokenizerError) -> Value)
    throws(TokenizerError) -> Value
  {
    var result: Result<Value, TokenizerError>?
    DeepStack.run { result = Result(catching: body) }
    guard let result else { throw .template(file: "", line: 1, reason: "it was not run") }
    return try result.get()
  }
}
