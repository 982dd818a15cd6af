import Lantern
import LanternFormats
import LanternLibrary
import LanternPlatform

/// What people type in a conversation.
enum ChatInput {
  case message(String)
  case help, clear, again, exit
  case system(String)
  case save(String)
  case unknown(String)

  /// Whether a person types.
  static let isTerminal = isatty(0) == 1
  /// Maximum bytes of a message.
  static let limit = 1 << 20

  static let commandList = """
    /help            what can be typed
    /clear           begin anew; what the system says stays
    /system TEXT     what the system says from now on; without TEXT nothing
    /regen           answer the last message again
    /save FILE       write the conversation to a new file, as JSON
    /exit            end; /bye, /quit and Ctrl-D too
    A line that ends in \\ goes on in the next. A message may begin with a slash behind a space.
    """

  /// What a text means; nil for one without anything in it.
  init?(_ text: String) {
    guard text.contains(where: { !$0.isWhitespace }) else { return nil }
    guard text.hasPrefix("/") else {
      self = .message(text.hasPrefix(" /") ? String(text.dropFirst()) : text)
      return
    }
    let parts = text.split(separator: " ", maxSplits: 1)
    let rest = parts.count > 1 ? parts[1].trimmingSpaces : ""
    switch (parts.first ?? "", rest.isEmpty) {
    case ("/help", true), ("/?", true): self = .help
    case ("/clear", true), ("/new", true): self = .clear
    case ("/regen", true): self = .again
    case ("/exit", true), ("/bye", true), ("/quit", true): self = .exit
    case ("/system", _): self = .system(rest)
    case ("/save", false): self = .save(rest)
    default: self = .unknown(text)
    }
  }

  /// The next text of standard input: a line, and those after it while they end in a backslash; nil at the end.
  ///
  /// - Throws: ``FormatError/unsupportedFileKind(path:remedy:)`` for one that is too long.
  static func read() throws -> String? {
    var text = ""
    while true {
      if isTerminal { Console.write(text.isEmpty ? "> " : ". ", to: .standardError) }
      let next = isTerminal ? Interruption.whileIdle { readLine() } : readLine()
      guard let line = next else {
        if isTerminal { Console.write("\n", to: .standardError) }
        return text.isEmpty ? nil : text
      }
      text += line
      guard text.utf8.count <= limit else {
        throw FormatError.unsupportedFileKind(
          path: "standard input", remedy: "has a line of more than \(limit) bytes: shorten it")
      }
      guard text.hasSuffix("\\") else { return text }
      text.removeLast()
      text += "\n"
    }
  }
}

extension Substring {
  fileprivate var trimmingSpaces: String {
    let start = drop(while: \.isWhitespace)
    let end = start.lastIndex { !$0.isWhitespace }.map { start.index(after: $0) }
    return String(start[..<(end ?? start.startIndex)])
  }
}

/// A conversation on standard input and output.
struct ChatSession {
  let request: LanguageRequest
  let console: Console
  let model: String
  /// Whose passages messages are read behind, and by which model; nil for none.
  let library: (reader: LibraryReader, generator: LanguageGenerator)?
  /// What answers calls of tools; nil for none.
  let tools: ToolRunner?
  /// What is said of passages in front of them, where the system does not say it.
  let rule: String?
  /// How many answers were begun.
  private(set) var answers = 0

  init(
    request: LanguageRequest, console: Console, model: String,
    library: (reader: LibraryReader, generator: LanguageGenerator)? = nil,
    tools: ToolRunner? = nil, rule: String? = nil
  ) {
    (self.request, self.console, self.model) = (request, console, model)
    (self.library, self.tools, self.rule) = (library, tools, rule)
  }

  /// Answers until there is nothing more to answer.
  mutating func run(_ conversation: inout some ChatPartner & ~Copyable) throws {
    while let text = try ChatInput.read() {
      try Interruption.check()
      guard let input = ChatInput(text) else { continue }
      if case .exit = input { return }
      do {
        try take(input, &conversation)
      } catch let error as any LanternError where ChatInput.isTerminal {
        // A person may go on; where nobody sees it, a message without an answer is a failure.
        Console.complain("Error: \(error)")
      }
    }
  }

