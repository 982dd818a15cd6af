import LanternPlatform
public import LanternFormats
public import LanternPictures

/// A story's pages as files: Markdown with pictures, and one web page that holds everything.
public struct StoryBook: Sendable {
  /// What the story is called.
  public let title: String
  /// How it was made, as a line at its end.
  public let colophon: String
  /// Its pages so far.
  public private(set) var pages: [StoryPage] = []
  private var pictures: [(png: [UInt8], base64: String)] = []

  /// A book without pages.
  public init(title: String, colophon: String) {
    self.title = title
    self.colophon = colophon
  }

  /// A book without pages, named and closed as the story's request says.
  package init(_ request: StoryRequest, model: String) {
    self.init(
      title: request.prompt.prefix(1).uppercased() + request.prompt.dropFirst(),
      colophon: "Told and drawn by Lantern with \(model), seed \(request.seed).")
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
    let png: [UInt8]
    do {
      png = try page.picture.png()
    } catch .metadata {
      png = try page.picture.png([:])
    }
    pages.append(page)
    pictures.append((png, Base64.encode(png)))
    return png
  }

  /// Writes `story.html`, `story.md` and the pages' pictures into a folder, which is made if need be.
  /// Files of these names there are replaced, each whole or not at all.
  ///
  /// - Throws: `FormatError` for a folder or file that cannot be written.
  public func write(to folder: String) throws(FormatError) {
    try FileSystem.makeFolder(folder)
    for (page, picture) in zip(pages, pictures) {
      try AtomicFile.write(
        picture.png, to: FileSystem.join(folder, Self.pictureName(page.number)))
    }
    try AtomicFile.write(Array(markdown.utf8), to: FileSystem.join(folder, "story.md"))
    try AtomicFile.write(Array(html.utf8), to: FileSystem.join(folder, "story.html"))
  }

  /// Markdown, with pictures by name.
  public var markdown: String {
    let body = pages.map { page in
      "![\(MarkdownText.quotedLine(page.text))](\(Self.pictureName(page.number)))\n\n"
        + "\(MarkdownText.quoted(page.text))\n"
    }
    return
      (["# \(MarkdownText.quotedLine(title))\n"] + body
      + ["*\(MarkdownText.quotedLine(colophon))*\n"])
      .joined(separator: "\n")
  }

  /// A web page that needs no other file: legible on a phone, a page to a sheet in print.
  public var html: String {
    let sections = zip(pages, pictures).map { page, picture in
      """
      <section>
      <img src="data:image/png;base64,\(picture.base64)" alt="\(HTMLText.quoted(page.text))">
      <p>\(HTMLText.quoted(page.text))</p>
      </section>
      """
    }
    let style = """
      :root { color-scheme: light dark; }
      body { max-width: 34rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; text-align: center;
        font: 1.25rem/1.5 Georgia, "Times New Roman", serif; background: #fbf7ee; color: #2b2620; }
      h1 { font-size: 1.8rem; line-height: 1.2; margin: 1rem 0 2rem; text-wrap: balance; }
      section { margin: 0 0 3rem; break-inside: avoid; }
      img { width: 100%; max-width: 24rem; border-radius: .8rem; box-shadow: 0 .2rem 1rem #0003; }
      p { margin: 1rem auto 0; max-width: 28rem; text-wrap: pretty; }
      footer { font-size: .85rem; opacity: .7; }
      @media (prefers-color-scheme: dark) { body { background: #1d1a17; color: #efe6d8; } }
      @media print { body { max-width: none; background: none; color: #000; }
        section { break-after: page; padding-top: 3cm; } img { max-width: 14cm; box-shadow: none; } }
      """
    let body = """
      <h1>\(HTMLText.quoted(title))</h1>
      \(sections.joined(separator: "\n"))
      <footer>\(HTMLText.quoted(colophon))</footer>
      """
    return HTMLText.page(title: title, style: style, body: body)
  }
}
