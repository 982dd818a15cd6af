import ArgumentParser
import Lantern
import LanternFormats
import LanternLibrary
import LanternPlatform
import LanternTokenizers

/// `lantern chat`: a conversation with a language model.
struct ChatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat",
    abstract: "Talks with a language model.",
    discussion: """
      lantern chat -m FOLDER/smollm2.gguf
      lantern chat -m FOLDER --system "You answer in one sentence." --temperature 0
      lantern chat -m FOLDER/smollm2.gguf -q < questions.txt
      lantern chat -m FOLDER/smollm2.gguf --library animals
      lantern chat -m FOLDER/qwen3.gguf --tools tools.json --tool-command ./run.sh

      A line is a message; one that ends in \\ goes on in the next. /help lists what else can be typed. Ctrl-C \
      stops an answer, which stays as far as it came; where a message may be typed, it ends the program. What \
      is typed never becomes a control token. Answers go to standard output, everything else to standard error.

      With --library each message is read behind the passages of a library of documents (lantern library) that fit it \
      best, and what the answer cites of them, as [1], is listed behind it.

      With --tools the model may call functions, where its chat template has tools. A call is shown, and a person \
      types what it gives, or --tool-command does it: that program alone is run, with the function's name as its \
      argument and the call's arguments as JSON on its standard input; what it prints is the result.

      The form of the conversation is the model's own: tokenizer.chat_template of a GGUF file, or chat_template.jinja \
      or tokenizer_config.json of a folder. An answer has at most 1024 tokens unless --max-tokens says otherwise.
      """)

  @Option(
    help: ArgumentHelp(
      "What the system says before everything; @FILE for a file's text. (default: what the template says)",
      valueName: "text"))
  var system: String?

  @Option(
    help: ArgumentHelp(
      "The form of the conversation: \(ChatTemplate.knownNames.joined(separator: ", ")), or the file of a template. "
        + "(default: the model's)", valueName: "name|file"),
    transform: FileArgument.named)
  var chatTemplate: String?

  @OptionGroup(title: "Library options") var documents: LibraryOptions
  @OptionGroup(title: "Tool options") var calling: ToolOptions
  @OptionGroup(title: "Text options") var words: LanguageTextOptions
  @OptionGroup(title: "Model options") var source: LanguageModelOptions
  @OptionGroup(title: "Model options") var additions: LanguageLoRAOptions
  @OptionGroup(title: "Model options") var drafting: DraftModelOptions
  @OptionGroup(title: "Model options") var computing: PrecisionOptions
  @OptionGroup(title: "Model options") var threads: ThreadOptions
  @OptionGroup(title: "Server options") var remote: RemoteOptions
  @OptionGroup(title: "Message options") var messages: MessageOptions

  mutating func validate() throws {
    try checkEncoding()
    try remote.refuse(
      words.unsent + additions.unsent + [
        ("--chat-template", chatTemplate != nil), ("--library", documents.library != nil),
        ("--tools", calling.tools != nil), ("--draft", drafting.draft != nil),
        ("--cache-type", source.cacheType != nil),
        ("--precision", computing.precision != nil), ("--threads", threads.threads != nil),
      ])
  }

  func run() throws {
    let console = messages.console
    Interruption.listen()
    try ErrorReport.reporting(to: console) { try report(console) }
  }

  private func report(_ console: Console) throws {
    threads.apply(console)
    var request = LanguageRequest(prompt: "")
    request.maximumTokens = 1024
    try words.apply(to: &request)
    let system = try system.map(PromptFile.text(ofArgument:))
    let start = Console.now
    console.noteIdle(request, hasSeed: words.chance.number != nil)
    if let server = remote.server {
      let model = source.model ?? ""
      var conversation = RemoteConversation(
        system: system, remote: remote, address: server, model: model)
      var session = ChatSession(request: request, console: console, model: model)
      return try talk(&session, &conversation, start)
    }
    let generator = try source.generator(
      computing.precision, console, adding: additions.loras(), draft: drafting.draft)
    let tools = try calling.load()
    var conversation = try LanguageConversation(
      generator, template: try template(), tools: tools?.all ?? [])
    let library = try documents.reader(console)
    let isRuled = library != nil && conversation.readsSystem
    conversation.system =
      isRuled
      ? [GroundedQuestion.rule, system].compactMap(\.self).joined(separator: "\n\n") : system
    var session = ChatSession(
      request: request, console: console, model: FileSystem.split(generator.path).name,
      library: library.map { ($0, conversation.generator) }, tools: tools,
      rule: isRuled ? nil : GroundedQuestion.rule)
    try talk(&session, &conversation, start)
  }

  private func talk(
    _ session: inout ChatSession, _ conversation: inout some ChatPartner & ~Copyable,
    _ start: Double
  ) throws {
    let (console, seed) = (session.console, session.request.seed)
    console.event([
      "event": .string("load"), "model": .string(session.model), "seed": JSONValue(seed),
      "seconds": .number(Console.now - start),
    ])
    if ChatInput.isTerminal {
      console.report("\(session.model) listens. /help lists what can be typed.")
    }
    try session.run(&conversation)
    if words.chance.number == nil, session.request.temperature != 0, session.answers > 0 {
      console.report("seed \(seed)")
    }
  }

  /// The template that was named, and where it is from.
  private func template() throws -> (source: String, file: String)? {
    guard let chatTemplate else { return nil }
    if let known = ChatTemplate.known(chatTemplate) { return (known, chatTemplate) }
    return (try PromptFile.text(chatTemplate), chatTemplate)
  }
}
