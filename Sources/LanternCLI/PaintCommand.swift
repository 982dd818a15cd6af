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
      "Where to write: .png or .jpg. (default: picture.png)", valueName: "file"))
  var output: String?
  @OptionGroup var writing: WritingOptions
  @Option(
    name: [.customShort("i"), .customLong("init")],
    help: ArgumentHelp("A picture to change or extend. (default: none)", valueName: "file"))
  var initial: String?
  @Option(.mask) var mask: String?
  @Option(
    help: ArgumentHelp(
      "Extend it by half a picture: \(Self.sides); several times, where wanted. (default: none)",
      valueName: "side"))
  var extend: [String] = []

  @Flag(
    inversion: .prefixedNo,
    help:
      "Put back what is kept, byte for byte; without, it goes through the image tokenizer. (default: --paste)"
  )
  var paste: Bool?

  @OptionGroup(title: "Picture options") var pictures: TokenPictureOptions
  @OptionGroup(title: "Model options") var modelOptions: StoryModelOptions
  @OptionGroup(title: "Message options") var telling: TellingOptions

  mutating func validate() throws {
    try checkEncoding()
    if let other = extend.first(where: { TokenPictureRequest.Side(rawValue: $0) == nil }) {
      throw ValidationError("side \"\(other)\": choose \(Self.sides)")
    }
    if initial == nil, mask != nil || !extend.isEmpty {
      throw ValidationError("--mask and --extend need a picture: --init FILE")
    }
    if initial == nil, paste != nil {
      throw ValidationError("--paste and --no-paste need a picture: --init FILE")
    }
    if initial != nil, mask == nil, extend.isEmpty {
      throw ValidationError("--init needs --mask FILE or --extend SIDE")
    }
  }

  private static let sides = TokenPictureRequest.Side.allCases.map(\.rawValue).joined(
    separator: ", ")

  func run() throws {
    let console = telling.console
    Interruption.listen()
    try ErrorReport.reporting(to: console) {
      let output = self.output ?? "picture.png"
      try Picture.checkExtension(of: output)
      try FileSystem.checkFolder(of: output)
      var request = TokenPictureRequest(prompt: prompt)
      if let seed = pictures.chance.number { request.seed = seed }
      request.steps = pictures.steps
      request.guidance = pictures.guidance
      request.schedule = pictures.maskSchedule
      request.initialPicture = try initial.map { try Picture(contentsOf: $0) }
      request.mask = try mask.map { try Mask(contentsOf: $0) }
      request.pastesKept = paste ?? request.pastesKept
      request.extensions = extend.compactMap(TokenPictureRequest.Side.init)
      let begin = Console.now
      let generator = try modelOptions.load(console)
      console.detail(
        "\(FileSystem.split(generator.path).name): loaded in \(rounded(Console.now - begin)) s; "
          + "\(ComputeEngine.instructionSet), \(ComputeEngine.threadCount) threads")
      var bar = ProgressBar(console)
      defer { bar.end() }
      let picture = try generator.draw(request) { number, count, _ in
        try Interruption.check()
        bar.show(number, of: count)
        console.event([
          "event": .string("step"), "step": .integer(number), "of": .integer(count),
        ])
      }
      bar.end()
      let syntax = PromptSyntax(prompt, readsWeights: false)
      for note in syntax.notes(on: "prompt") + picture.notes { console.note(note) }
      var names = OutputNames(output, overwrites: writing.replaces(self.output))
      let path = try names.write {
        try picture.write(to: $0, replacing: $1)
      }
      writing.tell(self.output, path, console)
      console.result(
        path,
        event: [
          "event": .string("picture"), "path": .string(path), "seed": JSONValue(request.seed),
          "width": .integer(picture.width), "height": .integer(picture.height),
        ])
      if pictures.chance.number == nil { console.tell("seed \(request.seed)") }
    }
  }
}
