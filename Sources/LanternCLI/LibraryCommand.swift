import ArgumentParser
import Lantern
import LanternFormats
import LanternLibrary

/// `lantern library`: documents of one's own, kept and found again.
struct LibraryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "library",
    abstract: "Keeps documents of your own, and finds passages in them.",
    discussion: """
      lantern library add animals FOLDER/badgers.pdf FOLDER/notes
      lantern library search animals "where do badgers sleep?" --library-folder FOLDER
      lantern chat -m FOLDER/smollm2.gguf --library animals
      """,
    subcommands: [
      LibraryAddCommand.self, LibraryListCommand.self, LibraryRemoveCommand.self,
      LibrarySearchCommand.self,
    ])
}

/// `lantern library add`: documents into a library.
struct LibraryAddCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Adds documents to a library, which is made when it is not there.",
    discussion: """
      lantern library add animals FOLDER/badgers.pdf FOLDER/notes
      lantern library add animals https://en.wikipedia.org/wiki/OWNER
      lantern library add animals FOLDER/notes --model FOLDER/all-MiniLM-L6-v2

      Files of a folder are read where they are plain text, Markdown, HTML, EPUB, DOCX or PDF. An address is fetched, \
      where its site's robots.txt lets programs; nothing that it mentions is. Documents are cut into passages of about \
      200 words below their headings. What is there already is not read again, one that changed is replaced, and an \
      import that was stopped goes on where it was.

      With a model passages get vectors, by which they are found by their sense; later imports use it too.
      """)

  @Argument(help: "The library's name: letters, digits, '-', '_' and '.'.")
  var name: String

  @Argument(help: "Files, folders and addresses of web pages.")
  var sources: [String]

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Make vectors with this encoder, as lantern embed takes it. (default: the library's, or none)",
      valueName: "model"),
    transform: FileArgument.named)
  var model: String?

  @Option(
    help: ArgumentHelp(
      "The encoder of questions, where that is another, as DPR's. (default: the same)",
      valueName: "model"),
    transform: FileArgument.named)
  var queryModel: String?

  @OptionGroup var place: LibraryFolderOptions
  @OptionGroup var computing: PrecisionOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var messages: MessageOptions

  mutating func validate() throws {
    try checkEncoding()
    if sources.isEmpty {
      throw ValidationError("which documents? Give files, folders or addresses")
    }
    if queryModel != nil, model == nil {
      throw ValidationError("--query-model goes with --model: give both")
    }
  }

  func run() throws {
    let console = messages.console
    Interruption.listen()
    try ErrorReport.reporting(to: console) { try add(console) }
  }

  private func add(_ console: Console) throws {
    threads.apply(console)
    // A model that is not there, or not the library's, is no reason to read documents first.
    let encoder = try encoder(console)
    let progress = LibraryProgress(console)
    let library = LibraryImport(
      try LibraryWriter(name, in: place.folder), check: Interruption.check, onEvent: progress.show)
    defer { progress.end() }
    do {
      for source in sources { try Self.add(source, to: library) }
    } catch {
      library.discardIfEmpty()
      throw error
    }
    if let encoder { try library.addVectors(by: encoder) }
    progress.end()
    let counts = try Library(name, in: place.folder).counts()
    console.report("\(name): \(Self.summary(counts))")
    console.event([
      "event": .string("library"), "name": .string(name), "documents": .integer(counts.documents),
      "passages": .integer(counts.passages), "vectors": .integer(counts.vectors),
    ])
  }

  /// Adds what lies at a path, or what an address gives.
  private static func add(_ source: String, to library: borrowing LibraryImport) throws {
    guard WebPage.isAddress(source) else { return try library.add(path: source) }
    try library.add(page: Waiting.run { try await WebPage.fetch(source) })
  }

  private func encoder(_ console: Console) throws -> LibraryEncoder? {
    let precision = computing.precision ?? .default
    let library =
      place.folder.names.contains(name) ? try Library(name, in: place.folder) : nil
    guard let model else {
      guard let library, try library.model() != nil else {
        if computing.precision != nil {
          console.note(
            "precision without effect: the library has no vectors, and no model is given")
        }
        return nil
      }
      return try LibraryEncoder(of: library, precision: precision)
    }
    let encoder = try LibraryEncoder(
      path: LibraryImport.absolute(HubCache.standard.located(model)),
      queryPath: HubCache.standard.located(queryModel).map(LibraryImport.absolute),
      precision: precision)
    if let library { try encoder.check(library) }
    encoder.notes.forEach(console.note)
    return encoder
  }

  /// How much a library has, in words.
  static func summary(_ counts: Library.Counts) -> String {
    "\(counts.documents) documents, \(counts.passages) passages, \(counts.vectors) vectors"
  }
}

