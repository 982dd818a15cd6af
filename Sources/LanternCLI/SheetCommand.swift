import LanternPlatform
import ArgumentParser
import Lantern
import LanternFormats

/// `lantern sheet`: many pictures on one.
struct SheetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sheet",
    abstract: "Lays pictures out on one contact sheet.",
    discussion: """
      lantern image "a cat" -b 6 -o cat-%d.png
      lantern sheet cat-*.png --columns 3 -o cats.png
      """)

  @Argument(help: "PNG or JPEG files, in the order of the sheet.")
  var files: [String]

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Where to write: .png or .jpg. (default: sheet.png)", valueName: "file"),
    transform: FileArgument.named)
  var output: String?
  @OptionGroup var writing: WritingOptions

  @Option(
    help: ArgumentHelp(
      "How many pictures to a row. (default: about as many as rows)", valueName: "count"))
  var columns: Int?

  @Option(help: ArgumentHelp("White pixels between pictures. (default: 4)", valueName: "pixels"))
  var gap: Int?

  mutating func validate() throws {
    if files.isEmpty { throw ValidationError("which pictures? For example: lantern sheet *.png") }
    if let columns, !(1...10_000).contains(columns) {
      throw ValidationError("columns \(columns): choose 1 to 10000")
    }
    if let gap, !(0...1000).contains(gap) { throw ValidationError("gap \(gap): choose 0 to 1000") }
  }

  func run() throws {
    let console = Console()
    try ErrorReport.reporting(to: console) {
      let output = self.output ?? "sheet.png"
      try Picture.checkExtension(of: output)
      try FileSystem.checkFolder(of: output)
      let pictures = try files.map { try Picture(contentsOf: $0) }
      let across = columns ?? Int(Double(files.count).squareRoot().rounded(.up))
      if let columns, columns > files.count {
        console.note("--columns \(columns): of \(files.count) pictures all are in one row")
      }
      if gap != nil, files.count == 1 { console.note("--gap has no effect on one picture") }
      let sheet = try Picture.sheet(pictures, columns: across, gap: gap ?? 4)
      var names = OutputNames(output, overwrites: writing.replaces(self.output))
      let path = try names.write { try sheet.write(to: $0, replacing: $1) }
      writing.report(self.output, path, console)
      console.result(path, event: [:])
    }
  }
}
