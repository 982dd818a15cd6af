/// DOCX (WordprocessingML, ECMA-376 part 1): paragraphs of the document's body, headings by their styles' names.
enum DOCXReader {
  static func read(_ input: DocumentKind.Input) throws(LibraryError) -> DocumentText {
    var archive = try ZipFile(input)
    var levels: [String: Int] = [:]
    if archive.contains("word/styles.xml") {
      levels = try headingLevels(archive.file("word/styles.xml"))
    }
    var builder = Builder(levels: levels)
    try Markup.read(archive.file("word/document.xml"), as: .xml) { event in builder.take(event) }
    if archive.contains("docProps/core.xml") {
      (builder.document.title, builder.document.language) = try facts(
        archive.file("docProps/core.xml"))
    }
    return builder.document
  }

  /// Styles that are headings, by their ids, which are other words in other languages.
  private static func headingLevels(_ input: DocumentKind.Input) throws(LibraryError) -> [String:
    Int]
  {
    var levels: [String: Int] = [:]
    var style: String?
    try Markup.read(input, as: .xml) { event in
      guard case .start(let name, let attribute) = event else { return }
      if name == "style" { style = attribute("w:styleId") }
      guard name == "name", let style, let value = attribute("w:val")?.lowercased() else { return }
      if value == "title" { levels[style] = 1 }
      if value.hasPrefix("heading "), let level = Int(value.dropFirst(8)) { levels[style] = level }
    }
    return levels
  }

  /// Title and language of the document's properties.
  private static func facts(_ input: DocumentKind.Input) throws(LibraryError) -> (
    title: String?, language: String?
  ) {
    var (found, text): ([String: String], String) = ([:], "")
    try Markup.read(input, as: .xml) { event in
      switch event {
      case .start: text = ""
      case .text(let piece): text += piece
      case .end(let name): if !text.isEmpty { found[name] = text }
      }
    }
    return (found["title"], found["language"])
  }

  private struct Builder {
    var document = DocumentText()
    let levels: [String: Int]
    private var text = ""
    private var level: Int?
    private var readsText = false
    private var page = 1

    init(levels: [String: Int]) { self.levels = levels }

    mutating func take(_ event: Markup.Event) {
      switch event {
      case .start(let name, let attribute): begin(name, attribute)
      case .text(let piece): if readsText { text += piece }
      case .end("t"): readsText = false
      case .end("p"):
        if let level {
          document.addHeading(level: level, text)
        } else {
          document.addParagraph(text)
        }
        (text, level) = ("", nil)
      case .end: break
      }
    }

    private mutating func begin(_ name: String, _ attribute: (String) -> String?) {
      switch name {
      case "pStyle": level = attribute("w:val").flatMap { levels[$0] }
      case "outlineLvl":
        if let number = attribute("w:val").flatMap({ Int($0) }), (0..<9).contains(number) {
          level = number + 1
        }
      case "t": readsText = true
      case "tab", "br", "cr": text += " "
      case "lastRenderedPageBreak":
        page += 1
        document.blocks.append(.page(page))
      default: break
      }
    }
  }
}
