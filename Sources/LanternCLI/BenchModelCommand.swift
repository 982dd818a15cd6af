import ArgumentParser
import Lantern
import LanternBench
import LanternFormats
import LanternTensor

/// `lantern bench model`: what each part of a model costs.
struct BenchModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model",
    abstract: "Times a model's parts: seconds, arithmetic, share of this machine's peak, memory.",
    discussion: """
      lantern bench model
      lantern bench model -m FOLDER -W 512 -H 512 --runs 3

      Arithmetic is that of linear maps, convolutions and attention, a multiplication with its addition \
      counted as two, by the textbook: a kernel that needs less may exceed the peak. Bytes are those of \
      their arguments. The peaks are of multiplications and additions in registers, of the kind \
      that the precision uses, and of a pass over memory.
      """)

  @OptionGroup(title: "Model options") var modelOptions: ModelOptions
  @OptionGroup(title: "Model options") var threads: ThreadOptions
  @OptionGroup(title: "Model options") var partOptions: PartOptions
  @OptionGroup(title: "Model options") var predicting: PredictionOptions
  @OptionGroup(title: "Model options") var computing: PrecisionOptions
  @OptionGroup(title: "Model options") var decoding: DecoderOptions

  @OptionGroup(title: "Size options") var size: SizeOptions

  @OptionGroup var timing: RunsOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Pictures to a call. (default: 2 with guidance, 1 without)", valueName: "count"))
  var batch: Int?

  @Option(
    name: .customLong("part"),
    help: ArgumentHelp(
      "Time this part alone: \(Self.parts.joined(separator: "; ")). Several add up. (default: all)",
      valueName: "name"))
  var partNames: [String] = []

  private static let parts = ["text encoder", "denoiser, a call", "decoder", "encoder"]

  @OptionGroup(title: "Message options") var messages: MessageOptions

  mutating func validate() throws {
    if let batch, !(1...64).contains(batch) {
      throw ValidationError("batch \(batch): choose 1 to 64")
    }
    if let strange = partNames.first(where: { !Self.parts.contains($0) }) {
      throw ValidationError(
        "part \"\(strange)\": choose one of \(Self.parts.joined(separator: "; "))")
    }
  }

  func run() throws {
    let console = messages.console
    Interruption.listen()
    try ErrorReport.reporting(to: console) {
      threads.apply(console)
      let decodes = partNames.isEmpty || partNames.contains(Self.parts[2])
      if decoding.tinyDecoder != nil, !decodes {
        console.note("--tiny-decoder has no effect on other parts than the decoder")
      }
      let generator = try ImageGenerator(
        folder: modelOptions.folder(), with: partOptions.parts(predicting),
        variant: modelOptions.variant,
        tinyDecoder: decodes ? decoding.tinyDecoder : nil,
        precision: computing.precision ?? .default)
      generator.notes.forEach(console.note)
      if partNames == [Self.parts[0]], size.width != nil || size.height != nil {
        console.note("--width and --height have no effect on the text encoder")
      }
      console.detail("\(generator.model.path): \(timing.runs) runs of each part")
      var bar = ProgressBar(console)
      defer { bar.end() }
      let bench = try ModelBench(
        generator, width: size.width, height: size.height, batch: batch, only: partNames,
        runs: timing.runs
      ) { done, all in
        try Interruption.check()
        bar.show(done, of: all)
      }
      bar.end()
      console.isJSON ? reportJSON(bench, console) : report(bench)
    }
  }

  private func report(_ bench: ModelBench) {
    Console.print(
      "part".padded(to: 20)
        + "   median    least     most      GFLOP   GFLOP/s   of peak       MB      GB/s")
    for row in bench.rows {
      let speed = Double(row.operations) / row.median
      let cells = [
        rounded(row.median, 4), rounded(row.seconds.min() ?? 0, 4),
        rounded(row.seconds.max() ?? 0, 4),
        rounded(Double(row.operations) / 1e9, 3), rounded(speed / 1e9, 1),
        "\(rounded(100 * speed / bench.peakOperations, 0)) %",
        rounded(Double(row.bytes) / 1e6, 1), rounded(Double(row.bytes) / row.median / 1e9, 1),
      ]
      let widths = [9, 9, 9, 11, 10, 10, 9, 10]
      Console.print(row.name.padded(to: 20) + zip(cells, widths).map { $0.aligned($1) }.joined())
    }
    let whole = bench.rows.reduce(0) { $0 + Double($1.count) * $1.median }
    let calls = bench.rows.map(\.count).max() ?? 1
    Console.print(
      (partNames.isEmpty ? "\na picture of \(calls) calls: \(rounded(whole, 3)) s; " : "\n")
        + "peak memory \(bench.peakMemory >> 20) MiB; \(bench.precision.rawValue), "
        + "\(ComputeEngine.instructionSet), \(ComputeEngine.threadCount) threads")
    Console.print(
      "this machine's peak: \(rounded(bench.peakOperations / 1e9, 0)) GFLOP/s in "
        + "\(bench.precision.arithmetic.rawValue), "
        + "\(rounded(bench.peakBytes / 1e9, 1)) GB/s")
  }

  private func reportJSON(_ bench: ModelBench, _ console: Console) {
    for row in bench.rows {
      console.event([
        "part": .string(row.name), "count": .integer(row.count), "seconds": .number(row.median),
        "least_seconds": .number(row.seconds.min() ?? 0),
        "most_seconds": .number(row.seconds.max() ?? 0), "operations": .integer(row.operations),
        "bytes": .integer(row.bytes),
        "share_of_peak": .number(Double(row.operations) / row.median / bench.peakOperations),
      ])
    }
    console.event([
      "event": .string("end"), "precision": .string(bench.precision.rawValue),
      "peak_operations": .number(bench.peakOperations),
      "peak_bytes": .number(bench.peakBytes), "peak_memory": .integer(bench.peakMemory),
      "instruction_set": .string(ComputeEngine.instructionSet),
      "threads": .integer(ComputeEngine.threadCount),
    ])
  }
}
