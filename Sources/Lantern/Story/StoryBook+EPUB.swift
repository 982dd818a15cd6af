import LanternFormats

extension StoryBook {
  /// The story as an e-book: EPUB 3.3 (W3C), a page to a document, its picture above its words.
  ///
  /// - Parameters:
  ///   - modified: when it was written, as RFC 3339 has it in UTC.
  ///   - audio: sound files of pages, WAV, by the pages' numbers.
  ///   - path: what errors call it.
  /// - Returns: the file: a ZIP archive.
  /// - Throws: `FormatError` for more than 4 GiB.
  package func epub(modified: String, audio: [Int: [UInt8]] = [:], path: String)
    throws(FormatError) -> [UInt8]
  {
    var archive = ZipArchive()
    func add(_ name: String, _ text: String) throws(FormatError) {
      try archive.add(name, Array(text.utf8), path: path)
    }
    // First and unpacked, so that a reader knows the file by its first bytes.
    try add("mimetype", "application/epub+zip")
    try add("META-INF/container.xml", Self.container)
    try add("EPUB/package.opf", packageDocument(modified: modified, audio: Set(audio.keys)))
    try add("EPUB/nav.xhtml", navigation)
    try add("EPUB/style.css", Self.epubStyle)
    try add("EPUB/title.xhtml", document(titleBody))
    for (page, picture) in zip(pages, pictures) {
      let sound = audio[page.number] == nil ? "" : Self.player(Self.soundName(page.number))
      try add(Self.documentName(page.number), document(body(of: page) + sound))
      try archive.add("EPUB/\(Self.pictureName(page.number))", picture.png, path: path)
    }
    for (number, bytes) in audio.sorted(by: { $0.key < $1.key }) {
      try archive.add("EPUB/\(Self.soundName(number))", bytes, path: path)
    }
    try add("EPUB/end.xhtml", document(endBody))
    return archive.bytes
  }

  /// The name of a page's sound: `01.wav`.
  package static func soundName(_ number: Int) -> String {
    pictureName(number).dropLast(3) + "wav"
  }

  private static func documentName(_ number: Int) -> String {
    "EPUB/\(pictureName(number).dropLast(3))xhtml"
  }

  private static let container = """
    <?xml version="1.0" encoding="UTF-8"?>
    <container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
    <rootfiles><rootfile full-path="EPUB/package.opf" media-type="application/oebps-package+xml"/></rootfiles>
    </container>

    """

  private static let epubStyle = """
    body { margin: 0 4%; text-align: center; font-family: Georgia, serif; }
    section { page-break-inside: avoid; }
    img { max-width: 100%; max-height: 70vh; }
    p { font-size: 1.2em; line-height: 1.5; white-space: pre-line; }
    ol { text-align: left; }

    """

  /// The package document: what the book is, which files it has, and their order.
  private func packageDocument(modified: String, audio: Set<Int>) -> String {
    let items = pages.map { page in
      let stem = String(Self.pictureName(page.number).dropLast(4))
      // WAV is none of the core types: a reader that does not play it shows the page.
      let sound =
        audio.contains(page.number)
        ? "\n<item id=\"s\(stem)\" href=\"\(stem).wav\" media-type=\"audio/x-wav\" fallback=\"p\(stem)\"/>"
        : ""
      let cover = page.number == 1 ? " properties=\"cover-image\"" : ""
      return """
        <item id="p\(stem)" href="\(stem).xhtml" media-type="application/xhtml+xml"/>
        <item id="i\(stem)" href="\(stem).png" media-type="image/png"\(cover)/>\(sound)
        """
    }
    let order = pages.map { "<itemref idref=\"p\(Self.pictureName($0.number).dropLast(4))\"/>" }
    return """
      <?xml version="1.0" encoding="UTF-8"?>
      <package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="\(language)">
      <metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
      <dc:identifier id="id">\(identifier)</dc:identifier>
      <dc:title>\(XMLText.quoted(shownTitle))</dc:title>
      <dc:language>\(language)</dc:language>
      <dc:contributor>\(XMLText.quoted(colophon))</dc:contributor>
      <meta property="dcterms:modified">\(modified)</meta>
      </metadata>
      <manifest>
      <item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
      <item id="style" href="style.css" media-type="text/css"/>
      <item id="title" href="title.xhtml" media-type="application/xhtml+xml"/>
      <item id="end" href="end.xhtml" media-type="application/xhtml+xml"/>
      \(items.joined(separator: "\n"))
      </manifest>
      <spine>
      <itemref idref="title"/>
      \(order.joined(separator: "\n"))
      <itemref idref="end"/>
      </spine>
      </package>

      """
  }

  private var language: String { details.language.rawValue }

  /// A title is required to have a letter.
  private var shownTitle: String {
    let line = PlainText.line(title)
    return line.isEmpty ? "Story" : line
  }

  /// A name of the book that the same book always has (RFC 4122, of version 5's form).
  private var identifier: String {
    var digits = Array(SHA1.hex(of: Array((json + colophon).utf8)).prefix(32))
    // Version and variant.
    (digits[12], digits[16]) = ("5", "8")
    let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }
    return "urn:uuid:" + groups.joined(separator: "-")
  }

  private var navigation: String {
    let pages = pages.map {
      "<li><a href=\"\(Self.pictureName($0.number).dropLast(3))xhtml\">\($0.number)</a></li>"
    }
    return document(
      """
      <nav epub:type="toc"><h1>\(XMLText.quoted(shownTitle))</h1>
      <ol><li><a href="title.xhtml">\(XMLText.quoted(shownTitle))</a></li>
      \(pages.joined(separator: "\n"))</ol></nav>
      """)
  }

  private var titleBody: String { "<section><h1>\(XMLText.quoted(shownTitle))</h1></section>" }

  private func body(of page: StoryPage) -> String {
    """
    <section><img src="\(Self.pictureName(page.number))" alt="\(XMLText.quoted(page.shown))"/>
    <p>\(XMLText.quoted(page.text))</p></section>
    """
  }

  private var endBody: String {
    let items = sources.map { "<li value=\"\($0.number)\">\(XMLText.quoted($0.place))</li>" }
    let list =
      items.isEmpty
      ? ""
      : "<h2>\(details.language.sourcesHeading)</h2>\n<ol>\(items.joined())</ol>\n"
    return "<section>\(list)<p>\(XMLText.quoted(colophon))</p></section>"
  }

  private func document(_ body: String) -> String {
    """
    <?xml version="1.0" encoding="UTF-8"?>
    <!DOCTYPE html>
    <html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="\(language)" \
    xml:lang="\(language)">
    <head><title>\(XMLText.quoted(shownTitle))</title><link rel="stylesheet" href="style.css"/></head>
    <body>
    \(body)
    </body>
    </html>

    """
  }
}

/// Text that becomes part of an XML document.
enum XMLText {
  /// Text for XML 1.0, between tags or quotes: nothing in it is markup, and what XML has no character for is U+FFFD.
  static func quoted(_ text: String) -> String {
    let sound = text.unicodeScalars.map { scalar -> Unicode.Scalar in
      [0xFFFE, 0xFFFF].contains(scalar.value) ? "\u{fffd}" : scalar
    }
    return HTMLText.quoted(String(String.UnicodeScalarView(sound)))
  }
}
