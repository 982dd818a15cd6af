/// Markdown (CommonMark 0.31) as far as headings and paragraphs go: marks within lines stay as they are.
enum MarkdownReader {
  static func read(_ input: DocumentKind.Input) throws(LibraryError) -> DocumentText {
    var reader = Reader()
    var lines = try PlainTextReader.text(of: input).split(
      omittingEmptySubsequences: false, whereSeparator: \.isNewline)[...]
    if lines.first == "---", let end = lines.dropFirst().firstIndex(of: "---") {
      reader.takeFrontMatter(lines[1..<end])
      lines = lines[(end + 1)...]
    }
    for line in lines { reader.take(line) }
    reader.endParagraph()
    return reader.document
  }

  private struct Reader {
    var document = DocumentText()
    private var paragraph: [Substring] = []
    /// What ends the code block that the reader is in; nil outside of one.
    private var fence: Substring?

    /// Title and language of a block of YAML before the text.
    mutating func takeFrontMatter(_ lines: ArraySlice<Substring>) {
      for line in lines {
        let parts = line.split(separator: ":", maxSplits: 1)
        guard parts.count == 2 else { continue }
        let value = parts[1].split(separator: " ").joined(separator: " ")
          .filter { $0 != "\"" && $0 != "'" }
        if parts[0] == "title" { document.title = value }
        if parts[0] == "lang" || parts[0] == "language" { document.language = value }
      }
    }

    mutating func take(_ line: Substring) {
      let text = line.drop { $0 == " " }
      if let fence {
        guard text.hasPrefix(fence) else { return paragraph.append(line) }
        endParagraph()
        self.fence = nil
        return
      }
      if text.isEmpty { return endParagraph() }
      if text.hasPrefix("```") || text.hasPrefix("~~~") {
        endParagraph()
        fence = text.prefix(3)
        return
      }
      let marks = text.prefix { $0 == "#" }.count
      if (1...6).contains(marks), text.dropFirst(marks).first.map({ $0 == " " }) ?? true {
        endParagraph()
        let words = text.dropFirst(marks).drop { $0 == " " }
        // Marks may close a heading too.
        let last = words.lastIndex { $0 != "#" && $0 != " " }
        return document.addHeading(level: marks, last.map { words[...$0] } ?? "")
      }
      // A line below that underlines a line makes it a heading.
      if paragraph.count == 1, let first = text.first, first == "=" || first == "-",
        text.allSatisfy({ $0 == first || $0 == " " })
      {
        document.addHeading(level: first == "=" ? 1 : 2, paragraph[0])
        paragraph = []
        return
      }
      if isListItem(text) { endParagraph() }
      paragraph.append(line)
    }

    private func isListItem(_ text: Substring) -> Bool {
      ["- ", "* ", "+ "].contains { text.hasPrefix($0) }
    }

    mutating func endParagraph() {
      document.addParagraph(paragraph.joined(separator: " "))
      paragraph = []
    }
  }
}
