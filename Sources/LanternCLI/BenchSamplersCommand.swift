import LanternPlatform
import ArgumentParser
import LanternEvaluation
import Lantern
import LanternBench
import LanternFormats
import LanternModels
import LanternSamplers

/// `lantern bench samplers`: what a step buys.
struct BenchSamplersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "samplers",
    abstract: "Compares samplers and numbers of steps: evaluations, seconds, nearness, accuracy.",
    discussion: """
      lantern bench samplers
      lantern bench samplers --samplers euler,heun,unipc --steps 2,4,8 -o few
      lantern bench samplers --schedules default,karras --seeds 1,2,3 -o curves
      lantern bench samplers --samplers ddim -g 2,4,7.5 --pictures all -o guidance
      lantern bench samplers -o new --against bench/results.json

      For every sampler, schedule, guidance and number of steps, each prompt is drawn with each seed. Nearness \
      is the distance of the final latent to that of \(SamplerBench.Settings.converged) from the same noise; \
      accuracy, for prompts in the picturebook's words, the share of pictures in which the judge sees \
      what the prompt says. The folder receives report.html, results.csv (a row a cell, with medians and 95 % \
      intervals), pictures.csv (a row a picture), results.md, results.json, sheet.png, pictures/ and, to \
      measure nearness by, references/. A bench that was stopped goes on with the same command. Other \
      samplers, schedules, guidances and steps in the same folder are added to what is there.
      """)

  @OptionGroup(title: "Model options") var modelOptions: ModelOptions
  @OptionGroup(title: "Model options") var threads: ThreadOptions
  @OptionGroup(title: "Model options") var computing: PrecisionOptions
  @OptionGroup(title: "Model options") var loraOptions: LoRAOptions

  @OptionGroup(title: "Sampling options") var sampling: BenchSamplerOptions
  @OptionGroup(title: "Prompt options") var drawn: BenchPromptOptions
  @OptionGroup(title: "Size options") var size: SizeOptions

  @Option(name: .shortAndLong, help: ArgumentHelp("Where results go.", valueName: "folder"))
  var output = "bench"

  @Option(
    help: ArgumentHelp(
      "Every picture of every cell, in a folder a cell; without, each cell's first is kept. "
        + "(default: none)",
      valueName: "folder"), transform: FileArgument.named)
  var pictures: String?

  @Option(
    help: ArgumentHelp("An older results.json to compare with. (default: none)", valueName: "file"),
    transform: FileArgument.named)
  var against: String?

  @OptionGroup(title: "Message options") var messages: MessageOptions

  func run() throws {
    let console = messages.console
    Interruption.listen()
    try ErrorReport.reporting(to: console) { try measure(console) }
  }

  private func measure(_ console: Console) throws {
    let old = try against.map { try BenchResults(contentsOf: $0) }
    let folder = try modelOptions.folder()
    let judgeFolder = drawn.judgeFolder()
    let settings = try settings(folder: folder, judge: judgeFolder, console)
    threads.apply(console)
    let generator = try load(folder, settings)
    generator.notes.forEach(console.note)
    let judge = try judgeFolder.map { try Judge(folder: $0) }
    console.detail(
      "\(settings.cells.count) cells of \(settings.prompts.count * settings.seeds.count) pictures; "
        + "\(ComputeEngine.instructionSet), \(ComputeEngine.threadCount) threads, "
        + settings.precision.rawValue)
    let isFastWanted = settings.samplers.contains(SamplerBench.Settings.fast)
    let bench = try SamplerBench(
      generator, fast: isFastWanted ? try load(folder, settings, isFast: true) : nil,
      judge: judge, rendered: try judgeFolder.flatMap(rendered), settings, folder: output,
      allPictures: pictures)
    let results = try goingOn(console) {
      try run(bench, unjudged: drawn.notes(judge, settings), console)
    }
    try BenchReport(results, folder: output).write()
    if let old { report(BenchComparison(old: old, new: results), console) }
    console.result(
      FileSystem.join(output, "report.html"),
      event: ["event": .string("report"), "folder": .string(output)])
  }

  /// What is measured, and with what.
  private func settings(
    folder: String, judge: String?, _ console: Console
  ) throws -> SamplerBench.Settings {
    var settings = SamplerBench.Settings.default
    try sampling.apply(to: &settings)
    try drawn.apply(to: &settings)
    try size.apply(to: &settings)
    sampling.fit(&settings, canBeFast: try ModelDefaults(folder: folder).canBeFast)
    sampling.takeIdleEta(from: &settings).forEach(console.note)
    settings.loras = try loraOptions.loras().map(\.label)
    settings.precision = computing.precision ?? .default
    settings.judge = try judge.map { try Judge.identity(folder: $0) }
    return settings
  }

  /// The model; with its own LoRA for few steps, where that is wanted.
  private func load(
    _ folder: String, _ settings: SamplerBench.Settings, isFast: Bool = false
  ) throws -> ImageGenerator {
    try ImageGenerator(
      folder: folder, adding: loraOptions.loras(), isFast: isFast, variant: modelOptions.variant,
      precision: settings.precision)
  }

  /// What a judge's features of rendered scenes are like, if its folder says so.
  private func rendered(_ judge: String) throws -> FeatureStatistics? {
    let path = FileSystem.join(judge, "scenes.safetensors")
    return FileSystem.exists(path) ? try FeatureStatistics(contentsOf: path) : nil
  }

  /// Measures, with a bar, notes once, and an event for each cell.
  private func run(
    _ bench: SamplerBench, unjudged: [String], _ console: Console
  ) throws -> BenchResults {
    var noted: Set<String> = []
    var bar = ProgressBar(console)
    defer { bar.end() }
    return try bench.run { event in
      try Interruption.check()
      switch event {
      case .step: break
      case .notes(let notes):
        for note in unjudged + notes where noted.insert(note).inserted { console.note(note) }
      case .picture(let number, let count, let share):
        bar.show(number, of: count, "picture", share: share)
      case .cell(let cell): report(cell, console)
      }
    }
  }

  private func report(_ cell: BenchCell, _ console: Console) {
    console.event([
      "event": .string("cell"), "sampler": .string(cell.sampler),
      "schedule": cell.schedule.map(JSONValue.string) ?? .null,
      "guidance": cell.guidance.map { .number(Double($0)) } ?? .null,
      "steps": .integer(cell.steps),
      "calls": cell.refusal == nil ? .integer(cell.calls) : .null,
      "median_seconds": cell.medianSeconds.map(JSONValue.number) ?? .null,
      "median_distance": cell.medianDistance.map(JSONValue.number) ?? .null,
      "accuracy": cell.accuracy.map(JSONValue.number) ?? .null,
      "accuracy_low": (cell.accuracyInterval?.lowerBound).map(JSONValue.number) ?? .null,
      "accuracy_high": (cell.accuracyInterval?.upperBound).map(JSONValue.number) ?? .null,
      "refusal": cell.refusal.map(JSONValue.string) ?? .null,
    ])
  }

  /// Runs `body`; where it is stopped, tables are written of what is measured, and a note says how to go on.
  private func goingOn(_ console: Console, _ body: () throws -> BenchResults) throws -> BenchResults
  {
    do {
      return try body()
    } catch let stopped as Interruption.Stopped {
      let path = FileSystem.join(output, "results.json")
      if FileSystem.exists(path) {
        let results = try BenchResults(contentsOf: path)
        try BenchReport(results, folder: output).write()
        console.note("\(output) has \(results.cells.count) cells; the same command goes on")
      }
      throw stopped
    }
  }

  private func report(_ comparison: BenchComparison, _ console: Console) {
    for row in comparison.rows {
      let accuracy = row.accuracyChange.map { change in
        ", accuracy \(change < 0 ? "" : "+")\(rounded(change, 3)) ± \(rounded(row.accuracyNoise, 3))"
      }
      let distance = row.distanceRatio.map { ", median distance × \(rounded($0, 3))" }
      console.report(
        "\(row.name): median seconds × \(rounded(row.secondsRatio, 3))"
          + (row.isTimeBeyondNoise ? "" : " (within noise)") + (distance ?? "") + (accuracy ?? ""))
      console.event([
        "event": .string("against"), "cell": .string(row.name),
        "seconds_ratio": .number(row.secondsRatio),
        "beyond_noise": .bool(row.isTimeBeyondNoise),
        "distance_ratio": row.distanceRatio.map(JSONValue.number) ?? .null,
        "accuracy_change": row.accuracyChange.map(JSONValue.number) ?? .null,
        "accuracy_noise": .number(row.accuracyNoise),
      ])
    }
    if !comparison.differences.isEmpty {
      console.note(
        "not the same in both: \(comparison.differences.joined(separator: ", ")); what changed may "
          + "come from that")
    }
    if comparison.unmatched > 0 {
      console.note("\(comparison.unmatched) cells are in one of both alone, or refused")
    }
  }
}
