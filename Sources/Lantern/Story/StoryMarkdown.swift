import LanternFormats
import LanternPlatform

/// A story as Markdown, read back: the form that ``StoryBook/markdown`` has, in which people edit.
struct StoryMarkdown {
  /// The story as `story.json` has it.
  let story: JSONValue

  /// Bytes of a file at most.
  private static let sizeLimit = 16 << 20

  /// Reads a file.
  ///
  /// - Throws: ``FormatError`` for a file that cannot be read, or that has no page.
  init(contentsOf path: String) throws(FormatError) {
    let bytes = try FileSystem.read(path, limit: Self.sizeLimit)
    let text = bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    self.init(text)
  }

  /// Reads a text: a title behind `# `, then for each page its picture, `![what it shows](01.png)`, and its words; at the
  /// end `## Sources` with a line for each, and the last line between asterisks.
  init(_ text: String) {
    var lines = PlainText.lines(text)
    while lines.last == "" { lines.removeLast() }
    if let last = lines.last, last.count > 1, last.hasPrefix("*"), last.hasSuffix("*") {
      lines.removeLast()
    }
    var (title, pages, sources): (String, [[String: JSONValue]], [JSONValue]) = ("", [], [])
    var (words, isOpen, isBehindPages): ([String], Bool, Bool) = ([], false, false)
    func finishPage() {
      let text = words.drop { $0.isEmpty }.reversed().drop { $0.isEmpty }.reversed()
      guard isOpen else { return }
      isOpen = false
      pages[pages.count - 1]["text"] = .string(text.joined(separator: "\n"))
      // Of a story whose pictures have no prompts the words stand there.
      if pages[pages.count - 1]["picture_prompt"]?.string
        == PlainText.line(text.joined(separator: "\n"))
      {
        pages[pages.count - 1]["picture_prompt"] = nil
      }
      words = []
    }
    for line in lines {
      if let picture = Self.picture(line) {
        finishPage()
        pages.append(["picture": .string(picture.name), "picture_prompt": .string(picture.alt)])
        (isOpen, isBehindPages) = (true, false)
      } else if line.hasPrefix("## ") {
        finishPage()
        isBehindPages = true
      } else if isBehindPages {
        if let source = Self.source(line) { sources.append(source) }
      } else if pages.isEmpty {
        if title.isEmpty, line.hasPrefix("# ") { title = Self.plain(line.dropFirst(2)) }
      } else {
        words.append(Self.plain(line[...]))
      }
    }
    finishPage()
    story = .object([
      "title": .string(title), "pages": .array(pages.map(JSONValue.object)),
      "sources": .array(sources),
    ])
  }

  /// A line that is a picture: what it shows, and its file's name.
  private static func picture(_ line: String) -> (alt: String, name: String)? {
    guard line.hasPrefix("!["), line.hasSuffix(")") else { return nil }
    var (alt, isEscaped) = ("", false)
    let rest = line.dropFirst(2)
    for index in rest.indices {
      let letter = rest[index]
      if !isEscaped, letter == "]" {
        let link = rest[rest.index(after: index)...]
        guard link.hasPrefix("("), !link.dropFirst().contains("(") else { return nil }
        return (plain(alt[...]), String(link.dropFirst().dropLast()))
      }
      alt.append(letter)
      isEscaped = letter == "\\" && !isEscaped
    }
    return nil
  }

  /// A line of the sources: `- \[1\] where it is from`.
  private static func source(_ line: String) -> JSONValue? {
    let text = plain(line.drop { $0 == "-" || $0 == " " })
    guard text.hasPrefix("["), let end = text.firstIndex(of: "]"),
      let number = Int(text[text.index(after: text.startIndex)..<end])
    else { return nil }
    let place = text[text.index(after: end)...].drop { $0 == " " }
    return .object(["number": .integer(number), "place": .string(String(place))])
  }

  /// Words without the backslashes that keep them words.
  private static func plain(_ text: Substring) -> String {
    var (plain, isEscaped) = ("", false)
    for letter in text {
      if letter == "\\", !isEscaped {
        isEscaped = true
        continue
      }
      if isEscaped, letter.isLetter || letter.isNumber { plain.append("\\") }
      plain.append(letter)
      isEscaped = false
    }
    return isEscaped ? plain + "\\" : plain
  }
}
