import LanternPlatform
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
      lantern story "a story about a cat" --begin "A cat lived in space."
      lantern story "a story about a bear" --illustrator picturebook

      The folder receives story.md and 01.png, 02.png …, and story.html, which holds everything. \
      Each page is there as soon as it is finished.

      One transformer writes the words and draws the pictures, and reads each picture back before it \
      writes on. Public Show-o weights were never trained to open a picture after text: with them a \
      story is scripted, and each page's words draw their picture afresh.
      """)

  @Argument(help: "What the story is about.")
  var prompt: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The folder to write to. (default: story)", valueName: "folder"),
    transform: FileArgument.named)
  var output: String?
  @OptionGroup var writing: WritingOptions

  @Option(
    help: ArgumentHelp(
      "Show the unfinished picture in this file. (default: none)", valueName: "file"),
    transform: FileArgument.named)
  var preview: String?

  @OptionGroup(title: "Text options") var words: StoryTextOptions
  @OptionGroup(title: "Picture options") var pictures: TokenPictureOptions

  @Option(
    help: ArgumentHelp(
      "Who draws: the transformer, or a latent-diffusion model after its captions, picturebook for the "
        + "shipped one or a folder as diffusers lays it out. (default: the transformer)",
      valueName: "model"))
  var illustrator: String?

  @OptionGroup(title: "Model options") var modelOptions: StoryModelOptions
  @OptionGroup(title: "Server options") var remote: RemoteOptions
  @OptionGroup(title: "Message options") var messages: MessageOptions
  @Flag(name: .customLong("no-cache"), help: .hidden)
  var recomputes = false

  mutating func validate() throws {
    try checkEncoding()
    try remote.refuse([
      ("--illustrator", illustrator != nil), ("--begin-picture", !words.beginningPictures.isEmpty),
      ("--precision", modelOptions.computing.precision != nil),
      ("--threads", modelOptions.threads.threads != nil),
    ])
  }

  func run() throws {
    let console = messages.console
    Interruption.listen()
    try ErrorReport.reporting(to: console) { try report(console) }
  }

  private func report(_ console: Console) throws {
    if let preview {
      try Picture.checkExtension(of: preview)
      try FileSystem.checkFolder(of: preview)
    }
    let request = try self.request()
    if let server = remote.server { return try tell(request, on: server, console) }
    let painter = try illustrator.map { name in
      try ImageGenerator(
        folder: ModelOptions.folder(named: name, or: .picturebook),
        precision: modelOptions.computing.precision ?? .default)
    }
    let start = Console.now
    let generator = try modelOptions.load(console, painter: painter)
    let model = HubCache.name(of: generator.path)
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
    try tell(request, model: model, since: start, console) { onEvent in
      try generator.write(request, onEvent: onEvent)
    }
  }

  /// Writes a story's pages as they come.
  ///
  /// - Parameters:
  ///   - request: the story's.
  ///   - model: the model's name.
  ///   - start: when loading it began.
  ///   - console: shows the pages.
  ///   - write: makes the pages, and calls its closure with what comes of them.
  /// - Throws: what `write` throws, and what is wrong with the folder.
  func tell(
    _ request: StoryRequest, model: String, since start: Double, _ console: Console,
    by write: (_ onEvent: (StoryEvent) throws -> Void) throws -> Void
  ) throws {
    let folder = try StoryFolder(output ?? "story", writing, request, model: model)
    writing.report(output, folder.path, console)
    var book = folder.book
    defer { if book.pages.isEmpty { folder.discard() } }
    var teller = Teller(console, preview: preview, seed: request.seed)
    let begin = Console.now
    try write { event in
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
    console.report(FileSystem.join(folder.path, "story.html"))
    if pictures.chance.number == nil { console.report("seed \(request.seed)") }
  }

  private func request() throws -> StoryRequest {
    var request = StoryRequest(prompt: prompt)
    try words.apply(to: &request)
    try pictures.apply(to: &request)
    request.previewInterval = preview == nil ? 0 : 1
    request.recomputes = recomputes
    return request
  }
}

/// Prints events for people and programs: words as they come, a bar for each picture.
private struct Teller {
  private let console: Console
  private let preview: String?
  private let seed: UInt64
  private var bar: ProgressBar?
  private var isInLine = false
  /// Notes on pictures: once for all pages.
  private var noted: Set<String> = []

  init(_ console: Console, preview: String?, seed: UInt64) {
    self.console = console
    self.preview = preview
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
      if let picture, let preview { try picture.write(to: preview) }
    case .page, .finished: break
    }
  }

  mutating func finish(_ page: StoryPage, _ path: String, seed: UInt64) {
    bar?.end()
    bar = nil
    endLine()
    for note in page.picture.notes where noted.insert(note).inserted { console.note(note) }
    var event: [String: JSONValue] = [
      "event": .string("page"), "page": .integer(page.number), "text": .string(page.text),
      "path": .string(path), "seed": JSONValue(seed),
    ]
    if let caption = page.caption {
      event["caption"] = .string(caption)
      console.detail("drawn after: \(caption)")
    }
    console.event(event)
    console.report(path)
  }

  private mutating func endLine() {
    if isInLine { Console.put("\n") }
    isInLine = false
  }
}
