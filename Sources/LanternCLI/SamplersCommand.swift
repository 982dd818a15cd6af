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
          "diffusers": row.schedulerClass.map(JSONValue.string) ?? .null,
          "eta": row.defaultEta.map { .number(Double($0)) } ?? .null,
        ])
      }
      for spacing in Spacing.allCases {
        console.event(["schedule": .string(spacing.rawValue), "summary": .string(spacing.summary)])
      }
      return
    }
    let names = SamplerCatalogue.rows.map(\.name) + Spacing.allCases.map(\.rawValue)
    let width = 2 + (names.map(\.count).max() ?? 0)
    for row in SamplerCatalogue.rows {
      Console.print(row.name.padded(to: width) + row.summary)
    }
    Console.print("\nSchedules of noise levels, for any of them, with --schedule:\n")
    for spacing in Spacing.allCases {
      Console.print(spacing.rawValue.padded(to: width) + spacing.summary)
    }
    Console.print(
      """

      From how many steps on: where the shipped weights show what the prompt says in all pictures but one of
      eight (docs/samplers.md); other models may want more. Other spellings are taken too: see --json.
      """)
  }
}

extension String {
  /// Spaces added up to `width` characters.
  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }

  /// Spaces put in front, up to `width` characters.
  func aligned(_ width: Int) -> String {
    String(repeating: " ", count: max(0, width - count)) + self
  }
}
