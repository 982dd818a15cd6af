import ArgumentParser
import Lantern
import LanternFormats
import LanternLibrary

/// Which library's passages stand in front of a question.
struct LibraryOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Use the best passages of this library of documents. (default: none)",
      valueName: "name"))
  var library: String?

  @Option(
    help: ArgumentHelp(
      "How many passages at most. (default: \(Self.standardCount))", valueName: "count"))
  var passages: Int?

  @OptionGroup var place: LibraryFolderOptions

  static let standardCount = 4

  mutating func validate() throws {
    guard library != nil else {
      if passages != nil { throw ValidationError("--passages goes with --library NAME: give both") }
      if place.libraryFolder != nil {
        throw ValidationError("--library-folder goes with --library NAME: give both")
      }
      return
    }
    if let passages, !(1...64).contains(passages) {
      throw ValidationError("passages \(passages): choose 1 to 64")
    }
  }

  /// The library, ready to be searched; nil where none is named.
  func reader(_ console: Console) throws -> LibraryReader? {
    guard let library else { return nil }
    let opened = try Library(library, in: place.folder)
    let encoder = try opened.model() == nil ? nil : LibraryEncoder(of: opened)
    encoder?.notes.forEach(console.note)
    return LibraryReader(
      search: try LibrarySearch(opened, encoder: encoder), count: passages ?? Self.standardCount,
      console: console)
  }
}

/// Finds passages for questions, and lists what answers cite.
struct LibraryReader {
  fileprivate let search: LibrarySearch
  fileprivate let count: Int
  fileprivate let console: Console

  /// What passages say of something that is to be drawn.
  ///
  /// - Parameter prompt: what is to be drawn.
  /// - Returns: texts, the best first.
  /// - Throws: an error of the library's or of its model's.
  func facts(of prompt: String) throws -> [String] {
    let found = try passages(for: prompt)
    report(found)
    return found.map { "\($0.heading) \($0.text)" }
  }

  /// Passages for a part of a story, told as they are found.
  ///
  /// - Parameter text: what it is about.
  /// - Returns: the passages, the best first.
  /// - Throws: an error of the library's or of its model's.
  func quoted(for text: String) throws -> [QuotedPassage] {
    let found = try passages(for: text)
    for passage in found { console.detail("passage: \(passage.place)") }
    return found.map(\.quoted)
  }

  /// The passages for a text; none for one without a word.
  private func passages(for text: String) throws -> [FoundPassage] {
    // Signs alone find nothing, and may be said nevertheless.
    do { return try search.search(text, top: count) } catch LibraryError.emptyQuery { return [] }
  }

  /// Tells which passages are given to a model.
  private func report(_ passages: [FoundPassage]) {
    if passages.isEmpty { console.note("no passage of the library has a word of it") }
    for (index, passage) in passages.enumerated() {
      console.detail("[\(index + 1)] \(passage.place)")
      console.event(
        ["event": .string("passage"), "text": .string(passage.text)]
          .merging(passage.fields(number: index + 1)) { first, _ in first })
    }
  }

  /// A question with its passages, as many as a language model has room for.
  ///
  /// - Parameters:
  ///   - text: the question.
  ///   - generator: the model.
  ///   - tokens: what an answer may take.
  /// - Returns: the question, alone where nothing fits it.
  /// - Throws: an error of the library's or of its model's.
  func grounded(_ text: String, for generator: LanguageGenerator, tokens: Int) throws
    -> GroundedQuestion
  {
    let all = try passages(for: text)
    var question = GroundedQuestion(text, passages: all)
    let room = generator.contextLength - min(tokens, generator.contextLength / 4)
    // The rule, and what a template writes around it, take their part.
    while !question.passages.isEmpty,
      generator.tokenCount(of: GroundedQuestion.rule + question.text) > room - 64
    {
      question = question.keeping(question.passages.count - 1)
    }
    if question.passages.count < all.count {
      console.note(
        "the model has room for \(question.passages.count) of \(all.count) passages: its context "
          + "is \(generator.contextLength) tokens")
    }
    if all.isEmpty || !question.passages.isEmpty { report(question.passages) }
    return question
  }

  /// Lists what an answer cites.
  ///
  /// - Returns: for programs.
  @discardableResult
  func list(citationsIn answer: String, of question: GroundedQuestion) -> JSONValue {
    let (known, unknown) = question.citations(in: answer)
    for number in known { console.report("[\(number)] \(question.passages[number - 1].place)") }
    if !unknown.isEmpty {
      let all = unknown.map { "[\($0)]" }.joined(separator: ", ")
      console.note("the answer cites \(all), which no passage is")
    } else if known.isEmpty, !question.passages.isEmpty {
      console.note("the answer cites no passage")
    }
    return .array(
      known.map { .object(question.passages[$0 - 1].fields(number: $0)) })
  }
}