  private mutating func take(
    _ input: ChatInput, _ conversation: inout some ChatPartner & ~Copyable
  ) throws {
    switch input {
    case .message(let text): try answer(text, &conversation)
    case .again:
      guard let text = conversation.takeBack() else {
        return console.note("there is no message to answer again")
      }
      try answer(text, &conversation)
    case .help: console.report(lines: ChatInput.commandList)
    case .clear: conversation.clear()
    case .system(let text): conversation.system = text.isEmpty ? nil : text
    case .save(let path): try save(conversation, to: path)
    case .unknown(let text): console.note("\(text): no such command; /help lists them")
    case .exit: break
    }
  }

  /// Answers that follow one another without a message of a person at most.
  private static let roundLimit = 8

  /// Answers a message, and what the tools give that the answers call.
  private mutating func answer(
    _ text: String, _ conversation: inout some ChatPartner & ~Copyable
  ) throws {
    let question = try library.map { library in
      try library.reader.grounded(text, for: library.generator, tokens: request.maximumTokens)
    }
    var said = [ChatMessage(.user, text)]
    for round in 1...Self.roundLimit {
      guard try answer(said, round == 1 ? question : nil, &conversation) else { return }
      let calls = conversation.messages.last?.toolCalls ?? []
      guard let tools, !calls.isEmpty else { return }
      said = try calls.map { try tools.answer($0, console) }
    }
    console.note(
      "the model has called tools \(Self.roundLimit) times in a row: the last results are not read")
  }

  /// Answers messages; false where a person stops the answer.
  private mutating func answer(
    _ said: [ChatMessage], _ question: GroundedQuestion?,
    _ conversation: inout some ChatPartner & ~Copyable
  ) throws -> Bool {
    var request = request
    // Each answer has random numbers of its own.
    request.seed = self.request.seed &+ UInt64(answers)
    answers += 1
    let start = Console.now
    var written = ""
    let reading = question.flatMap { question in
      question.passages.isEmpty
        ? nil : [rule, question.text].compactMap(\.self).joined(separator: "\n\n")
    }
    do {
      let result = try conversation.answer(said, reading: reading, request) { event in
        try Interruption.check()
        if case .text(let piece) = event { written += piece }
        console.put(event)
      }
      end(written, result.ending.rawValue, result.tokens, question)
      result.notes.forEach(console.note)
      if result.ending == .length { console.note("the answer is cut at \(result.tokens) tokens") }
      console.detail(
        "\(conversation.readTokens) tokens read and \(result.tokens) written in "
          + "\(rounded(Console.now - start)) s")
      console.detail(acceptanceOf: result)
      return true
    } catch let stopped as Interruption.Stopped where stopped.signal == SIGINT {
      Interruption.goOn()
      end(written, "interrupted", nil, question)
      return false
    }
  }

  /// Ends an answer's line, and lists what the answer cites.
  private func end(
    _ text: String, _ ending: String, _ tokens: Int?, _ question: GroundedQuestion?
  ) {
    if !console.isJSON { Console.put("\n") }
    var event: [String: JSONValue] = [
      "event": .string("answer"), "text": .string(text), "ending": .string(ending),
      "tokens": tokens.map(JSONValue.integer) ?? .null,
    ]
    if let library, let question {
      event["citations"] = library.reader.list(citationsIn: text, of: question)
    }
    console.event(event)
  }

  private func save(
    _ conversation: borrowing some ChatPartner & ~Copyable, to path: String
  ) throws {
    let all =
      (conversation.system.map { [ChatMessage(.system, $0)] } ?? []) + conversation.messages
    let messages = all.map(\.json)
    let text = JSON.write(.object(["model": .string(model), "messages": .array(messages)]))
    try AtomicFile.write(Array((text + "\n").utf8), to: path, .create)
    console.report("\(all.count) messages are in \(path)")
  }
}
