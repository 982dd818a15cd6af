import ArgumentParser
import Lantern
import LanternBench
import LanternHub
import LanternPlatform
import LanternTensor

/// `lantern bench language`: how fast a language model reads and writes.
struct BenchLanguageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "language",
    abstract:
      "Times a language model: tokens a second of a prompt and behind it, memory; perplexity.",
    discussion: """
      lantern bench language -m FOLDER/smollm2.gguf
      lantern bench language -m FOLDER/smollm2.gguf --prompt-tokens 512,2048
      lantern bench language -m FOLDER/smollm2.gguf --perplexity book.txt

      The prompt is read at once, what follows token by token, with the scores of the next token behind each; \
      choosing it is not timed. Figures are of the median run. Perplexity is llama.cpp's: of the second half of \
      each window of 512 tokens.
      """)

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Tokens that are read at once; several counts with commas between them.", valueName: "counts")
  )
  var promptTokens = "512"

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Tokens that are read one by one behind them.", valueName: "count"))
  var newTokens = 128

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Sequences that go on from the prompt, a token of each at a time.", valueName: "count"))
  var sequences = 1

  @Flag(help: "Give each sequence a prompt of its own, read one after another.")
  var ownPrompts = false

  @OptionGroup var timing: RunsOptions

  @Option(
    help: ArgumentHelp(
      "Measure the perplexity of this file's text too. (default: none)", valueName: "file"),
    transform: FileArgument.named)
  var perplexity: String?

  @OptionGroup(title: "Model options") var source: LanguageModelOptions
  @OptionGroup(title: "Model options") var computing: PrecisionOptions
  @OptionGroup(title: "Model options") var threads: ThreadOptions
  @OptionGroup(title: "Message options") var messages: MessageOptions

  mutating func validate() throws {
    let counts = try promptCounts
    for (name, count) in counts.map({ ("prompt tokens", $0) }) + [("new tokens", newTokens)]
    where !(1...1_000_000).contains(count) {
      throw ValidationError("\(name) \(count): choose 1 to 1000000")
    }
    if !(1...LanguageGenerator.maximumCount).contains(sequences) {
      throw ValidationError(
        "sequences \(sequences): choose 1 to \(LanguageGenerator.maximumCount)")
    }
  }

  private var promptCounts: [Int] {
    get throws {
      do throws(RequestError) {
        return try CommaList.numbers(promptTokens, "prompt tokens") { Int($0) }
      } catch {
        throw ValidationError("\(error)")
      }
    }
  }

  func run() throws {
    let console = messages.console
    Interruption.listen()
    try ErrorReport.reporting(to: console) { try report(console) }
  }

  private func report(_ console: Console) throws {
    threads.apply(console)
    let text = try perplexity.map { try PromptFile.text(ofArgument: "@" + $0) }
    let start = Console.now
    let generator = try source.generator(computing.precision, console)
    try generator.model.checkCausal("lantern bench language")
    console.detail("loaded in \(rounded(Console.now - start)) s")
    if ownPrompts, sequences == 1 { console.note("--own-prompts has no effect on one sequence") }
    let measured = try text.map { text in
      var bar = ProgressBar(console)
      defer { bar.end() }
      return try Perplexity(of: text, generator) { number, count in
        try Interruption.check()
        bar.show(number, of: count)
      }
    }
    for count in try promptCounts {
      let bench = try bench(generator, promptTokens: count, console)
      console.isJSON ? reportJSON(bench, measured, generator, console) : report(bench)
    }
    if !console.isJSON { report(measured) }
  }

  private func bench(_ generator: LanguageGenerator, promptTokens: Int, _ console: Console) throws
    -> LanguageBench
  {
    var bar = ProgressBar(console)
    defer { bar.end() }
    var done = 0
    let all = (timing.runs + 1) * (newTokens + (ownPrompts ? sequences : 1))
    return try LanguageBench(
      generator, promptTokens: promptTokens, newTokens: newTokens, sequences: sequences,
      hasOwnPrompts: ownPrompts, runs: timing.runs
    ) {
      try Interruption.check()
      done += 1
      bar.show(done, of: all)
    }
  }

  private func report(_ bench: LanguageBench) {
    Console.print(
      (bench.hasOwnPrompts
        ? "\(bench.sequences) prompts of \(bench.promptTokens)"
        : "prompt of \(bench.promptTokens) tokens").padded(to: 28)
        + "\(rounded(bench.prefillTokensPerSecond, 1)) tokens/s")
    Console.print(
      (bench.sequences == 1
        ? "\(bench.newTokens) tokens behind it"
        : "\(bench.sequences) times \(bench.newTokens) behind it")
        .padded(to: 28)
        + "\(rounded(bench.decodeTokensPerSecond, 1)) tokens/s")
  }

  private func report(_ perplexity: Perplexity?) {
    if let perplexity {
      Console.print(
        "perplexity".padded(to: 28)
          + "\(rounded(perplexity.value, 4)), of \(perplexity.countedTokens) tokens of \(perplexity.tokens)"
      )
    }
    Console.print(
      "peak memory \(ResidentMemory.peak >> 20) MiB; \(ComputeEngine.instructionSet), "
        + "\(ComputeEngine.threadCount) threads")
  }

  private func reportJSON(
    _ bench: LanguageBench, _ perplexity: Perplexity?, _ generator: LanguageGenerator,
    _ console: Console
  ) {
    for (number, run) in bench.runs.enumerated() {
      console.event([
        "event": .string("run"), "number": .integer(number + 1),
        "prefill_seconds": .number(run.prefill), "decode_seconds": .number(run.decode),
      ])
    }
    var end: [String: JSONValue] = [
      "event": .string("end"), "model": .string(HubCache.name(of: generator.path)),
      "prompt_tokens": .integer(bench.promptTokens), "new_tokens": .integer(bench.newTokens),
      "sequences": .integer(bench.sequences), "own_prompts": .bool(bench.hasOwnPrompts),
      "prefill_tokens_per_second": .number(bench.prefillTokensPerSecond),
      "decode_tokens_per_second": .number(bench.decodeTokensPerSecond),
      "peak_bytes": .integer(bench.peakBytes),
      "cache_bytes_per_token": .integer(generator.cacheBytesPerToken),
      "instruction_set": .string(ComputeEngine.instructionSet),
      "threads": .integer(ComputeEngine.threadCount),
    ]
    if let perplexity {
      end["perplexity"] = .number(perplexity.value)
      end["perplexity_tokens"] = .integer(perplexity.countedTokens)
    }
    console.event(end)
  }
}
