import ArgumentParser
import Lantern
import LanternFormats
import LanternTokenizers

/// `lantern story`: from a prompt to a folder with words and pictures.
struct StoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "story",
    abstract: "Tells a story in words and pictures.",
    discussion: """
      lantern story "a story about a red fox who looks for a key"
      lantern story "a story about a blue owl" -o owl --seed 7
      lantern story "a story about a cat" --begin "Once there was a cat in space." --pages 4
      lantern story "a story about a bear" --illustrator picturebook

      The folder receives story.md and 01.png, 02.png …, and story.html, which holds everything.
      Finished pages are there from the moment they are finished.

      One transformer writes the words and draws the pictures, and what it draws it reads before it
      writes on. Public Show-o weights were never trained to open a picture after text: with them a
      story is scripted, and each page's words draw their picture afresh.
      """)

  @Argument(help: "What the story is about.")
  var prompt: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The folder to write to. (default: story)", valueName: "folder"))
  var output: String?
  @OptionGroup var writing: WritingOptions

  @OptionGroup var modelOptions: StoryModelOptions

  @Option(
    parsing: .unconditional,
    help: "How many pages; the model's own number by default, 4 for the shipped one.")
  var pages: Int?
  @Option(parsing: .unconditional, help: "How freely words are chosen; 0 takes the likeliest.")
  var temperature: Float?
  @Option(
    parsing: .unconditional, help: "Only the likeliest words that together have this probability.")
  var topP: Float?
  @Option(parsing: .unconditional, help: "Only so many of the likeliest words; 0 for all.")
  var topK = 0
  @Option(
    parsing: .unconditional,
    help: "Only words of at least this share of the likeliest's probability.")
  var minP: Float = 0
  @Option(parsing: .unconditional, help: "What scores of words that occurred are divided by.")
  var repetitionPenalty: Float = 1
  @OptionGroup var pictures: TokenPictureOptions

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Words of a page that the story begins with; once a page.", valueName: "text"))
  var begin: [String] = []
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp("Pictures of the pages that it begins with, in order.", valueName: "file"))
  var beginImage: [String] = []

  @Option(
    help: ArgumentHelp(
      "Who draws: the transformer by default, or a latent-diffusion model after its captions.",
      discussion: "\"picturebook\" for the shipped one, or a folder as diffusers lays it out.",
      valueName: "model"))
  var illustrator: String?

  @Option(help: ArgumentHelp("Show the unfinished picture in this file.", valueName: "file"))
  var preview: String?
  @OptionGroup var telling: TellingOptions
  @Flag(name: .customLong("no-cache"), help: .hidden)
  var recomputes = false

  mutating func validate() throws {
    try checkEncoding()
    if beginImage.count > begin.count {
      throw ValidationError("--begin-image needs the words of its page: --begin \"…\"")
    }
  }

  func run() throws {
    let console = telling.console
    Interruption.listen()
    try ErrorReport.reporting(to: console) { try tell(console) }
  }

  private func tell(_ console: Console) throws {
    if let preview {
      try Picture.checkExtension(of: preview)
      try FileSystem.checkFolder(of: preview)
    }
    let request = try self.request()
    let painter = try illustrator.map { name in
      try ImageGenerator(
        folder: name == "picturebook"
          ? ModelOptions.shipped("picturebook", with: "model_index.json") : name,
        precision: modelOptions.computing.precision ?? .standard)
    }
    let start = Console.now
    let generator = try modelOptions.load(painter: painter)
    let model = FileSystem.split(generator.path).name
    console.event([
      "event": .string("load"), "model": .string(model), "seed": JSONValue(request.seed),
      "seconds": .number(Console.now - start),
    ])
    if !generator.isInterleaved {
      console.note("\(model) draws each page afresh; it was not trained to tell a story")
    }
    let syntax = PromptSyntax(prompt, readsWeights: false)
    for note in syntax.notes(on: "prompt") { console.note(note) }
    for note in try generator.check(request) { console.note(note) }
    let output = self.output ?? "story"
    let folder = try StoryFolder(output, writing, request, model: model)
    writing.tell(self.output, folder.path, console)
    var book = folder.book
    defer { if book.pages.isEmpty { folder.discard() } }
    var teller = Teller(console, preview: preview, writing, seed: request.seed)
    let begin = Console.now
    try generator.tell(request) { event in
      try Interruption.check()
      try teller.take(event)
      if case .page(let page) = event {
        let path = try folder.add(page, to: &book)
        teller.finish(page, path, seed: request.seed)
      }
    }
    console.event([
      "event": .string("end"), "seed": JSONValue(request.seed),
      "seconds": .number(Console.now - begin),
    ])
    console.detail(
      "\(book.pages.count) pages in \(rounded(Console.now - begin)) s, "
        + "loaded in \(rounded(begin - start)) s")
    console.tell(FileSystem.join(folder.path, "story.html"))
    if pictures.chance.number == nil { console.tell("seed \(request.seed)") }
  }

  private func request() throws -> StoryRequest {
    var request = StoryRequest(prompt: prompt)
    if let seed = pictures.chance.number { request.seed = seed }
    request.pages = pages
    request.temperature = temperature
    request.topP = topP
    request.topK = topK
    request.minP = minP
    request.repetitionPenalty = repetitionPenalty
    request.imageSteps = pictures.steps
    request.guidance = pictures.guidance
    request.schedule = pictures.maskSchedule
    request.previewInterval = preview == nil ? 0 : 1
    request.recomputes = recomputes
    request.beginning = try begin.enumerated().map { index, text in
      StoryRequest.Page(
        text: text,
        picture: index < beginImage.count ? try Picture(contentsOf: beginImage[index]) : nil)
    }
    return request
  }
}

/// Tells people and programs what happens: words as they come, a bar for each picture.
private struct Teller {
  private let console: Console
  private let preview: String?
  private let writing: WritingOptions
  private var frames: RefreshedFile?
  private let seed: UInt64
  private var bar: ProgressBar?
  private var isInLine = false

  init(_ console: Console, preview: String?, _ writing: WritingOptions, seed: UInt64) {
    self.console = console
    self.preview = preview
    self.writing = writing
    frames = preview.map { RefreshedFile($0, overwrites: true) }
    self.seed = seed
  }

  mutating func take(_ event: StoryEvent) throws {
    switch event {
    case .text(let text, let page):
      console.event([
        "event": .string("text"), "page": .integer(page), "text": .string(text),
      ])
      if !console.isQuiet {
        Console.put(text)
        isInLine = true
      }
    case .step(let number, let count, let page, let picture):
      endLine()
      if bar == nil { bar = ProgressBar(console) }
      if Console.isTerminal { bar?.show(number, of: count) }
      console.event([
        "event": .string("step"), "page": .integer(page), "step": .integer(number),
        "of": .integer(count),
      ])
      if let picture, let path = try frames?.write(picture) {
        writing.tell(preview, path, console)
      }
    case .page, .finished: break
    }
  }

  mutating func finish(_ page: StoryPage, _ path: String, seed: UInt64) {
    bar?.end()
    bar = nil
    endLine()
    var event: [String: JSONValue] = [
      "event": .string("page"), "page": .integer(page.number), "text": .string(page.text),
      "path": .string(path), "seed": JSONValue(seed),
    ]
    if let caption = page.caption {
      event["caption"] = .string(caption)
      console.detail("drawn after: \(caption)")
    }
    console.event(event)
    console.tell(path)
  }

  private mutating func endLine() {
    if isInLine { Console.put("\n") }
    isInLine = false
  }
}
