import LanternPlatform
import ArgumentParser
import Lantern
import LanternFormats
import LanternTokenizers

/// `lantern paint`: a picture by the transformer, from nothing or around another picture.
struct PaintCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "paint",
    abstract: "Draws, mends or extends a picture with the storyteller's masked codes.",
    discussion: """
      lantern paint "a red fox in the snow" -o fox.png
      lantern paint "a fox in the forest" -i fox.png --extend right --extend left
      lantern paint "a red fox and a key" -i fox.png --mask right.png

      right.png is a picture of yours, white where something new is to be drawn.
      """)

  @Argument(help: "What to draw.")
  var prompt: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Where to write: .png or .jpg; %03d numbers several. (default: picture.png)",
      valueName: "file"), transform: FileArgument.named)
  var output: String?
  @OptionGroup var writing: WritingOptions
  @OptionGroup var several: CountOptions
  @OptionGroup(title: "Options for pictures to begin from") var beginning: PaintBeginningOptions
  @OptionGroup(title: "Picture options") var pictures: TokenPictureOptions
  @OptionGroup(title: "Model options") var modelOptions: StoryModelOptions
  @OptionGroup(title: "Message options") var messages: MessageOptions

  mutating func validate() throws {
    try checkEncoding()
  }

  func run() throws {
    let console = messages.console
    Interruption.listen()
    try ErrorReport.reporting(to: console) { try paint(console) }
  }

  private func paint(_ console: Console) throws {
    let output = self.output ?? "picture.png"
    try Picture.checkExtension(of: output)
    try FileSystem.checkFolder(of: output)
    var request = TokenPictureRequest(prompt: prompt)
    try beginning.apply(to: &request)
    try pictures.apply(to: &request)
    let begin = Console.now
    let generator = try modelOptions.load(console)
    console.detail(
      "\(HubCache.name(of: generator.path)): loaded in \(rounded(Console.now - begin)) s; "
        + "\(ComputeEngine.instructionSet), \(ComputeEngine.threadCount) threads")
    var names = OutputNames(
      output, count: several.count,
      overwrites: writing.replaces(self.output, count: several.count))
    var noted: Set<String> = []
    let firstSeed = request.seed
    for index in 0..<several.count {
      request.seed = firstSeed &+ UInt64(index)
      let picture = try draw(request, generator, console)
      let syntax = PromptSyntax(prompt, readsWeights: false)
      // What holds for all pictures is printed once.
      for note in syntax.notes(on: "prompt") + picture.notes where noted.insert(note).inserted {
        console.note(note)
      }
      let path = try names.write {
        try picture.write(to: $0, replacing: $1)
      }
      if several.count == 1, self.output?.contains("%") != true {
        writing.report(self.output, path, console)
      }
      console.result(
        path,
        event: [
          "event": .string("picture"), "path": .string(path), "seed": JSONValue(request.seed),
          "width": .integer(picture.width), "height": .integer(picture.height),
        ])
      if pictures.chance.number == nil { console.report("seed \(request.seed)") }
    }
  }

  /// Draws one picture with a bar.
  private func draw(
    _ request: TokenPictureRequest, _ generator: StoryGenerator, _ console: Console
  ) throws -> Picture {
    var bar = ProgressBar(console)
    defer { bar.end() }
    return try generator.draw(request) { number, count, _ in
      try Interruption.check()
      bar.show(number, of: count)
      console.event([
        "event": .string("step"), "step": .integer(number), "of": .integer(count),
      ])
    }
  }
}