/// `lantern library list`: libraries, or the documents of one.
struct LibraryListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists the libraries, or the documents of one.")

  @Argument(help: "The library whose documents are listed.")
  var name: String?

  @OptionGroup var place: LibraryFolderOptions

  @Flag(help: "One JSON event a line on standard output.")
  var json = false

  func run() throws {
    let console = Console(isJSON: json, isQuiet: json)
    try ErrorReport.reporting(to: console) {
      guard let name else {
        for name in place.folder.names { try show(Library(name, in: place.folder), console) }
        if place.folder.names.isEmpty {
          console.report("there is no library in \(place.folder.path)")
        }
        return
      }
      for document in try Library(name, in: place.folder).documents() { show(document, console) }
    }
  }

  private func show(_ library: Library, _ console: Console) throws {
    let counts = try library.counts()
    let model = try library.model().map { HubCache.name(of: $0.path) }
    console.event([
      "event": .string("library"), "name": .string(library.name), "path": .string(library.path),
      "documents": .integer(counts.documents), "passages": .integer(counts.passages),
      "vectors": .integer(counts.vectors), "model": model.map(JSONValue.string) ?? .null,
    ])
    if !json {
      let words = LibraryAddCommand.summary(counts) + (model.map { " of \($0)" } ?? "")
      Console.print("\(library.name)  \(words)")
    }
  }

  private func show(_ document: Library.Document, _ console: Console) {
    console.event([
      "event": .string("document"), "source": .string(document.source),
      "title": document.title.map(JSONValue.string) ?? .null,
      "language": document.language.map(JSONValue.string) ?? .null,
      "sha256": .string(document.checksum), "passages": .integer(document.passages),
    ])
    if !json {
      let title = document.title.map { "  \($0)" } ?? ""
      Console.print("\(document.source)  \(document.passages) passages\(title)")
    }
  }
}

/// `lantern library remove`: a library, or a document of one.
struct LibraryRemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Removes a library, or a document of one.")

  @Argument(help: "The library's name.")
  var name: String

  @Argument(help: "The document, by its path or address; the whole library without one.")
  var source: String?

  @OptionGroup var place: LibraryFolderOptions

  func run() throws {
    try ErrorReport.reporting(to: Console()) {
      guard let source else { return try place.folder.remove(name) }
      let known = try Library(name, in: place.folder).documents().map(\.source)
      let writer = try LibraryWriter(name, in: place.folder)
      try writer.remove(known.contains(source) ? source : LibraryImport.absolute(source))
    }
  }
}

/// What happens during an import, for people and for programs.
private final class LibraryProgress {
  private let console: Console
  private var bar: ProgressBar?

  init(_ console: Console) { self.console = console }

  func show(_ event: LibraryEvent) {
    switch event {
    case .added(let source, let title, let passages, let new):
      say(
        "document", source,
        [
          "title": title.map(JSONValue.string) ?? .null,
          "passages": .integer(passages), "new": .integer(new),
        ],
        "\(source): \(passages) passages" + (new < passages ? ", \(new) of them new" : ""))
    case .unchanged(let source):
      say("unchanged", source, [:], "\(source): is there already")
    case .duplicate(let source, let other):
      say("duplicate", source, ["of": .string(other)], "\(source): the same as \(other)")
    case .skipped(let source, let reason):
      say("skipped", source, ["reason": .string(reason)], "note: left out: \(reason)")
    case .vectors(let done, let all):
      if bar == nil { bar = ProgressBar(console) }
      bar?.show(done, of: all, "passage")
      console.event([
        "event": .string("vectors"), "done": .integer(done), "of": .integer(all),
      ])
    }
  }

  private func say(
    _ event: String, _ source: String, _ more: [String: JSONValue], _ line: String
  ) {
    end()
    console.report(line)
    console.event(
      ["event": .string(event), "source": .string(source)].merging(more) { first, _ in first })
  }

  /// Clears the bar, so that lines have lines of their own.
  func end() {
    bar?.end()
    bar = nil
  }
}
