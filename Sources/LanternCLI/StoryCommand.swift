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
      lantern story "a fox who looks for a key" --writer FOLDER/smollm2.gguf
      lantern story --from story/story.md --illustrator FOLDER

      The folder receives story.md, story.json and 01.png, 02.png …, and story.html, which holds everything. \
      Each page is there as soon as it is finished.

      One transformer writes the words and draws the pictures, and reads each picture back before it \
      writes on. Public Show-o weights were never trained to open a picture after text: with them a \
      story is scripted, and each page's words draw their picture afresh.

      With --writer any language model plans the story (title, cast, places, a line for each page), writes it page by \
      page and says what each picture shows; any image model draws that. An edited story.json or story.md is taken \
      up again with --from.
      """)

  @Argument(help: "What the story is about.")
  var prompt: String?

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

  @OptionGroup(title: "Book options") var books: StoryBookOptions
  @OptionGroup(title: "Text options") var words: StoryTextOptions
  @OptionGroup(title: "Library options") var documents: LibraryOptions
  @OptionGroup(title: "Picture options") var pictures: TokenPictureOptions
  @OptionGroup(title: "Picture options") var likeness: StoryConsistencyOptions
  @OptionGroup(title: "Model options") var partners: StoryPartnerOptions
  @OptionGroup(title: "Model options") var modelOptions: StoryModelOptions
  @OptionGroup(title: "Server options") var remote: RemoteOptions
  @OptionGroup(title: "Message options") var messages: MessageOptions
  @Flag(name: .customLong("no-cache"), help: .hidden)
  var recomputes = false

  mutating func validate() throws {
    try checkEncoding()
    try remote.refuse([
      ("--illustrator", partners.illustrator != nil), ("--writer", partners.writer != nil),
      ("--from", partners.from != nil), ("--genre", words.genre != nil),
      ("--age", words.age != nil), ("--language", words.language != nil),
      ("--consistency", likeness.consistency != nil),
      ("--precision", modelOptions.computing.precision != nil),
      ("--threads", modelOptions.threads.threads != nil),
    ])
    if prompt == nil, partners.from == nil {
      throw ValidationError("about what? For example: lantern story \"a story about a cat\"")
    }
    if prompt != nil, partners.from != nil {
      throw ValidationError("--from has the story: leave out the prompt")
    }
    if documents.library != nil, partners.writer == nil || partners.from != nil {
      throw ValidationError("--library goes with --writer MODEL, which reads it: give both")
    }
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
    if books.speak { try Speaker.check() }
    let request = try self.request()
    if let server = remote.server { return try tell(request, on: server, console) }
    let start = Console.now
    let telling = try telling(request, console)
    console.event([
      "event": .string("load"), "model": .string(telling.name), "seed": JSONValue(request.seed),
      "seconds": .number(Console.now - start),
    ])
    let syntax = PromptSyntax(request.prompt, readsWeights: false)
    for note in syntax.notes(on: "prompt") { console.note(note) }
    for note in try telling.check(request) { console.note(note) }
    let find = try finder(console)
    let (book, plan) = try telling.begin(request, find: find) { try Interruption.check() }
    if let plan, partners.from == nil {
      StoryTeller(console, preview: preview, seed: request.seed).show(plan)
    }
    try tell(request, book, telling.language(request), since: start, console) { onEvent in
      for note in try telling.write(request, plan, find: find, onEvent: onEvent) {
        console.note(note)
      }
    }
  }

  /// Writes the pages of a story that has no plan as they come.
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
    let book = StoryBook(request, writer: model, illustrator: model)
    try tell(request, book, request.language, since: start, console, by: write)
  }

  /// Writes a story's pages into its folder as they come.
  private func tell(
    _ request: StoryRequest, _ book: StoryBook, _ language: StoryLanguage, since start: Double,
    _ console: Console, by write: (_ onEvent: (StoryEvent) throws -> Void) throws -> Void
  ) throws {
    var folder = try StoryFolder(
      output ?? "story", writing, book, speaker: books.speak ? Speaker(language) : nil)
    // Held to the end: two stories that replace one another's pages would mix.
    let lock = try FolderLock(folder.path)
    writing.report(output, folder.path, console)
    var whole = book
    defer { if whole.pages.isEmpty { folder.discard() } }
    var teller = StoryTeller(console, preview: preview, seed: request.seed)
    let begin = Console.now
    try write { event in
      try Interruption.check()
      try teller.take(event)
      if case .page(let page) = event {
        let path = try folder.add(page, to: &whole)
        teller.finish(page, path)
      }
    }
    if documents.library != nil, whole.pages.allSatisfy(\.citations.isEmpty) {
      console.note("the story cites no passage")
    }
    console.event([
      "event": .string("end"), "seed": JSONValue(request.seed),
      "seconds": .number(Console.now - begin),
    ])
    console.detail(
      "\(whole.pages.count) pages in \(rounded(Console.now - begin)) s, "
        + "loaded in \(rounded(begin - start)) s")
    if books.epub { console.report(try folder.writeEPUB(of: whole)) }
    _ = consume lock
    console.report(FileSystem.join(folder.path, "story.html"))
    if pictures.chance.number == nil, partners.from == nil {
      console.report("seed \(request.seed)")
    }
  }

  /// Whether another model than the transformer writes, or the story is written already.
  private var writesElsewhere: Bool { partners.hasWriter || partners.from != nil }

  /// Loads those who tell the story.
  private func telling(_ request: StoryRequest, _ console: Console) throws -> StoryTelling {
    let precision = modelOptions.computing.precision
    // The transformer's options do so where it is loaded.
    if writesElsewhere { modelOptions.threads.apply(console) }
    let writer = try partners.loadWriter(precision)
    writer?.notes.forEach(console.note)
    if writesElsewhere, modelOptions.model != nil {
      console.note("model without effect: the writer writes, and the illustrator draws")
    }
    if let from = partners.from {
      let story = try StoryRevision(contentsOf: from)
      story.notes.forEach(console.note)
      return .revision(story, try partners.loadIllustrator(precision), writer)
    }
    if let writer {
      let illustrator = try partners.loadIllustrator(precision)
      illustrator.notes.forEach(console.note)
      return .tale(TaleGenerator(writer: writer, illustrator: illustrator))
    }
    let painter = try partners.loadPainter(precision)
    let generator = try modelOptions.load(console, painter: painter)
    if !generator.isInterleaved {
      console.note(
        "\(HubCache.name(of: generator.path)) draws each page afresh; it was not trained to tell a story"
      )
    }
    return .transformer(generator)
  }

  /// Passages for the writer.
  private func finder(_ console: Console) throws -> (String) throws -> [QuotedPassage] {
    guard let library = try documents.reader(console) else { return { _ in [] } }
    return { try library.quoted(for: $0) }
  }

  private func request() throws -> StoryRequest {
    var request = StoryRequest(prompt: prompt ?? "")
    try words.apply(to: &request)
    try pictures.apply(to: &request)
    try likeness.apply(to: &request)
    request.previewInterval = preview == nil ? 0 : 1
    request.recomputes = recomputes
    return request
  }
}

/// Who tells a story: one transformer, a writer and an illustrator, or an illustrator a story that was written before.
private enum StoryTelling {
  case transformer(StoryGenerator)
  case tale(TaleGenerator)
  case revision(StoryRevision, StoryIllustrator, LanguageGenerator?)

  /// The model's name, or that of both.
  var name: String {
    switch self {
    case .transformer(let generator): HubCache.name(of: generator.path)
    case .tale(let tale): "\(tale.writerName) and \(tale.illustrator.name)"
    case .revision(_, let illustrator, _): illustrator.name
    }
  }

  /// The language of its words.
  func language(_ request: StoryRequest) -> StoryLanguage {
    if case .revision(let story, _, _) = self { story.details.language } else { request.language }
  }

  /// Notes before work begins.
  func check(_ request: StoryRequest) throws -> [String] {
    switch self {
    case .transformer(let generator): try generator.check(request)
    case .tale(let tale): try tale.check(request)
    case .revision(let story, let illustrator, let writer):
      try illustrator.check(story, request, hasWriter: writer != nil)
    }
  }

  /// The book without a page, and the plan where there is one.
  func begin(
    _ request: StoryRequest, find: @escaping (String) throws -> [QuotedPassage],
    check: () throws -> Void
  ) throws -> (StoryBook, StoryPlan?) {
    switch self {
    case .transformer(let generator): return (generator.book(request), nil)
    case .tale(let tale):
      let plan = try tale.plan(request, find: find, check: check)
      return (tale.book(request, plan), plan)
    case .revision(let story, let illustrator, _):
      return (story.book(illustrator.name), story.details.plan)
    }
  }

  /// Tells the story; notes on what came out otherwise than it may be expected.
  func write(
    _ request: StoryRequest, _ plan: StoryPlan?,
    find: @escaping (String) throws -> [QuotedPassage], onEvent: (StoryEvent) throws -> Void
  ) throws -> [String] {
    switch (self, plan) {
    case (.transformer(let generator), _): try generator.write(request, onEvent: onEvent)
    case (.tale(let tale), let plan?):
      return try tale.write(request, plan, find: find, onEvent: onEvent)
    case (.tale, nil): break
    case (.revision(let story, let illustrator, let writer), _):
      try illustrator.revise(story, request, writer: writer, onEvent: onEvent)
    }
    return []
  }
}
