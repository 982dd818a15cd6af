import ArgumentParser
import LanternFormats
import LanternSamplers

/// `lantern samplers`: what there is to choose from.
struct SamplersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "samplers", abstract: "Lists the samplers and what each is good for.")

  @Flag(help: "One JSON object a line.")
  var json = false

  func run() {
    if json {
      let console = Console(isJSON: true)
      for row in SamplerCatalogue.rows {
        console.event([
          "name": .string(row.name), "summary": .string(row.summary),
          "aliases": .array(row.aliases.map(JSONValue.string)),
          "diffusers": .string(row.schedulerClass),
        ])
      }
      return
    }
    for row in SamplerCatalogue.rows {
      print(row.name.padded(to: 10) + row.summary)
      print("".padded(to: 10) + "also: " + row.aliases.joined(separator: ", "))
    }
    print(
      "\nSchedules, with --schedule: \(Spacing.allCases.map(\.rawValue).joined(separator: ", "))")
  }
}

extension String {
  /// Spaces added up to `width` characters.
  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
