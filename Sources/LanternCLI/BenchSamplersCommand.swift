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
    abstract: "Weighs samplers against steps: evaluations, seconds, nearness, accuracy.",
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
      measure nearness by, references/. Stopped, it goes on where it was: give the same command again. Other \
      samplers, schedules, guidances and steps in the same folder are added to what is there.
      """)

  @OptionGroup(title: "Model options") var modelOptions: ModelOptions
  @OptionGroup(title: "Model options") var computing: PrecisionOptions
  @OptionGroup(title: "Model options") var loraOptions: LoRAOptions

  @Option(
    help: ArgumentHelp(
      "Names with commas between them, fast for the model's LoRA for few steps, or all.",
      valueName: "names"))
  var samplers = "all"

  @Option(
    help: ArgumentHelp(
      "Names with commas between them, default for the model's own, or all.", valueName: "names"))
  var schedules = "default"

  @Option(help: ArgumentHelp("Numbers with commas between them.", valueName: "numbers"))
  var steps = "1,2,4,8,16,32,64"

  @OptionGroup(title: "Prompt options") var drawn: BenchPromptOptions

  @Option(
    name: [.customShort("g"), .customLong("guidance")], parsing: .unconditional,
    help: ArgumentHelp(
      "How closely to follow the prompt: numbers with commas between them. (default: the model's own)",
      valueName: "numbers"))
  var guidance: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Share of the noise that is drawn afresh, 0 to 1, by samplers that have a say in it. "
        + "(default: the sampler's own)", valueName: "share"))
  var eta: Float?

  @Option(
    help: ArgumentHelp(
      "Whose levels to follow where programs disagree, diffusers or kdiffusion. (default: diffusers)",
      valueName: "program"))
  var compat: String?

  @OptionGroup(title: "Size options") var size: SizeOptions

  @Option(name: .shortAndLong, help: ArgumentHelp("Where results go.", valueName: "folder"))
  var output = "bench"

  @Option(
    help: ArgumentHelp(
      "Every picture of every cell, in a folder a cell; without, each cell's first is kept. "
        + "(default: none)",
      valueName: "folder"))
  var pictures: String?

  @Option(
    help: ArgumentHelp("An older results.json to compare with. (default: none)", valueName: "file"))
  var against: String?

  @OptionGroup(title: "Message options") var telling: TellingOptions

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
    let etaless = eta == nil ? [] : settings.eta == nil ? settings.samplers : settings.etaless
    if !etaless.isEmpty {
      console.note(
        "--eta has no effect on \(etaless.joined(separator: ", ")): how much noise they draw "
          + "is no choice")
    }
    modelOptions.threads.apply(console)
    let variant = modelOptions.variant
    let generator = try ImageGenerator(
      folder: folder, adding: loras, variant: variant, precision: precision)
    generator.notes.forEach(console.note)
    let judge = try place.map { try Judge(folder: $0) }
    let unjudged = try drawn.notes(judge, size)
    console.detail(
      "\(settings.cells.count) cells of \(settings.prompts.count * settings.seeds.count) pictures; "
        + "\(ComputeEngine.instructionSet), \(ComputeEngine.threadCount) threads, \(precision.rawValue)"
    )
    let isFastWanted = settings.samplers.contains(SamplerBench.Settings.fast)
    let statistics = place.map { FileSystem.join($0, "scenes.safetensors") }
    let bench = try SamplerBench(
      generator,
      fast: isFastWanted
        ? try ImageGenerator(
          folder: folder, adding: loras, isFast: true, variant: variant, precision: precision)
        : nil,
      judge: judge,
      rendered: statistics.flatMap {
        FileSystem.exists($0) ? try FeatureStatistics(contentsOf: $0) : nil
      }, settings, folder: output, allPictures: pictures)
    var told: Set<String> = []
    var bar = ProgressBar(console)
    defer { bar.end() }
    let results = try goingOn(console) {
      try bench.run { event in
        try Interruption.check()
        switch event {
        case .step: break
        case .notes(let notes):
          for note in unjudged + notes where told.insert(note).inserted { console.note(note) }
        case .picture(let number, let count, let share):
          bar.show(number, of: count, "picture", share: share)
        case .cell(let cell):
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
      }
    }
    bar.end()
    try BenchReport(results, folder: output).write()
    if let old { tell(BenchComparison(old: old, new: results), console) }
    console.result(
      FileSystem.join(output, "report.html"),
      event: ["event": .string("report"), "folder": .string(output)])
  }

  /// Runs `body`; where it is stopped, what is measured is put into tables, and how to go on is told.
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
    var settings = SamplerBench.Settings(
      samplers: BenchPromptOptions.once(samplers), schedules: BenchPromptOptions.once(schedules),
      steps: steps, prompts: try drawn.texts(), seeds: try drawn.seedNumbers())
    if let guidance {
      let numbers: [Float] = try BenchPromptOptions.numbers(guidance, "guidance") { text in
        Float(text).flatMap { (0...1000).contains($0) ? $0 : nil }
      }
      settings.guidances = numbers
    }
    if let eta, !(0...1).contains(eta) {
      throw ValidationError("eta \(eta): choose 0 (no fresh noise) to 1")
    }
    settings.eta = eta
    // Where nobody heeds it, it makes no other bench.
    if Set(settings.etaless) == Set(settings.samplers) { settings.eta = nil }
    settings.convention = try compat.map(SamplerCatalogue.convention) ?? .diffusers
    (settings.width, settings.height) = (size.width, size.height)
    return settings
  }

  private func tell(_ comparison: BenchComparison, _ console: Console) {
    for row in comparison.rows {
      let accuracy = row.accuracyChange.map { change in
        ", accuracy \(change < 0 ? "" : "+")\(rounded(change, 3)) ± \(rounded(row.accuracyNoise, 3))"
      }
      let distance = row.distanceRatio.map { ", median distance × \(rounded($0, 3))" }
      console.tell(
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
