import ArgumentParser
import Lantern
import LanternBench
import LanternFormats

/// `lantern bench kernels`: what single operations cost.
struct BenchKernelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Times matrix products, convolutions and attention against this machine's peaks.",
    discussion: """
      lantern bench kernels
      lantern bench kernels --precision exact --case "conv 2x64x64x320>320 k3"

      A case is "linear ROWSxINPUTSxOUTPUTS", "conv BATCHxHEIGHTxWIDTHxCHANNELS>OUTPUTS k3" (or k1; s2 for \
      stride 2, up2 for doubling before) or "attention BATCHxQUERIESxKEYSxHEADSxSIZE". Operations are counted by the \
      textbook, so that an algorithm that needs fewer may exceed the peak, which is that of the products' \
      arithmetic: of 16 bits in attention and in Winograd's convolutions for all precisions but exact.
      """)

  @Option(
    name: .customLong("case"),
    help: ArgumentHelp(
      "What to time; several add up. (default: Stable Diffusion 1.5's shapes)", valueName: "case"))
  var cases: [String] = []

  @OptionGroup(title: "Model options") var computing: PrecisionOptions
  @OptionGroup(title: "Model options") var threads: ThreadOptions

  @OptionGroup var timing: RunsOptions

  @OptionGroup(title: "Message options") var messages: MessageOptions

  mutating func validate() throws {
    if let strange = cases.first(where: { KernelCase($0) == nil }) {
      throw ValidationError(
        "case \"\(strange)\": write it like \"linear 4096x320x320\", \"conv 2x64x64x320>320 k3\" or "
          + "\"attention 2x4096x4096x8x40\"")
    }
  }

  func run() throws {
    let console = messages.console
    Interruption.listen()
    try ErrorReport.reporting(to: console) {
      threads.apply(console)
      let precision = computing.precision ?? .default
      if let note = precision.note { console.note(note) }
      console.detail(
        "\(precision.rawValue), \(ComputeEngine.instructionSet), \(ComputeEngine.threadCount) threads, "
          + "\(timing.runs) runs of each")
      let peaks = try MachinePeaks()
      for (index, name) in (cases.isEmpty ? KernelCase.default : cases).enumerated() {
        try Interruption.check()
        guard let shape = KernelCase(name) else { continue }
        let row = try KernelBench.measure(name, shape, precision, runs: timing.runs)
        if console.isJSON {
          console.event([
            "case": .string(name), "precision": .string(precision.rawValue),
            "seconds": .array(row.seconds.map(JSONValue.number)),
            "operations": .integer(row.operations), "bytes": .integer(row.bytes),
          ])
        } else {
          if index == 0 {
            Console.print(
              "case".padded(to: 30) + "    median     least   GFLOP/s   of peak      GB/s")
          }
          let speed = Double(row.operations) / row.median
          let peak = peaks.operations[shape.arithmetic(precision)] ?? 1
          let cells = [
            rounded(row.median, 5), rounded(row.seconds.min() ?? 0, 5), rounded(speed / 1e9, 0),
            "\(rounded(100 * speed / peak, 0)) %",
            rounded(Double(row.bytes) / row.median / 1e9, 1),
          ]
          Console.print(
            name.padded(to: 30) + cells.map { $0.aligned(10) }.joined())
        }
      }
      report(peaks, precision, console)
    }
  }

  private func report(_ peaks: MachinePeaks, _ precision: Precision, _ console: Console) {
    func peak(_ arithmetic: Arithmetic) -> Double { peaks.operations[arithmetic] ?? 0 }
    if console.isJSON {
      console.event([
        "event": .string("end"), "peak_operations": .number(peak(.float32)),
        "peak_operations_16": .number(peak(.int16)), "peak_operations_8": .number(peak(.int8)),
        "peak_bytes": .number(peaks.bytes),
        "instruction_set": .string(ComputeEngine.instructionSet),
        "threads": .integer(ComputeEngine.threadCount),
      ])
    } else {
      Console.print(
        "\nthis machine's peaks: \(rounded(peak(.float32) / 1e9, 0)) GFLOP/s in f32, "
          + "\(rounded(peak(.int16) / 1e9, 0)) in 16 and \(rounded(peak(.int8) / 1e9, 0)) in 8 bits, "
          + "\(rounded(peaks.bytes / 1e9, 1)) GB/s; \(precision.rawValue), "
          + "\(ComputeEngine.instructionSet), \(ComputeEngine.threadCount) threads")
    }
  }
}
