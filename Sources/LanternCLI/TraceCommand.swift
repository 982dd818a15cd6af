import ArgumentParser
import Lantern
import LanternFormats

/// `lantern trace`: where two runs part.
struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace",
    abstract: "Compares two traces and names the first tensor that differs.",
    discussion: """
      lantern image "a red fox" --seed 1 --trace one.safetensors
      lantern image "a red fox" --seed 1 --trace two.safetensors --threads 1
      lantern trace one.safetensors two.safetensors

      Differences are measured against the root mean square of the second trace's tensor. The exit code \
      is 0 when nothing differs by more than the tolerance, and 1 when something does.
      """)

  @Argument(
    help: ArgumentHelp("A file of lantern image --trace.", valueName: "file"),
    transform: FileArgument.named)
  var first: String

  @Argument(help: ArgumentHelp("Another.", valueName: "file"), transform: FileArgument.named)
  var second: String

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The largest difference that counts as none.", valueName: "share"))
  var tolerance = 0.0

  @Flag(name: .shortAndLong, help: "List every tensor and step.")
  var verbose = false

  @Flag(help: "One JSON object a line.")
  var json = false

  mutating func validate() throws {
    if json, verbose {
      throw ValidationError("--verbose and --json: choose one; --json lists everything")
    }
    if !(tolerance >= 0) { throw ValidationError("tolerance \(tolerance): choose 0 or more") }
  }

  /// A number as JSON can say it.
  private static func value(_ number: Double) -> JSONValue {
    number.isFinite ? .number(number) : .null
  }

  func run() throws {
    let console = Console(isJSON: json)
    var differs = false
    try ErrorReport.reporting(to: console) {
      let comparison = try TraceComparison(first, second)
      let differing = comparison.first(beyond: tolerance)
      let isWhole = comparison.unmatched.isEmpty && !comparison.differences.isEmpty
      for difference in comparison.differences where verbose || json {
        console.event([
          "tensor": .string(difference.name), "largest": Self.value(difference.largest),
          "typical": Self.value(difference.typical),
        ])
        if !json {
          Console.print(
            difference.name.padded(to: 28) + "largest \(difference.largest)  "
              + "typical \(difference.typical)")
        }
      }
      for name in comparison.unmatched { console.report("note: only one of them has \(name)") }
      if json {
        console.event([
          "event": .string("end"), "equal": .bool(differing == nil && isWhole),
          "first": differing.map { .string($0.name) } ?? .null,
        ])
      } else if let differing {
        Console.print(
          "first differs: \(differing.name), by \(differing.largest) at most and "
            + "\(differing.typical) typically")
      } else if !isWhole {
        Console.print("what both have agrees, but they do not hold the same tensors")
      } else {
        Console.print(
          comparison.first(beyond: 0) == nil
            ? "equal to the last bit" : "nothing differs by more than \(tolerance)")
      }
      differs = differing != nil || !isWhole
    }
    if differs { throw ExitCode(1) }
  }
}
