import ArgumentParser
import Lantern
import LanternFormats

/// `lantern caption`: what a picture shows.
struct CaptionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "caption",
    abstract: "Describes a picture, or answers a question about it.",
    discussion: """
      lantern image "a red fox at night" -o fox.png
      lantern caption fox.png
      lantern caption fox.png --ask "what colour is the fox?"
      lantern caption *.png --json

      The model reads the middle square of a picture, scaled to its own size.
      """)

  @Argument(help: "PNG or JPEG files.")
  var files: [String]

  @Option(
    name: .shortAndLong, parsing: .unconditional,
    help: ArgumentHelp(
      "What to ask. (default: what the picture shows)", valueName: "question"))
  var ask: String?

  @OptionGroup(title: "Model options") var modelOptions: StoryModelOptions

  @Flag(help: "One JSON event a line on standard output.")
  var json = false

  mutating func validate() throws {
    try checkEncoding()
    if files.isEmpty {
      throw ValidationError("which picture? For example: lantern caption picture.png")
    }
  }

  func run() throws {
    let console = Console(isJSON: json, isQuiet: json)
    Interruption.listen()
    try ErrorReport.reporting(to: console) {
      let pictures = try files.map { try Picture(contentsOf: $0) }
      let generator = try modelOptions.load(console)
      if let ask { generator.notes(on: ask).forEach(console.note) }
      for (file, picture) in zip(files, pictures) {
        for note in picture.notes { console.note("\(file): \(note)") }
        let text = try generator.caption(picture, question: ask ?? "") { _ in
          try Interruption.check()
        }
        console.event([
          "event": .string("caption"), "path": .string(file), "text": .string(text),
        ])
        if !json { Console.print(files.count == 1 ? text : "\(file): \(text)") }
      }
    }
  }
}
