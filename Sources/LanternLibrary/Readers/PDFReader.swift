import LanternPlatform

/// PDF by poppler's glib interface, which is loaded when a document needs it: the text of each page.
enum PDFReader {
  static func read(_ input: DocumentKind.Input) throws(LibraryError) -> DocumentText {
    guard let functions else { throw .missingReader(kind: "PDF", package: "libpoppler-glib-dev") }
    guard input.bytes.starts(with: "%PDF".utf8) || input.bytes.prefix(1024).contains(0x25) else {
      throw .damaged(source: input.source, reason: "it is no PDF")
    }
    var failure: UnsafeMutableRawPointer?
    let bytes = input.bytes.withUnsafeBytes { functions.bytesNew($0.baseAddress, UInt($0.count)) }
    defer { functions.bytesUnref(bytes) }
    guard let file = functions.documentNew(bytes, nil, &failure) else {
      defer { if let failure { functions.errorFree(failure) } }
      throw .damaged(source: input.source, reason: reason(failure))
    }
    defer { functions.objectUnref(file) }
    let count = Int(functions.pageCount(file))
    let limit = input.limits.pageCount
    guard count <= limit else {
      throw .tooLarge(source: input.source, what: "it has \(count) pages", limit: limit)
    }
    var document = DocumentText()
    document.title = functions.text(functions.title(file)).flatMap { $0.isEmpty ? nil : $0 }
    for index in 0..<max(count, 0) {
      document.blocks.append(.page(index + 1))
      guard let page = functions.page(file, Int32(index)) else { continue }
      defer { functions.objectUnref(page) }
      add(functions.text(functions.pageText(page)) ?? "", to: &document)
    }
    guard !document.isEmpty else {
      throw .noText(
        source: input.source,
        remedy:
          "its pages are pictures, perhaps: give one with text, as from a program that reads letters in pictures"
      )
    }
    return document
  }

  /// Adds a page's lines: empty ones part paragraphs, and a word that a hyphen cuts at a line's end is whole again.
  static func add(_ text: String, to document: inout DocumentText) {
    var paragraph = ""
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      guard line.contains(where: { !$0.isWhitespace }) else {
        document.addParagraph(paragraph)
        paragraph = ""
        continue
      }
      let isCut =
        paragraph.last == "-" && paragraph.dropLast().last?.isLetter == true
        && line.first?.isLowercase == true
      if isCut { paragraph.removeLast() } else if !paragraph.isEmpty { paragraph += " " }
      paragraph += line
    }
    document.addParagraph(paragraph)
  }

  /// The words of a `GError`: two integers of 32 bits, and a pointer behind them.
  private static func reason(_ failure: UnsafeMutableRawPointer?) -> String {
    let message = failure?.load(fromByteOffset: 8, as: UnsafePointer<CChar>?.self)
    return message.map { String(cString: $0) } ?? "it cannot be opened"
  }

  private struct Functions: Sendable {
    typealias Pointer = UnsafeMutableRawPointer
    typealias Release = @convention(c) (Pointer) -> Void
    typealias Text = @convention(c) (Pointer) -> UnsafeMutablePointer<CChar>?
    typealias Count = @convention(c) (Pointer) -> Int32
    typealias New =
      @convention(c) (
        Pointer, UnsafePointer<CChar>?, UnsafeMutablePointer<Pointer?>
      ) -> Pointer?
    typealias Page = @convention(c) (Pointer, Int32) -> Pointer?
    typealias BytesNew = @convention(c) (UnsafeRawPointer?, UInt) -> Pointer
    typealias Free = @convention(c) (Pointer?) -> Void

    let bytesNew: BytesNew
    let documentNew: New
    let page: Page
    let pageCount: Count
    let title, pageText: Text
    let bytesUnref, objectUnref, errorFree: Release
    let free: Free

    init?() {
      guard
        let library = SharedLibrary([
          "libpoppler-glib.so.8", "libpoppler-glib.so", "libpoppler-glib.8.dylib",
          "libpoppler-glib.dylib",
        ]),
        let bytesNew = library.function("g_bytes_new", as: BytesNew.self),
        let documentNew = library.function("poppler_document_new_from_bytes", as: New.self),
        let page = library.function("poppler_document_get_page", as: Page.self),
        let pageCount = library.function("poppler_document_get_n_pages", as: Count.self),
        let title = library.function("poppler_document_get_title", as: Text.self),
        let pageText = library.function("poppler_page_get_text", as: Text.self),
        let bytesUnref = library.function("g_bytes_unref", as: Release.self),
        let objectUnref = library.function("g_object_unref", as: Release.self),
        let errorFree = library.function("g_error_free", as: Release.self),
        let free = library.function("g_free", as: Free.self)
      else { return nil }
      (self.bytesNew, self.documentNew, self.page) = (bytesNew, documentNew, page)
      (self.pageCount, self.title, self.pageText) = (pageCount, title, pageText)
      (self.bytesUnref, self.objectUnref, self.errorFree) = (bytesUnref, objectUnref, errorFree)
      self.free = free
    }

    /// A text of the library's, which is released.
    func text(_ bytes: UnsafeMutablePointer<CChar>?) -> String? {
      defer { free(bytes) }
      return bytes.map { String(cString: $0) }
    }
  }

  private static let functions = Functions()
}
