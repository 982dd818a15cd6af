import LanternPlatform
import ArgumentParser
import LanternBench
import LanternFormats

/// `lantern bench report`: what a bench of samplers found, written again.
struct BenchReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Writes the report and tables of a bench of samplers again, from its figures.",
    discussion: """
      lantern bench report bench
      lantern bench report bench --markdown

      Nothing is drawn or measured: report.html, the tables and sheet.png come from results.json and what \
      pictures are in the folder.
      """)

  @Argument(
    help: ArgumentHelp("The folder of a bench of samplers.", valueName: "folder"),
    transform: FileArgument.named)
  var folder: String

  @Flag(help: "Print the table for documents alone, and write nothing.")
  var markdown = false

  @Flag(help: "One JSON event a line on standard output.")
  var json = false

  mutating func validate() throws {
    if markdown, json { throw ValidationError("--markdown and --json: choose one") }
  }

  func run() throws {
    let console = Console(isJSON: json)
    try ErrorReport.reporting(to: console) {
      let results = try BenchResults(contentsOf: FileSystem.join(folder, "results.json"))
      if markdown {
        Console.write(results.markdown, to: .standardOutput)
        return
      }
      let lock = try FolderLock(folder)
      defer { withExtendedLifetime(lock) {} }
      try BenchReport(results, folder: folder).write()
      console.result(
        FileSystem.join(folder, "report.html"),
        event: ["event": .string("report"), "folder": .string(folder)])
    }
  }
}
