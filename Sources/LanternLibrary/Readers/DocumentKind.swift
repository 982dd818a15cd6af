import LanternFormats

/// A kind of document: by which endings and media types it is known, and how it is read.
package struct DocumentKind: Sendable {
  /// What a reader gets.
  package struct Input {
    let bytes: [UInt8]
    /// Path or address, for errors.
    let source: String
    /// What the server says of how characters are encoded; nil where it does not.
    let encoding: String?
    let limits: DocumentLimits

    package init(
      bytes: [UInt8], source: String, encoding: String? = nil,
      limits: DocumentLimits = DocumentLimits()
    ) {
      (self.bytes, self.source, self.encoding, self.limits) = (bytes, source, encoding, limits)
    }
  }

  let name: String
  /// Endings of files' names, in small letters.
  let endings: [String]
  /// Media types (RFC 6838).
  let mediaTypes: [String]
  package let read: @Sendable (Input) throws(LibraryError) -> DocumentText

  /// All kinds, sorted by name.
  static let all: [DocumentKind] = [
    DocumentKind(
      name: "DOCX", endings: [".docx"],
      mediaTypes: ["application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
      read: DOCXReader.read),
    DocumentKind(
      name: "EPUB", endings: [".epub"], mediaTypes: ["application/epub+zip"],
      read: EPUBReader.read),
    DocumentKind(
      name: "HTML", endings: [".html", ".htm", ".xhtml"],
      mediaTypes: ["text/html", "application/xhtml+xml"], read: HTMLReader.read),
    DocumentKind(
      name: "Markdown", endings: [".md", ".markdown"], mediaTypes: ["text/markdown"],
      read: MarkdownReader.read),
    DocumentKind(
      name: "PDF", endings: [".pdf"], mediaTypes: ["application/pdf"], read: PDFReader.read),
    DocumentKind(
      name: "plain text", endings: [".txt", ".text"], mediaTypes: ["text/plain"],
      read: PlainTextReader.read),
  ]

  /// The endings of all kinds, in a line.
  package static var knownEndings: String { all.flatMap(\.endings).joined(separator: ", ") }

  /// The kind of a file, by its name; nil for others.
  package static func named(_ path: String) -> DocumentKind? {
    let name = path.lowercased()
    return all.first { $0.endings.contains { name.hasSuffix($0) } }
  }

  /// The kind of what a server sends; nil for others.
  ///
  /// - Parameter type: the value of `Content-Type`.
  /// - Returns: the kind.
  static func ofMediaType(_ type: String) -> DocumentKind? {
    let name = type.prefix { $0 != ";" }.filter { !$0.isWhitespace }.lowercased()
    return all.first { $0.mediaTypes.contains(name) }
  }
}

/// Plain text: paragraphs are parted by empty lines.
enum PlainTextReader {
  static func read(_ input: DocumentKind.Input) throws(LibraryError) -> DocumentText {
    var document = DocumentText()
    var paragraph = ""
    for line in try text(of: input).split(
      omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    {
      if line.allSatisfy(\.isWhitespace) {
        document.addParagraph(paragraph)
        paragraph = ""
      } else {
        paragraph += line + " "
      }
    }
    document.addParagraph(paragraph)
    return document
  }

  /// The text of bytes: UTF-8, or UTF-16 with a byte order mark.
  static func text(of input: DocumentKind.Input) throws(LibraryError) -> String {
    let bytes = input.bytes
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      let isLittle = bytes[0] == 0xFF
      let units = stride(from: 2, to: bytes.count - 1, by: 2).map { index in
        let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
        return isLittle ? first | second << 8 : first << 8 | second
      }
      return String(decoding: units, as: UTF16.self)
    }
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw .damaged(source: input.source, reason: "it is no text in UTF-8")
    }
    return text.first == "\u{FEFF}" ? String(text.dropFirst()) : text
  }
}
