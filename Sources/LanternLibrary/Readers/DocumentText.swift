/// The text of a document, as all readers give it: headings, paragraphs and where pages begin, in their order.
package struct DocumentText: Sendable, Equatable {
  /// A part of the text.
  package enum Block: Sendable, Equatable {
    /// A heading; level 1 is the highest.
    case heading(level: Int, String)
    case paragraph(String)
    /// What follows is on this page.
    case page(Int)
  }

  /// What the document calls itself; nil where it does not say.
  package var title: String?
  /// A tag of BCP 47, as `en-GB`; nil where it does not say.
  package var language: String?
  /// The text.
  package var blocks: [Block] = []

  package init() {}

  /// Adds a paragraph, its white space made single spaces; nothing for one without text.
  mutating func addParagraph(_ text: some StringProtocol) {
    let words = text.split(whereSeparator: \.isWhitespace)
    if !words.isEmpty { blocks.append(.paragraph(words.joined(separator: " "))) }
  }

  /// Adds a heading; nothing for one without text.
  mutating func addHeading(level: Int, _ text: some StringProtocol) {
    let words = text.split(whereSeparator: \.isWhitespace)
    if !words.isEmpty { blocks.append(.heading(level: level, words.joined(separator: " "))) }
  }

  /// Whether there is any text.
  var isEmpty: Bool { !blocks.contains { if case .page = $0 { false } else { true } } }

  /// The title, or the first heading.
  var heading: String? {
    title
      ?? blocks.lazy.compactMap { block -> String? in
        if case .heading(_, let text) = block { text } else { nil }
      }.first
  }
}

/// What documents may take at most: a file's bytes are no measure of what it is unpacked to.
package struct DocumentLimits: Sendable {
  /// Bytes of a file, or of what an address gives.
  package var byteCount = 256 << 20
  /// Bytes of a file of HTML or XML, which takes many times as much memory while it is read.
  package var markupByteCount = 64 << 20
  /// Bytes that the files of an archive unpack to, all together.
  package var unpackedByteCount = 512 << 20
  /// Files of an archive, and of a folder.
  package var fileCount = 100_000
  /// Elements of HTML or XML in one another.
  package var depth = 250
  /// Pages of a document.
  package var pageCount = 50_000
  /// Seconds that an address may take to answer in all.
  package var seconds = 60
  /// Redirects of an address.
  package var redirectCount = 5

  package init() {}
}
