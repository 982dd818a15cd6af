import ArgumentParser
import Lantern
import LanternFormats

/// `lantern schedule`: the timestep, sigma and evaluations of each step.
struct ScheduleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schedule",
    abstract: "Shows the noise levels that a sampler steps through.",
    discussion: """
      lantern schedule --steps 10
      lantern schedule --sampler heun --schedule karras --steps 8
      lantern schedule --sampler euler --compat kdiffusion --json

      For each step: the timestep that is passed to the model, sigma (noise against a clean latent of its \
      own size), alpha-bar (the clean latent's share of the variance), the logarithm of the \
      signal-to-noise ratio, and how often the model is evaluated. Programs disagree about \
      details: diffusers interpolates sigma, k-diffusion its logarithm; curves span the chosen \
      timesteps or the whole schedule; the last step ends at no noise or at the first training \
      step's. --compat chooses the program; the model folder's own settings hold.
      """)

  @OptionGroup(title: "Model options") var modelOptions: ModelOptions
  @OptionGroup(title: "Model options") var threads: ThreadOptions
  @OptionGroup(title: "Model options") var predicting: PredictionOptions
  @OptionGroup(title: "Sampling options") var sampling: SamplingOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Number of steps. (default: the model's own)", valueName: "count"))
  var steps: Int?

  @Flag(help: "One JSON object a line.")
  var json = false

  mutating func validate() throws {
    if modelOptions.variant != nil {
      throw ValidationError(
        "--variant chooses weights, of which a schedule reads none: leave it out")
    }
    if threads.threads != nil {
      throw ValidationError("--threads: a schedule computes nothing that takes time: leave it out")
    }
  }

  func run() throws {
    let console = Console(isJSON: json, isQuiet: json)
    try ErrorReport.reporting(to: console) {
      var request = ImageRequest(prompt: "")
      try sampling.apply(to: &request)
      let table = try ScheduleTable(
        model: modelOptions.folder(), with: predicting.parts, sampler: request.sampler,
        steps: steps,
        spacing: request.schedule, convention: request.convention)
      for note in table.notes { console.note(note) }
      json ? printJSON(table) : printTable(table)
    }
  }

  private func printJSON(_ table: ScheduleTable) {
    let console = Console(isJSON: true)
    console.event([
      "sampler": .string(table.sampler), "equals": .string(table.equals),
      "initial_scale": .number(table.initialScale),
      "latents": .string(table.usesSigma ? "sigma" : "unit_variance"),
    ])
    for (index, row) in table.rows.enumerated() {
      console.event([
        "step": .integer(index + 1), "timestep": .number(Double(row.level.timestep)),
        "sigma": .number(row.level.sigma), "alpha_bar": .number(row.level.alphaBar),
        "log_snr": .number(2 * row.level.lambda), "target_sigma": .number(row.target.sigma),
        "calls": .integer(row.calls),
      ])
    }
  }

  private func printTable(_ table: ScheduleTable) {
    Console.print("step  timestep       sigma   alpha-bar   log SNR  calls")
    let logs = table.logSigmas
    // A level without signal is infinitely far up.
    let finite = logs.filter(\.isFinite)
    let (low, high) = (finite.min() ?? 0, finite.max() ?? 1)
    for (index, row) in table.rows.enumerated() {
      let isInside = high > low && logs[index].isFinite
      let share = isInside ? (logs[index] - low) / (high - low) : 1
      let bar = String(repeating: "▪", count: 1 + Int(30 * share))
      Console.print(
        [
          "\(index + 1)".aligned(4), rounded(Double(row.level.timestep), 2).aligned(10),
          rounded(row.level.sigma, 5).aligned(12), rounded(row.level.alphaBar, 6).aligned(12),
          rounded(2 * row.level.lambda, 3).aligned(10), "\(row.calls)".aligned(7), "  " + bar,
        ].joined())
    }
    let calls = table.rows.reduce(0) { $0 + $1.calls }
    Console.print(
      "then sigma \(rounded(table.rows.last?.target.sigma ?? 0, 5)); the model is evaluated "
        + "\(calls) times; begins with noise times \(rounded(table.initialScale, 5))")
    Console.print("levels are those of \(table.equals)")
    if table.isExample {
      Console.print(
        "\(table.sampler) chooses its own steps between the first and the last of these")
    }
  }
}
