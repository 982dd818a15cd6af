import LanternPlatform
public import LanternFormats
public import LanternPictures

/// A story's pages as files: Markdown with pictures, JSON, and one web page that holds everything.
public struct StoryBook: Sendable {
  /// What the story is called.
  public let title: String
  /// How it was made, as a line at its end.
  public let colophon: String
  /// Its pages so far.
  public private(set) var pages: [StoryPage] = []
  /// How it was told.
  let details: StoryDetails
  /// What its pages cite, in the order of the numbers.
  private(set) var sources: [StoryCitation] = []
  private(set) var pictures: [(png: [UInt8], base64: String)] = []

  /// How a file of PNG begins.
  static let pngSignature: [UInt8] = [0x89, 0x50, 0x4E, 0x47]

  /// A book without pages.
  public init(title: String, colophon: String) {
    (self.title, self.colophon, details) = (title, colophon, StoryDetails())
  }

  /// A book without pages that was told in a known way.
  package init(title: String, _ details: StoryDetails) {
    (self.title, self.details) = (title, details)
    colophon = details.colophon
  }

  /// A book without pages, named and closed as the story's request says.
  package init(_ request: StoryRequest, writer: String, illustrator: String) {
    self.init(
      title: request.prompt.prefix(1).uppercased() + request.prompt.dropFirst(),
      StoryDetails(
        prompt: request.prompt, seed: request.seed, writer: writer, illustrator: illustrator))
  }

  /// A book without pages, named as it was planned.
  package init(_ request: StoryRequest, _ plan: StoryPlan, writer: String, illustrator: String) {
    var details = StoryDetails(
      prompt: request.prompt, seed: request.seed, writer: writer, illustrator: illustrator)
    (details.language, details.plan) = (request.language, plan)
    self.init(title: plan.title, details)
  }

  /// The name of a page's picture: `01.png`.
  public static func pictureName(_ number: Int) -> String {
    "\(number < 10 ? "0" : "")\(number).png"
  }

  /// Adds a page.
  ///
  /// - Parameter page: the page.
  /// - Returns: its picture's file, PNG; without its words where it cannot hold them, as a zero byte.
  /// - Throws: `PictureError` for want of memory.
  @discardableResult
  public mutating func add(_ page: StoryPage) throws(PictureError) -> [UInt8] {
    let png = try Self.png(of: page)
    pages.append(page)
    pictures.append((png, Base64.encode(png)))
    for citation in page.citations where !sources.contains(citation) { sources.append(citation) }
    sources.sort { $0.number < $1.number }
    return png
  }

  private static func png(of page: StoryPage) throws(PictureError) -> [UInt8] {
    if let file = page.file { return file }
    do { return try page.picture.png() } catch .metadata { return try page.picture.png([:]) }
  }

  /// Writes `story.html`, `story.md`, `story.json` and the pages' pictures into a folder, which is made if need be.
  /// Files of these names there are replaced, each whole or not at all.
  ///
  /// - Throws: `FormatError` for a folder or file that cannot be written.
  public func write(to folder: String) throws(FormatError) {
    try FileSystem.makeFolder(folder)
    for (page, picture) in zip(pages, pictures) {
      try AtomicFile.write(
        picture.png, to: FileSystem.join(folder, Self.pictureName(page.number)))
    }
    for (name, text) in texts {
      try AtomicFile.write(Array(text.utf8), to: FileSystem.join(folder, name))
    }
  }

  /// The files of text that a story has, by their names, in the order in which they are written.
  package var texts: [(name: String, text: String)] {
    [("story.md", markdown), ("story.json", json), ("story.html", html)]
  }

  /// Markdown, with pictures by name.
  public var markdown: String {
    let body = pages.map { page in
      "![\(MarkdownText.quotedLine(page.shown))](\(Self.pictureName(page.number)))\n\n"
        + "\(MarkdownText.quoted(page.text))\n"
    }
    let list = sources.map { "- " + MarkdownText.quotedLine("[\($0.number)] \($0.place)") + "\n" }
    return
      (["# \(MarkdownText.quotedLine(title))\n"] + body
      + (list.isEmpty ? [] : ["## \(details.language.sourcesHeading)\n", list.joined()])
      + ["*\(MarkdownText.quotedLine(colophon))*\n"])
      .joined(separator: "\n")
  }

  /// A web page that needs no other file: legible on a phone, a page to a sheet in print.
  public var html: String {
    let sections = zip(pages, pictures).map { page, picture in
      """
      <section>
      <img src="data:image/png;base64,\(picture.base64)" alt="\(HTMLText.quoted(page.shown))">
      <p>\(HTMLText.quoted(page.text))</p>\(page.audio.map(Self.player) ?? "")
      </section>
      """
    }
    let body = """
      <h1>\(HTMLText.quoted(title))</h1>
      \(sections.joined(separator: "\n"))\(sourceList)
      <footer>\(HTMLText.quoted(colophon))</footer>
      """
    return HTMLText.page(
      title: title, style: Self.style, body: body, language: details.language.rawValue,
      playsAudio: pages.contains { $0.audio != nil })
  }

  /// The list of sources as HTML, behind a line end; empty where nothing is cited.
  var sourceList: String {
    guard !sources.isEmpty else { return "" }
    let items = sources.map { "<li value=\"\($0.number)\">\(HTMLText.quoted($0.place))</li>" }
    return "\n<h2>\(details.language.sourcesHeading)</h2>\n<ol>\(items.joined())</ol>"
  }

  /// What plays a page's sound, behind a line end.
  static func player(_ name: String) -> String {
    "\n<audio controls=\"controls\" src=\"\(HTMLText.quoted(name))\">"
      + "\(HTMLText.quoted(name))</audio>"
  }

  private static let style = """
    :root { color-scheme: light dark; }
    body { max-width: 34rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; text-align: center;
      font: 1.25rem/1.5 Georgia, "Times New Roman", serif; background: #fbf7ee; color: #2b2620; }
    h1 { font-size: 1.8rem; line-height: 1.2; margin: 1rem 0 2rem; text-wrap: balance; }
    h2 { font-size: 1rem; }
    ol { font-size: .85rem; text-align: left; }
    section { margin: 0 0 3rem; break-inside: avoid; }
    img { width: 100%; max-width: 24rem; border-radius: .8rem; box-shadow: 0 .2rem 1rem #0003; }
    p { margin: 1rem auto 0; max-width: 28rem; text-wrap: pretty; }
    footer { font-size: .85rem; opacity: .7; }
    @media (prefers-color-scheme: dark) { body { background: #1d1a17; color: #efe6d8; } }
    @media print { body { max-width: none; background: none; color: #000; } audio { display: none; }
      section { break-after: page; padding-top: 3cm; } img { max-width: 14cm; box-shadow: none; } }
    """
}

extension StoryLanguage {
  /// What stands above a list of sources.
  var sourcesHeading: String { self == .chinese ? "来源" : "Sources" }
}
