import ArgumentParser
import Lantern
import LanternBench
import LanternFormats
import LanternModels
import LanternSamplers

/// `lantern bench`: what there is to measure.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures samplers and models.",
    discussion: """
      lantern bench samplers   what a step buys: evaluations, seconds, nearness, accuracy
      lantern bench model      what each part of a model costs: seconds, arithmetic, memory
      lantern bench precision  what exactness costs: seconds, memory, distance of the pictures
      lantern bench kernels    what single operations cost, beside the machine's peaks
      """,
    subcommands: [
      BenchKernelsCommand.self, BenchModelCommand.self, BenchPrecisionCommand.self,
      BenchSamplersCommand.self,
    ])
}

/// `lantern bench samplers`: what a step buys.
struct BenchSamplersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "samplers",
    abstract: "Weighs samplers against steps: evaluations, seconds, nearness, accuracy.",
    discussion: """
      lantern bench samplers
      lantern bench samplers --samplers euler,heun,unipc --steps 2,4,8,16 -o bench
      lantern bench samplers --schedules default,karras --prompts prompts.txt --seeds 1,2,3
      lantern bench samplers -o new --against old/results.json

      For every sampler, schedule and number of steps, each prompt is drawn with each seed. Nearness is the
      distance of the final latent to that of \(SamplerBench.Settings.converged) from the same noise;
      accuracy, for prompts in the picturebook's words, the share of pictures in which the judge sees
      what the prompt says. The folder receives report.html, results.csv, results.json, sheet.png and
      pictures/. Stopped, it goes on where it was: give the same command again.
      """)

  @OptionGroup var modelOptions: ModelOptions
  @OptionGroup var computing: PrecisionOptions
  @OptionGroup var loraOptions: LoRAOptions

  @Option(
    help: "Names with commas between them, fast for the model's LoRA for few steps, or all.")
  var samplers = "all"

  @Option(help: "Names with commas between them, default for the model's own, or all.")
  var schedules = "default"

  @Option(help: "Numbers with commas between them.")
  var steps = "1,2,4,8,16,32,64"

  @OptionGroup var drawn: BenchPromptOptions

  @Option(
    name: [.customShort("g"), .customLong("guidance")], parsing: .unconditional,
    help: "How closely to follow the prompt; the model's own by default.")
  var guidance: Float?

  @Option(name: .shortAndLong, help: ArgumentHelp("Where results go.", valueName: "folder"))
  var output = "bench"

  @Option(help: ArgumentHelp("An older results.json to compare with.", valueName: "file"))
  var against: String?

  @OptionGroup var telling: TellingOptions

  func run() throws {
    let console = telling.console
    Interruption.listen()
    try ErrorReport.reporting(to: console) { try measure(console) }
  }

  private func measure(_ console: Console) throws {
    let folder = try modelOptions.folder()
    let loras = try loraOptions.loras()
    let canBeFast = try ModelDefaults(folder: folder).canBeFast
    let place = drawn.judgeFolder()
    var settings = try settings(canBeFast: canBeFast)
    let precision = computing.precision ?? .standard
    settings.loras = loras.map(\.label)
    settings.precision = precision
    settings.judge = try place.map { try Judge.identity(folder: $0) }
    let old = try against.map { try BenchResults(contentsOf: $0) }
    modelOptions.threads.apply()
    let generator = try ImageGenerator(folder: folder, adding: loras, precision: precision)
    let isFastWanted = settings.samplers.contains(SamplerBench.Settings.fast)
    let statistics = place.map { FileSystem.join($0, "scenes.safetensors") }
    let bench = try SamplerBench(
      generator,
      fast: isFastWanted
        ? try ImageGenerator(folder: folder, adding: loras, isFast: true, precision: precision)
        : nil,
      judge: place.map { try Judge(folder: $0) },
      rendered: statistics.flatMap {
        FileSystem.exists($0) ? try FeatureStatistics(contentsOf: $0) : nil
      }, settings, folder: output)
    var bar = ProgressBar(console)
    defer { bar.end() }
    let results = try bench.run { event in
      try Interruption.check()
      switch event {
      case .step: break
      case .picture(let number, let count, _): bar.show(number, of: count)
      case .cell(let cell):
        console.event([
          "event": .string("cell"), "sampler": .string(cell.sampler),
          "schedule": cell.schedule.map(JSONValue.string) ?? .null, "steps": .integer(cell.steps),
          "calls": .integer(cell.calls), "seconds": .number(cell.medianSeconds),
          "distance": .number(cell.medianDistance),
          "accuracy": cell.accuracy.map(JSONValue.number) ?? .null,
          "refusal": cell.refusal.map(JSONValue.string) ?? .null,
        ])
      }
    }
    bar.end()
    try BenchReport(results, folder: output).write()
    if let old { tell(BenchComparison(old: old, new: results), console) }
    console.result(
      FileSystem.join(output, "report.html"),
      event: ["event": .string("report"), "folder": .string(output)])
  }

  private func settings(canBeFast: Bool) throws -> SamplerBench.Settings {
    let fast = SamplerBench.Settings.fast
    let samplers =
      try samplers == "all"
      ? SamplerCatalogue.rows.map(\.name) + (canBeFast ? [fast] : [])
      : BenchPromptOptions.list(samplers).map {
        $0 == fast ? fast : try SamplerCatalogue.row(named: $0).name
      }
    let schedules: [String?] =
      try schedules == "all"
      ? [nil] + Spacing.allCases.map(\.rawValue)
      : BenchPromptOptions.list(schedules).map {
        $0 == "default" ? nil : try SamplerCatalogue.spacing(named: $0).rawValue
      }
    let steps = try BenchPromptOptions.numbers(steps, "steps") { text in
      Int(text).flatMap { (1...1000).contains($0) ? $0 : nil }
    }
    guard !samplers.isEmpty, !schedules.isEmpty else {
      throw ValidationError("no sampler or no schedule: choose names with commas between them")
    }
    return SamplerBench.Settings(
      samplers: BenchPromptOptions.once(samplers), schedules: BenchPromptOptions.once(schedules),
      steps: steps,
      prompts: try drawn.texts(), seeds: try drawn.seedNumbers(), guidance: guidance)
  }

  private func tell(_ comparison: BenchComparison, _ console: Console) {
    for row in comparison.rows {
      let accuracy = row.accuracyChange.map { change in
        ", accuracy \(change < 0 ? "" : "+")\(rounded(change, 3)) ± \(rounded(row.accuracyNoise, 3))"
      }
      let distance = row.distanceRatio.map { ", distance × \(rounded($0, 3))" }
      console.tell(
        "\(row.name): seconds × \(rounded(row.secondsRatio, 3))"
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
      console.tell(
        "note: not the same in both: \(comparison.differences.joined(separator: ", ")); what changed "
          + "may come from that")
    }
    if comparison.unmatched > 0 {
      console.tell("note: \(comparison.unmatched) cells are in one of both alone, or refused")
    }
  }
}
