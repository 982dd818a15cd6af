import Testing

/// What the documentation catalogue says of the source.
@Suite struct DocumentationTests {
  private static let catalogue = "Sources/Lantern/Lantern.docc"

  /// The files and their lines that the tables of an article list, a table each.
  private func tables(_ article: String) -> [[(path: String, lines: Int)]] {
    let text = SourceTree.file("\(Self.catalogue)/\(article).md").text
    return text.split(separator: "\n\n").map { paragraph in
      paragraph.matches(of: /`(Sources\/[^`]+)` \| (\d+) \|/).compactMap { row in
        Int(row.output.2).map { (String(row.output.1), $0) }
      }
    }.filter { !$0.isEmpty }
  }

  private func lines(_ path: String) -> Int {
    SourceTree.file(path).text.count { $0.isNewline }
  }

  private func isNear(_ said: Int, _ real: Int) -> Bool { abs(said - real) <= max(5, real / 10) }

  @Test(
    "the paths from a prompt are as short as is said, and every file has about the lines that are said",
    arguments: [
      ("FromAPromptToAPicture", 30, 2_000), ("FromAPromptToAStory", 30, 1_200),
    ])
  func paths(article: String, mostFiles: Int, mostLines: Int) throws {
    let tables = tables(article)
    try #require(tables.count == 2)
    for (path, said) in tables.joined() {
      let real = lines(path)
      #expect(real > 0, "\(article): \(path) is not there")
      #expect(isNear(said, real), "\(path) has \(real) lines: run tools/docs/lines")
    }
    #expect(tables[0].count <= mostFiles)
    #expect(tables[0].reduce(0) { $0 + lines($1.path) } <= mostLines)

    let text = SourceTree.file("\(Self.catalogue)/\(article).md").text
    let totals = text.matches(of: /(?:These|They) are (\d+) files, ([\d,]+) lines/)
    try #require(totals.count == tables.count)
    for (total, table) in zip(totals, tables) {
      #expect(Int(total.output.1) == table.count)
      let said = Int(String(total.output.2.filter(\.isNumber))) ?? 0
      #expect(isNear(said, table.reduce(0) { $0 + lines($1.path) }), "\(article): \(said) lines")
    }
  }

  @Test("every path that an article names is there")
  func names() {
    let articles = SourceTree.files(in: Self.catalogue, ["md"])
    #expect(articles.count > 5)
    for article in articles {
      let paths = article.text.matches(
        of: /`((?:Sources|Tests|docs|findings|tools|training)\/[^`\s]*\.\w+)`/)
      for path in paths.map({ String($0.output.1) }) {
        #expect(!SourceTree.file(path).text.isEmpty, "\(article) names \(path)")
      }
    }
  }

  @Test("the architecture's table and picture show the rooms that Package.swift grants")
  func rooms() {
    let names = Set(RoomTests.rooms.map(\.key)).union(["CPNG", "CJPEG"])
    let article = SourceTree.file("\(Self.catalogue)/Architecture.md").text
    let picture = SourceTree.file("\(Self.catalogue)/rooms.svg").text
    let rows = article.matches(of: /\n\| `(\w+)` \| [^|]+ \| ?([^|]*)\|/)
    var shown: [String: Set<String>] = [:]
    for row in rows {
      let imports = row.output.2.matches(of: /`(\w+)`/).map { String($0.output.1) }
      shown[String(row.output.1)] = shown[String(row.output.1)] ?? Set(imports)
    }
    for (room, allowed) in RoomTests.rooms {
      #expect(shown[room] == allowed.intersection(names), "\(room)")
      #expect(picture.contains(">\(room)</text>"), "\(room) is not in the picture")
    }
  }

  @Test("the newest version of CHANGELOG, with its date, is the program's")
  func version() throws {
    let source = SourceTree.file("Sources/Lantern/LanternVersion.swift").text
    let number = try #require(source.firstMatch(of: /number = "([\d.]+)"/)).output.1
    let headings = SourceTree.file("CHANGELOG.md").text
      .matches(of: /\n## (\d+\.\d+\.\d+), \d{4}-\d\d-\d\d\n/).map(\.output.1)
    #expect(headings.first == number)
  }
}
