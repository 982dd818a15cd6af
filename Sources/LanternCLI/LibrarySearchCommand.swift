import ArgumentParser
import LanternFormats
public import LanternLibrary

/// `lantern library search`: passages for a question.
struct LibrarySearchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search",
    abstract: "Finds passages of a library for a question.",
    discussion: """
      lantern library search animals "where do badgers sleep?" --library-folder FOLDER
      lantern library search animals "a den" --top 3 --method dense --json | FOLDER/x

      bm25 ranks passages by the words that they share with the question (Okapi BM25, as rank_bm25 computes it), dense \
      by the product of their vectors with the question's, fused by the ranks of both (reciprocal rank fusion, k 60). \
      Scores of two methods do not compare.
      """)

  @Argument(help: "The library's name.")
  var name: String

  @Argument(help: "The question, or words.")
  var query: String

  @Option(help: ArgumentHelp("How many passages at most.", valueName: "count"))
  var top = 5

  @Option(
    help: ArgumentHelp(
      "bm25, dense or fused. (default: fused where the library has vectors, or else bm25)",
      valueName: "name"))
  var method: SearchMethod?

  @OptionGroup var place: LibraryFolderOptions

  @Flag(help: "One JSON event a line on standard output.")
  var json = false

  mutating func validate() throws {
    try checkEncoding()
    if !(1...1000).contains(top) { throw ValidationError("top \(top): choose 1 to 1000") }
  }

  func run() throws {
    let console = Console(isJSON: json, isQuiet: json)
    Interruption.listen()
    try ErrorReport.reporting(to: console) {
      let library = try Library(name, in: place.folder)
      // Words alone need no model, which takes longer to load than to search.
      let isDense = try method != .bm25 && library.model() != nil
      let encoder = isDense ? try LibraryEncoder(of: library) : nil
      if method == .fused || method == .dense, encoder == nil {
        throw LibraryError.noVectors(library: name)
      }
      let found = try LibrarySearch(library, encoder: encoder)
        .search(query, top: top, method: method)
      if found.isEmpty { console.report("no passage has a word of it") }
      for (index, passage) in found.enumerated() { show(passage, index + 1, console) }
    }
  }

  private func show(_ passage: FoundPassage, _ rank: Int, _ console: Console) {
    console.event(
      ["event": .string("passage"), "text": .string(passage.text)]
        .merging(passage.fields(number: rank)) { first, _ in first })
    guard !json else { return }
    Console.print(
      (rank > 1 ? "\n" : "") + "\(rank). \(rounded(passage.score, 4))  \(passage.place)")
    Console.put(passage.text + "\n")
  }
}

extension SearchMethod: ExpressibleByArgument {}

extension FoundPassage {
  /// Which passage it is, for programs.
  func fields(number: Int) -> [String: JSONValue] {
    [
      "number": .integer(number), "score": .number(score), "source": .string(source),
      "title": title.map(JSONValue.string) ?? .null, "heading": .string(heading),
      "page": page.map(JSONValue.integer) ?? .null,
    ]
  }
}
