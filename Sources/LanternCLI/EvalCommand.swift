import LanternPlatform
import ArgumentParser
import Lantern
import LanternEvaluation
import LanternFormats

/// `lantern eval`: how well a language model does in public benchmarks.
struct EvalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval",
    abstract: "Scores a language model by a public benchmark.",
    discussion: """
      lantern eval gsm8k -m FOLDER/smollm2.gguf --data FOLDER --limit 100
      lantern eval mmlu -m FOLDER --data FOLDER --shots 5 --log mmlu.jsonl

      Benchmarks are arc_challenge, arc_easy, bbh_cot_fewshot, bbh_fewshot, ceval-valid, gsm8k, hellaswag and mmlu, with \
      the prompts, examples and scores that lm-evaluation-harness 0.4.13 has under these names. Their files are those that \
      their authors publish (CSV, JSON, lines of JSON); none is fetched. A run that was broken off goes on from its --log.
      """)

  @Argument(help: "The benchmark.")
  var task: TaskName

  @Option(
    help: ArgumentHelp(
      "The benchmark's file, or a folder with its files. (default: none)", valueName: "path"),
    transform: FileArgument.named)
  var data: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Answer only the first questions of each subject. (default: all)", valueName: "count"))
  var limit: Int?

  @Option(
    help: ArgumentHelp(
      "Write a line for each question to this file, and take what it has from there. (default: none)",
      valueName: "file"),
    transform: FileArgument.named)
  var log: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How many answers are written at once. (default: \(LanguageGenerator.standardParallel))",
      valueName: "count"))
  var parallel: Int?

  @OptionGroup(title: "Prompt options") var prompt: EvaluationPromptOptions
  @OptionGroup(title: "Model options") var source: LanguageModelOptions
  @OptionGroup(title: "Model options") var computing: PrecisionOptions
  @OptionGroup(title: "Model options") var threads: ThreadOptions
  @OptionGroup(title: "Message options") var messages: MessageOptions

  mutating func validate() throws {
    try checkEncoding()
    if data == nil {
      throw ValidationError("where are the benchmark's files? Name them with --data PATH")
    }
    if let limit, limit < 1 { throw ValidationError("limit \(limit): choose 1 or more") }
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
    threads.apply(console)
    if let log { try FileSystem.checkFolder(of: log) }
    var settings = prompt.settings
    settings.limit = limit
    settings.parallel = parallel ?? settings.parallel
    let evaluation = try LanguageEvaluation(task.task, data: data ?? "", settings)
    noteIdle(evaluation, console)
    let start = Console.now
    let generator = try source.generator(computing.precision, console)
    let record = try log.map { try EvaluationLog($0, run: evaluation.run(of: generator)) }
    console.event([
      "event": .string("load"), "model": .string(HubCache.name(of: generator.path)),
      "task": .string(task.task.name), "questions": .integer(evaluation.count),
      "shots": .integer(evaluation.shots), "seconds": .number(Console.now - start),
    ])
    let begin = Console.now
    var bar = ProgressBar(console)
    defer { bar.end() }
    var shown = 0
    let scores = try evaluation.scores(of: generator, log: record) { done in
      try Interruption.check()
      guard done > shown else { return }
      shown = done
      bar.show(done, of: evaluation.count, "question")
    }
    bar.end()
    report(scores, evaluation, console)
    console.detail("\(evaluation.count) questions in \(rounded(Console.now - begin)) s")
    console.event([
      "event": .string("end"), "questions": .integer(evaluation.count),
      "seconds": .number(Console.now - begin),
    ])
  }

  private func noteIdle(_ evaluation: LanguageEvaluation, _ console: Console) {
    if prompt.seed != nil, !evaluation.drawsExamples {
      console.note("seed without effect: no examples are drawn by chance")
    }
    if parallel != nil, !evaluation.writesAnswers {
      console.note("parallel without effect: choices are scored one after another")
    }
    if prompt.oneTurn, evaluation.shots == 0 {
      console.note("one turn without effect: no examples stand before a question")
    }
  }

  private func report(
    _ scores: [EvaluationScore], _ evaluation: LanguageEvaluation, _ console: Console
  ) {
    let name = evaluation.task.name
    let labels = scores.map { $0.subject.isEmpty ? name : "\(name) \($0.subject)" }
    let width = (labels.map(\.count).max() ?? 0) + 2
    let metricWidth = (scores.map(\.metric.count).max() ?? 0) + 4
    if !console.isJSON {
      Console.print(
        "".padded(to: width) + "score".padded(to: metricWidth)
          + "value   stderr  95 %              right of")
    }
    for (label, score) in zip(labels, scores) {
      report(score, label.padded(to: width) + score.metric.padded(to: metricWidth), console)
    }
  }

  private func report(_ score: EvaluationScore, _ label: String, _ console: Console) {
    var event: [String: JSONValue] = [
      "event": .string("score"), "subject": .string(score.subject),
      "metric": .string(score.metric), "value": .number(score.value),
      "right": .integer(score.right), "count": .integer(score.count),
    ]
    event["stderr"] = score.standardError.map(JSONValue.number)
    if let range = score.interval {
      event["interval"] = .array([.number(range.lowerBound), .number(range.upperBound)])
    }
    console.event(event)
    guard !console.isJSON else { return }
    let range = score.interval.map {
      "\(rounded($0.lowerBound, 4)) to \(rounded($0.upperBound, 4))"
    }
    Console.print(
      label + "\(rounded(score.value, 4))  "
        + (score.standardError.map { rounded($0, 4) } ?? "").padded(to: 8)
        + (range ?? "").padded(to: 18) + "\(score.right) of \(score.count)")
  }
}

/// A benchmark's name.
struct TaskName: ExpressibleByArgument {
  let task: LanguageTask

  init?(argument: String) {
    guard let task = LanguageTask.all.first(where: { $0.name == argument }) else { return nil }
    self.task = task
  }

  static var allValueStrings: [String] { LanguageTask.all.map(\.name) }
}
