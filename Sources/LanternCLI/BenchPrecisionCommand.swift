import ArgumentParser
import LanternEvaluation
import Lantern
import LanternBench
import LanternFormats
import LanternModels

/// `lantern bench precision`: what exactness costs.
struct BenchPrecisionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "precision",
    abstract: "Compares precisions: seconds, memory, distance of the pictures from exact ones.",
    discussion: """
      lantern bench precision
      lantern bench precision -m FOLDER -W 512 -H 512 --steps 20 --seeds 1,2,3

      Each prompt is drawn with each seed, exactly and in every other precision. Distance is the peak \
      signal-to-noise ratio against the exact picture (40 dB cannot be seen) and the largest difference of a value; accuracy, \
      for prompts in the picturebook's words, the share of pictures in which the judge sees what the prompt \
      says.
      """)

  @Argument(
    help: ArgumentHelp("The model, instead of --model. (default: none)", valueName: "folder"),
    transform: FileArgument.named)
  var folder: String?

  @OptionGroup(title: "Model options") var modelOptions: ModelOptions
  @OptionGroup(title: "Model options") var threads: ThreadOptions

  @Option(
    help: ArgumentHelp(
      "Names with commas between them; exact is always measured.", valueName: "names"))
  var precisions = Precision.allCases.map(\.rawValue).joined(separator: ",")

  @OptionGroup(title: "Prompt options") var drawn: BenchPromptOptions

  @Option(.steps) var steps: Int?

  @OptionGroup(title: "Size options") var size: SizeOptions

  @OptionGroup(title: "Message options") var messages: MessageOptions

  mutating func validate() throws {
    if folder != nil, modelOptions.model != nil {
      throw ValidationError("the model is given twice: as an argument and with --model")
    }
    _ = try wanted()
  }

  private func wanted() throws -> [Precision] {
    try CommaList.names(precisions, "precisions") { name in
      guard let precision = Precision(rawValue: name) else {
        throw ValidationError(
          "precision \"\(name)\": choose one of "
            + Precision.allCases.map(\.rawValue).joined(separator: ", "))
      }
      return precision
    }
  }

  func run() throws {
    let console = messages.console
    Interruption.listen()
    try ErrorReport.reporting(to: console) {
      threads.apply(console)
      let path =
        try folder.map { try ModelOptions.folder(named: $0, or: .picturebook) }
        ?? modelOptions.folder()
      var settings = SamplerBench.Settings.default
      try drawn.apply(to: &settings)
      try size.apply(to: &settings)
      let requests = settings.prompts.flatMap { text in
        settings.seeds.map { seed in
          var request = ImageRequest(prompt: text)
          (request.seed, request.steps) = (seed, steps)
          (request.width, request.height) = (settings.width, settings.height)
          return request
        }
      }
      console.detail(
        "\(path): \(requests.count) pictures in each precision; \(ComputeEngine.instructionSet), "
          + "\(ComputeEngine.threadCount) threads")
      let judge = try drawn.judgeFolder().map { try Judge(folder: $0) }
      let unjudged = drawn.notes(judge, settings)
      var noted: Set<String> = []
      var bar = ProgressBar(console)
      defer { bar.end() }
      let bench = try PrecisionBench(
        wanted(), requests, judge: judge,
        load: { try ImageGenerator(folder: path, variant: modelOptions.variant, precision: $0) },
        onPicture: { done, all, notes in
          try Interruption.check()
          for note in unjudged + notes where noted.insert(note).inserted { console.note(note) }
          bar.show(done, of: all, "picture")
        })
      bar.end()
      for (index, row) in bench.rows.enumerated() {
        if console.isJSON { reportJSON(row, console) } else { report(row, isFirst: index == 0) }
      }
    }
  }

  private static let widths = [10, 9, 9, 10, 9, 10, 10]

  private static func line(_ name: String, _ cells: [String]) -> String {
    name.padded(to: 10) + zip(cells, widths).map { $0.aligned($1) }.joined()
  }

  private func report(_ row: PrecisionBench.Row, isFirst: Bool) {
    if isFirst {
      let head = ["median s", "loading", "MB", "dB least", "dB mean", "worst", "accuracy"]
      Console.print(Self.line("precision", head))
    }
    let mean = row.decibels.reduce(0, +) / Double(max(row.decibels.count, 1))
    let distance =
      row.precision == .exact
      ? ["–", "–", "–"]
      : [rounded(row.leastDecibels, 1), rounded(mean, 1), "\(row.worst)/255"]
    let costs = [
      rounded(row.median, 2), rounded(row.loadingSeconds, 2),
      rounded(Double(row.peakMemory) / 1e6, 0),
    ]
    let accuracy = row.accuracy.map { rounded($0, 3) } ?? "–"
    Console.print(Self.line(row.precision.rawValue, costs + distance + [accuracy]))
  }

  private func reportJSON(_ row: PrecisionBench.Row, _ console: Console) {
    console.event([
      "precision": .string(row.precision.rawValue), "seconds": .number(row.median),
      "loading_seconds": .number(row.loadingSeconds), "peak_memory": .integer(row.peakMemory),
      "decibels": .array(row.decibels.map { .number($0) }), "worst": .integer(row.worst),
      "accuracy": row.accuracy.map(JSONValue.number) ?? .null,
    ])
  }
}
