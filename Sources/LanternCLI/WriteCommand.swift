import LanternPlatform
import ArgumentParser
import Lantern
import LanternFormats
import LanternLibrary
import LanternTensor

/// `lantern write`: text that goes on from a prompt.
struct WriteCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "write",
    abstract: "Writes on from a text with a language model.",
    discussion: """
      lantern write "Once upon a time" -m FOLDER/smollm2.gguf
      lantern write "The capital of France is" -m FOLDER -n 8 --temperature 0
      lantern write @story.txt -m FOLDER/smollm2.gguf --stop "The end" -s 7
      lantern write --prompts questions.txt -m FOLDER/smollm2.gguf
      lantern write "Badgers sleep in" -m FOLDER/smollm2.gguf --library animals

      A model is a GGUF file, or a folder with config.json, weights and a tokenizer as transformers lays it \
      out. The text goes on as it stands: a chat model is given no roles. What is written goes to standard \
      output, everything else to standard error. With --library the best passages of a library of documents (lantern \
      library) stand in front of the text, and what is cited of them, as [1], is listed behind.
      """)

  @Argument(help: "The text to go on from; @FILE for one in a file, @- for standard input.")
  var prompt: String?

  @Option(
    help: ArgumentHelp(
      "Go on from each line of this file in place of one text; - for standard input. (default: none)",
      valueName: "file"))
  var prompts: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How many of them are written at once. (default: \(LanguageGenerator.standardParallel))",
      valueName: "count"))
  var parallel: Int?

  @OptionGroup(title: "Library options") var documents: LibraryOptions
  @OptionGroup(title: "Text options") var words: LanguageTextOptions

  @Option(
    name: [.customShort("b"), .customLong("count")], parsing: .unconditional,
    help: ArgumentHelp(
      "How many texts, written at once, each with the next seed.", valueName: "count"))
  var count = 1

  @Option(
    help: ArgumentHelp(
      "Write tokens and logits of prompt and text to this safetensors file. (default: none)",
      valueName: "file"))
  var trace: String?

  @OptionGroup(title: "Model options") var source: LanguageModelOptions
  @OptionGroup(title: "Model options") var additions: LanguageLoRAOptions
  @OptionGroup(title: "Model options") var drafting: DraftModelOptions
  @OptionGroup(title: "Model options") var computing: PrecisionOptions
  @OptionGroup(title: "Model options") var threads: ThreadOptions
  @OptionGroup(title: "Server options") var remote: RemoteOptions
  @OptionGroup(title: "Message options") var messages: MessageOptions

  mutating func validate() throws {
    try checkEncoding()
    try remote.refuse(unsent)
    if !(1...LanguageGenerator.maximumCount).contains(count) {
      throw ValidationError("count \(count): choose 1 to \(LanguageGenerator.maximumCount)")
    }
    if count > 1, trace != nil {
      throw ValidationError("--trace is of one text: leave out --count")
    }
    try checkPrompts()
  }

  private func checkPrompts() throws {
    guard prompts != nil else {
      if prompt == nil {
        throw ValidationError("from which text? For example: lantern write \"Once upon a time\"")
      }
      if parallel != nil { throw ValidationError("--parallel is of --prompts: give both") }
      return
    }
    if prompt != nil { throw ValidationError("--prompts replaces the prompt: give one of both") }
    if documents.library != nil {
      throw ValidationError("--library is of one prompt: leave out --prompts")
    }
    if count > 1 { throw ValidationError("--count is of one prompt: leave out --prompts") }
    if trace != nil { throw ValidationError("--trace is of one text: leave out --prompts") }
    if let parallel, !(1...LanguageGenerator.maximumCount).contains(parallel) {
      throw ValidationError("parallel \(parallel): choose 1 to \(LanguageGenerator.maximumCount)")
    }
  }

  func run() throws {
    let console = messages.console
    Interruption.listen()
    try ErrorReport.reporting(to: console) { try report(console) }
  }

  private func report(_ console: Console) throws {
    if let trace { try FileSystem.checkFolder(of: trace) }
    threads.apply(console)
    var request = LanguageRequest(prompt: try prompt.map(PromptFile.text(ofArgument:)) ?? "")
    let lines = try prompts.map(PromptFile.prompts)
    try words.apply(to: &request)
    if let server = remote.server { return try write(request, behind: lines, on: server, console) }
    let library = try documents.reader(console)
    let start = Console.now
    let generator = try source.generator(
      computing.precision, console, adding: additions.loras(), draft: drafting.draft)
    console.event([
      "event": .string("load"), "model": .string(FileSystem.split(generator.path).name),
      "seed": JSONValue(request.seed), "seconds": .number(Console.now - start),
    ])
    let grounds = try library.map { library in
      GroundedText(
        library: library,
        question: try library.grounded(
          request.prompt, for: generator, tokens: request.maximumTokens))
    }
    if let grounds { request.prompt = grounds.question.continuation }
    let begin = Console.now
    if let lines { return try write(request, behind: lines, generator, console) }
    guard count == 1 else {
      let results = try generator.write(request, count: count) { number, event in
        try Interruption.check()
        console.put(event, of: number)
      }
      return finish(results, grounds, seconds: Console.now - begin, request, console)
    }
    var read: (tokens: [Int], logits: [Tensor]) = ([], [])
    let keep: (([Int], Tensor) throws -> Void)? =
      trace == nil
      ? nil
      : { ids, logits in (read.tokens, read.logits) = (read.tokens + ids, read.logits + [logits]) }
    let result = try generator.write(request, onLogits: keep) { event in
      try Interruption.check()
      console.put(event)
    }
    if !console.isJSON { Console.put("\n") }
    if let trace { try write(read.tokens, read.logits, to: trace) }
    finish([result], grounds, seconds: Console.now - begin, request, console)
  }

  /// Writes on from several prompts, and gives the texts in the prompts' order, each as soon as those before it are whole.
  private func write(
    _ request: LanguageRequest, behind prompts: [String], _ generator: LanguageGenerator,
    _ console: Console
  ) throws {
    let begin = Console.now
    var (results, given): ([Int: LanguageResult], Int) = ([:], 0)
    let requests = prompts.map {
      var request = request
      request.prompt = $0
      return request
    }
    try generator.write(requests, parallel: parallel ?? LanguageGenerator.standardParallel) {
      try Interruption.check()
      console.put($1, of: $0)
      guard case .finished(let result) = $1 else { return }
      results[$0] = result
      end(result, $0, request.seed, Console.now - begin, console)
      while let next = results[given] {
        put(next, number: given, console)
        given += 1
      }
    }
    conclude((0..<given).compactMap { results[$0] }, seconds: Console.now - begin, request, console)
  }

  /// Puts one of several texts on standard output.
  func put(_ result: LanguageResult, number: Int, _ console: Console) {
    if !console.isJSON { Console.put((number == 0 ? "" : "\n") + result.text + "\n") }
  }

  /// What a text was written behind: a question with passages, and whose.
  struct GroundedText {
    let library: LibraryReader
    let question: GroundedQuestion
  }

  func finish(
    _ results: [LanguageResult], _ grounds: GroundedText?, seconds: Double,
    _ request: LanguageRequest, _ console: Console
  ) {
    for (number, result) in results.enumerated() {
      if results.count > 1 { put(result, number: number, console) }
      let citations = grounds.map {
        $0.library.list(citationsIn: result.text, of: $0.question)
      }
      end(
        result, results.count > 1 ? number : nil, request.seed &+ UInt64(number), seconds, console,
        citations: citations)
    }
    conclude(results, seconds: seconds, request, console)
  }

  /// Notes, and what was done in all.
  func conclude(
    _ results: [LanguageResult], seconds: Double, _ request: LanguageRequest, _ console: Console
  ) {
    var noted: Set<String> = []
    for note in results.flatMap(\.notes) where noted.insert(note).inserted { console.note(note) }
    console.noteIdle(request, hasSeed: words.chance.number != nil)
    let read =
      prompts == nil
      ? results.first?.promptTokens ?? 0
      : results.reduce(0) { $0 + $1.promptTokens - $1.cachedTokens }
    let tokens = results.reduce(0) { $0 + $1.tokens }
    console.detail("\(read) tokens read and \(tokens) written in \(rounded(seconds)) s")
    results.forEach(console.detail(acceptanceOf:))
    if words.chance.number == nil, request.temperature != 0, request.beams == 1 {
      console.report("seed \(request.seed)")
    }
  }

  /// Tells programs that a text has ended.
  func end(
    _ result: LanguageResult, _ number: Int?, _ seed: UInt64, _ seconds: Double, _ console: Console,
    citations: JSONValue? = nil
  ) {
    var event: [String: JSONValue] = [
      "event": .string("end"), "prompt_tokens": .integer(result.promptTokens),
      "cached_tokens": .integer(result.cachedTokens),
      "proposed_tokens": .integer(result.proposedTokens),
      "accepted_tokens": .integer(result.acceptedTokens),
      "tokens": .integer(result.tokens), "ending": .string(result.ending.rawValue),
      "seed": JSONValue(seed), "seconds": .number(seconds),
    ]
    if let number { event["number"] = .integer(number + 1) }
    if let citations { event["citations"] = citations }
    if let score = result.score { event["score"] = .number(Double(score)) }
    console.event(event)
  }

  private func write(_ tokens: [Int], _ logits: [Tensor], to path: String) throws {
    let all = try Tensor.concatenated(logits, axis: 1)
    let matrix = try all.reshaped([tokens.count, all.elementCount / max(1, tokens.count)])
    try SafetensorsFile.write(
      [
        PlannedTensor("tokens", integers: tokens),
        PlannedTensor("logits") { () throws(FormatError) in matrix },
      ], to: path)
  }
}
