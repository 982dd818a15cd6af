/// HTML: text between elements, without scripts and styles.
enum HTMLReader {
  static func read(_ input: DocumentKind.Input) throws(LibraryError) -> DocumentText {
    var builder = Builder()
    try Markup.read(input, as: .html) { event in builder.take(event) }
    builder.endBlock()
    return builder.document
  }

  /// Elements whose text is not shown.
  private static let hidden: Set<String> = [
    "script", "style", "noscript", "template", "iframe", "object", "svg", "math", "select",
    "button",
  ]
  /// Elements that stand in lines of text; all others begin a block and end one.
  private static let inline: Set<String> = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em",
    "font", "i", "img", "ins", "kbd", "label", "mark", "q", "rp", "rt", "ruby", "s", "samp",
    "small",
    "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
  ]

  private struct Builder {
    var document = DocumentText()
    private var text = ""
    /// The element whose text is not shown, and how many of its name are open.
    private var hiding: (name: String, depth: Int)?
    private var headingLevel: Int?
    private var isTitle = false

    mutating func take(_ event: Markup.Event) {
      switch event {
      case .start(let name, let attribute): begin(name, attribute)
      case .text(let piece): if hiding == nil { text += piece }
      case .end(let name): end(name)
      }
    }

    private mutating func begin(_ name: String, _ attribute: (String) -> String?) {
      if let hiding {
        if hiding.name == name { self.hiding?.depth += 1 }
        return
      }
      if HTMLReader.hidden.contains(name) {
        hiding = (name, 1)
        return
      }
      if name == "html" { document.language = attribute("lang") ?? attribute("xml:lang") }
      if HTMLReader.inline.contains(name) { return }
      // Cells of a row stay in its line.
      if name == "td" || name == "th" {
        text += " "
        return
      }
      endBlock()
      headingLevel = level(name)
      isTitle = name == "title"
    }

    private mutating func end(_ name: String) {
      if let hiding {
        guard hiding.name == name else { return }
        self.hiding = hiding.depth > 1 ? (name, hiding.depth - 1) : nil
        return
      }
      if HTMLReader.inline.contains(name) || name == "td" || name == "th" { return }
      endBlock()
    }

    private func level(_ name: String) -> Int? {
      guard name.first == "h", name.utf8.count == 2 else { return nil }
      return name.dropFirst().first?.wholeNumberValue.flatMap { (1...6).contains($0) ? $0 : nil }
    }

    mutating func endBlock() {
      if isTitle {
        let words = text.split(whereSeparator: \.isWhitespace)
        if !words.isEmpty { document.title = words.joined(separator: " ") }
      } else if let headingLevel {
        document.addHeading(level: headingLevel, text)
      } else {
        document.addParagraph(text)
      }
      (text, headingLevel, isTitle) = ("", nil, false)
    }
  }
}
