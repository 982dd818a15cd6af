import LanternFormats
import LanternPictures
import LanternPlatform

/// A story that was told before and may have been edited since: `story.json` or `story.md` with its pictures next to it.
///
/// A page's picture stays, byte for byte, unless its prompt is another one than that of the picture's file.
package struct StoryRevision: Sendable {
  /// A page as the file has it.
  package struct Page: Sendable, Equatable {
    /// Its words.
    package var text: String
    /// What its picture shows; nil where the file does not say.
    package var prompt: String?
    /// Its picture's file; nil where there is none.
    package var file: [UInt8]?
    /// What the picture was drawn from, and its seed, as its file says.
    var drawn: (prompt: String, seed: UInt64)?
    /// The seed that the story names, for a page whose picture is gone.
    var seed: UInt64?

    /// A page of words, and of what its picture shows.
    package init(text: String, prompt: String? = nil) { (self.text, self.prompt) = (text, prompt) }

    /// Whether its picture stays.
    package var isKept: Bool {
      guard file != nil else { return false }
      guard let prompt, let drawn else { return true }
      return PlainText.line(prompt) == PlainText.line(drawn.prompt)
    }

    package static func == (a: Page, b: Page) -> Bool {
      (a.text, a.prompt, a.file) == (b.text, b.prompt, b.file)
    }
  }

  /// Its title.
  package let title: String
  /// Its pages.
  package let pages: [Page]
  /// How it was told, as far as the file says.
  package private(set) var details: StoryDetails
  /// What is cited.
  package let sources: [StoryCitation]
  /// What the file has that is not read: a line each.
  package let notes: [String]

  /// Pages of a file at most.
  static let pageLimit = 1000

  /// A story of pages that have no pictures yet.
  package init(
    _ pages: [Page], sources: [StoryCitation] = [], title: String, _ details: StoryDetails
  ) {
    (self.pages, self.sources, self.title, self.details) = (pages, sources, title, details)
    notes = []
  }

  /// Reads a story.
  ///
  /// - Parameter path: of `story.json`, or of a file that ends in `.md`.
  /// - Throws: ``FormatError`` for a file that cannot be read or that is no story, `PictureError` for a picture of it.
  package init(contentsOf path: String) throws {
    let isMarkdown = path.lowercased().hasSuffix(".md")
    guard isMarkdown || path.lowercased().hasSuffix(".json") else {
      throw FormatError.unsupportedFileKind(
        path: path, remedy: "give a story.json or story.md")
    }
    let story = isMarkdown ? try StoryMarkdown(contentsOf: path).story : try JSON.read(path)
    guard let fields = story.object, let list = fields["pages"]?.array, !list.isEmpty else {
      throw FormatError.wrongType(key: "pages", expected: "a list of pages", file: path)
    }
    guard list.count <= Self.pageLimit else {
      throw FormatError.wrongType(
        key: "pages", expected: "\(Self.pageLimit) pages at most", file: path)
    }
    title = PlainText.line(fields["title"]?.string ?? "")
    let folder = FileSystem.split(path).folder
    pages = try list.enumerated().map { index, value in
      try Self.page(value.object ?? [:], index + 1, folder, path)
    }
    details = StoryDetails(fields)
    if let plan = fields["plan"] { details.plan = try StoryPlan(plan, file: path) }
    sources = (fields["sources"]?.array ?? []).compactMap { StoryCitation($0) }
    let unknown =
      Set(fields.keys).subtracting(StoryBook.jsonKeys).sorted()
      + Set(list.flatMap { $0.object?.keys.sorted() ?? [] }).subtracting(StoryPage.jsonKeys)
      .sorted()
    notes =
      unknown.isEmpty
      ? [] : ["\(path): without effect: \(unknown.map(JSON.quoted).joined(separator: ", "))"]
  }

  private static func page(
    _ fields: [String: JSONValue], _ number: Int, _ folder: String, _ path: String
  ) throws -> Page {
    guard let text = fields["text"]?.string else {
      throw FormatError.wrongType(key: "pages.\(number).text", expected: "a text", file: path)
    }
    let prompt = fields["picture_prompt"]?.string.map(PlainText.line)
    var page = Page(text: text, prompt: prompt == "" ? nil : prompt)
    if let seed = fields["seed"], seed != .null {
      guard let number = seed.unsigned else {
        throw FormatError.wrongType(
          key: "pages.\(number).seed", expected: "an integer from 0", file: path)
      }
      page.seed = number
    }
    guard let name = fields["picture"]?.string else { return page }
    // A name alone: a story from elsewhere must not read files elsewhere.
    guard !name.isEmpty, !name.contains("/"), !name.contains("\0"), name != "..", name != "." else {
      throw FormatError.wrongType(
        key: "pages.\(number).picture", expected: "the name of a file next to the story", file: path
      )
    }
    let place = folder.isEmpty ? name : FileSystem.join(folder, name)
    guard FileSystem.exists(place) else { return page }
    // Read as a picture first: what is none is an error that says so.
    let picture = try Picture(contentsOf: place)
    let file = try FileSystem.read(place, limit: 1 << 30)
    page.file = file.starts(with: StoryBook.pngSignature) ? file : try picture.png([:])
    page.drawn = Self.drawn(try PictureMetadata(contentsOf: place))
    return page
  }

  /// What a page's picture was drawn from, and its seed: as its record says, or its settings as webui writes them, which
  /// pages have that one transformer told and drew.
  private static func drawn(_ metadata: PictureMetadata) -> (prompt: String, seed: UInt64)? {
    if let record = metadata[PageRecord.key], let value = try? JSON.parse(text: record, file: ""),
      let drawn = value.object, let prompt = drawn["picture_prompt"]?.string
    {
      return (prompt, drawn["seed"]?.unsigned ?? 0)
    }
    guard let text = metadata["parameters"].map(WebUIText.init(parsing:)), text["Story"] != nil
    else { return nil }
    return (text.prompt, text["Seed"].flatMap { UInt64($0) } ?? 0)
  }

  /// The book of the story, without its pages; drawn by an illustrator, if any of its pictures is.
  package func book(_ illustrator: String) -> StoryBook {
    var details = details
    if !pages.allSatisfy(\.isKept) { details.illustrator = illustrator }
    return StoryBook(title: title, details)
  }
}

