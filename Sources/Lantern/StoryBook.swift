import LanternPictures

/// A story's pages as files: Markdown beside pictures, and one web page that holds everything.
public struct StoryBook: Sendable {
  /// What the story is called.
  public let title: String
  /// How it was made, as a line at its end.
  public let colophon: String
  /// Its pages so far.
  public private(set) var pages: [StoryPage] = []
  private var pictures: [String] = []

  /// A book without pages.
  public init(title: String, colophon: String) {
    self.title = title
    self.colophon = colophon
  }

  /// The name of a page's picture: `01.png`.
  public static func pictureName(_ number: Int) -> String {
    "\(number < 10 ? "0" : "")\(number).png"
  }

  /// Adds a page.
  ///
  /// - Parameters:
  ///   - page: what was told.
  ///   - png: its picture's file.
  package mutating func add(_ page: StoryPage, png: [UInt8]) {
    pages.append(page)
    pictures.append(Base64.encode(png))
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
      <img src="data:image/png;base64,\(picture)" alt="\(HTMLText.quoted(page.text))">
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
