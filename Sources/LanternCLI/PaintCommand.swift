import ArgumentParser
import Lantern
import LanternFormats

/// `lantern paint`: a picture by the transformer, from nothing or around another picture.
struct PaintCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "paint",
    abstract: "Draws, mends or extends a picture with the storyteller's masked codes.",
    discussion: """
      lantern paint "a red fox in the snow"
      lantern paint "a red fox and a key" -i fox.png --mask right.png
      lantern paint "a fox in the forest" -i fox.png --extend right --extend left
      """)

  @Argument(help: "What to draw.")
  var prompt: String

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Where to write: .png or .jpg.", valueName: "file"))
  var output = "picture.png"
  @Option(
    name: [.customShort("i"), .customLong("init")],
    help: ArgumentHelp("A picture to change or extend.", valueName: "file"))
  var initial: String?
  @Option(
    help: ArgumentHelp("Where it is drawn anew: white there, black elsewhere.", valueName: "file"))
  var mask: String?
  @Option(
    help: ArgumentHelp(
      "Extend it by half a picture: \(Self.sides); several times, where wanted.",
      valueName: "side"))
  var extend: [String] = []

  @OptionGroup var modelOptions: StoryModelOptions

  @Option(
    name: .shortAndLong, parsing: .unconditional, help: "The same seed draws the same picture.")
  var seed: UInt64 = 42
  @Option(parsing: .unconditional, help: "Steps to a picture.")
  var steps: Int?
  @Option(parsing: .unconditional, help: "Strength of guidance; 0 for none.")
  var guidance: Float?
  @Option(
    help: ArgumentHelp(
      "How fast codes are settled: \(MaskSchedule.names.joined(separator: ", ")).",
      valueName: "name"))
  var schedule = "cosine"
  @Flag(help: "One JSON event a line on standard output.")
  var json = false
  @Flag(name: .shortAndLong, help: "Tell only errors.")
  var quiet = false

  mutating func validate() throws {
    try checkEncoding()
    if MaskSchedule(named: schedule) == nil {
      throw ValidationError(
        "schedule \"\(schedule)\": choose \(MaskSchedule.names.joined(separator: ", "))")
    }
    if let other = extend.first(where: { TokenPictureRequest.Side(rawValue: $0) == nil }) {
      throw ValidationError("side \"\(other)\": choose \(Self.sides)")
    }
    if initial == nil, mask != nil || !extend.isEmpty {
      throw ValidationError("--mask and --extend need a picture: --init FILE")
    }
    if initial != nil, mask == nil, extend.isEmpty {
      throw ValidationError("--init needs --mask FILE or --extend SIDE")
    }
  }

  private static let sides = TokenPictureRequest.Side.allCases.map(\.rawValue).joined(
    separator: ", ")

  func run() throws {
    let console = Console(isJSON: json, isQuiet: quiet || json)
    Interruption.listen()
    try ErrorReport.reporting(to: console) {
      try Picture.checkExtension(of: output)
      try FileSystem.checkFolder(of: output)
      var request = TokenPictureRequest(prompt: prompt)
      request.seed = seed
      request.steps = steps
      request.guidance = guidance
      if let schedule = MaskSchedule(named: schedule) { request.schedule = schedule }
      request.initialPicture = try initial.map { try Picture(contentsOf: $0) }
      request.mask = try mask.map { try Mask(contentsOf: $0) }
      request.extensions = extend.compactMap(TokenPictureRequest.Side.init)
      let generator = try modelOptions.load()
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
      var metadata: PictureMetadata = [:]
      metadata["parameters"] =
        "\(prompt)\nSeed: \(seed), Model: \(FileSystem.split(generator.path).name)"
      try picture.write(to: output, metadata: metadata)
      console.result(
        output,
        event: [
          "event": .string("picture"), "path": .string(output),
          "width": .integer(picture.width), "height": .integer(picture.height),
        ])
    }
  }
}