extension StoryIllustrator {
  /// Checks, before work begins, that a story's pictures can be drawn.
  ///
  /// - Parameters:
  ///   - story: the story.
  ///   - request: how pictures are drawn.
  ///   - hasWriter: whether a writer says what pictures show where the story does not.
  /// - Returns: notes on settings without an effect: a line each.
  /// - Throws: ``RequestError`` for numbers out of range.
  package func check(_ story: StoryRevision, _ request: StoryRequest, hasWriter: Bool) throws
    -> [String]
  {
    try StorySetting.check(request, with: ())
    var idle = [StorySetting.pages, .beginning, .genre, .age, .language]
    let isSilent = story.pages.allSatisfy { $0.isKept || $0.prompt != nil }
    if !hasWriter || isSilent { idle += StorySetting.writing + [.consistency] }
    let changed = idle.filter { $0.isChanged(request) }
    var notes = notes(on: request)
    if !changed.isEmpty {
      notes.append(
        "\(changed.map(\.title).joined(separator: ", ")) without effect: the story is written already"
      )
    }
    if hasWriter, isSilent {
      notes.append("writer without effect: the story says what each picture shows")
    } else if hasWriter, story.details.plan == nil {
      notes.append("writer without effect: the story has no plan, as story.json would have it")
    }
    if story.pages.allSatisfy(\.isKept) {
      notes.append("nothing is left to draw: no page's prompt was edited")
    }
    return notes
  }

  /// Draws the pictures of a story that lack one, or whose prompt was edited; the others stay as they are.
  ///
  /// - Parameters:
  ///   - story: the story.
  ///   - request: how pictures are drawn.
  ///   - writer: says what a page's picture shows where the file does not; the page's words are drawn when nil.
  ///   - onEvent: called as things happen; throw to stop.
  /// - Throws: an error of the room where it arose, or what `onEvent` throws.
  package func revise(
    _ story: StoryRevision, _ request: StoryRequest, writer: LanguageGenerator?,
    onEvent: (StoryEvent) throws -> Void
  ) throws {
    var request = request
    request.language = story.details.language
    let record = PageRecord(writer: story.details.writer, illustrator: name)
    let passages = story.sources
    var writing = try writer.map { try StoryWriter($0, request, scene) { _ in [] } }
    let plan = story.details.plan
    for (index, page) in story.pages.enumerated() {
      let number = index + 1
      try onEvent(.text(page.text, page: number))
      let cited = passages.filter { page.text.contains("[\($0.number)]") }
      if page.isKept, let file = page.file {
        let kept = StoryPage(
          number: number, text: page.text, picture: try Picture(file),
          caption: page.prompt ?? page.drawn?.prompt, seed: page.drawn?.seed, citations: cited,
          file: file)
        try onEvent(.page(kept))
        continue
      }
      var prompt = page.prompt ?? page.text
      if page.prompt == nil, let plan {
        let before = story.pages.prefix(index).map(\.text)
        let said = try writing?.scene(number, of: page.text, plan, behind: before) {
          try onEvent(.text("", page: number))
        }
        prompt = said?.prompt(plan, request.consistency, scene) ?? prompt
      }
      let seed = page.drawn?.seed ?? page.seed
      try onEvent(
        .page(
          self.page(
            number, page.text, PlainText.line(prompt),
            seed: seed ?? request.consistency.seed(request.seed, page: number), request,
            record, citations: cited, onEvent: onEvent)))
    }
    try onEvent(.finished)
  }
}
