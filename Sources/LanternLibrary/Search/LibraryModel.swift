import Lantern
import LanternFormats
package import LanternTensor

/// The model of a library's vectors, as the library keeps it.
package struct LibraryModel: Sendable, Equatable {
  static let key = "model"

  /// Path of the model of passages.
  package let path: String
  /// Path of the model of questions, where that is another, as of DPR.
  package let queryPath: String?
  /// Numbers of a vector.
  package let features: Int
  /// The vector of a text that is always the same: another model under the same name has another.
  let probe: [Float]

  init(path: String, queryPath: String?, probe: [Float]) {
    (self.path, self.queryPath, self.probe) = (path, queryPath, probe)
    features = probe.count
  }

  /// Reads what ``text`` wrote; nil for anything else.
  init?(_ text: String) {
    let value = try? Array(text.utf8).withUnsafeBytes { try JSON.parse($0, file: "model") }
    guard let fields = value?.object, let path = fields["path"]?.string,
      let probe = fields["probe"]?.array?.compactMap(\.double), !probe.isEmpty
    else { return nil }
    self.init(path: path, queryPath: fields["query_path"]?.string, probe: probe.map(Float.init))
  }

  var text: String {
    JSON.write(
      .object([
        "path": .string(path), "query_path": queryPath.map(JSONValue.string) ?? .null,
        "probe": .array(probe.map { .number(Double($0)) }),
      ]))
  }
}

/// Makes vectors of passages and questions: one model with its prompts for each, or two, as DPR's.
package struct LibraryEncoder: Sendable {
  package let model: LibraryModel
  private let passages: TextEmbedder
  private let queries: TextEmbedder
  private let prompts: Prompts
  /// What was read otherwise than the files may lead to expect: a line each.
  package var notes: [String] { passages.notes + prompts.notes }

  /// Texts that the model was trained to read in front of questions and passages.
  private struct Prompts: Sendable {
    /// Names of prompts among the model's files; nil where these have none.
    var queryName: String?
    var passageName: String?
    /// Texts, where the files do not say, of a model that is known by its name.
    var query = ""
    var passage = ""
    var notes: [String] = []

    /// Models whose cards name prompts that their files do not have.
    private static let known: [(word: String, query: String, passage: String)] = [
      ("e5-", "query: ", "passage: "),
      ("bge-small-en", bge, ""), ("bge-base-en", bge, ""), ("bge-large-en", bge, ""),
      ("bge-small-zh", bgeChinese, ""), ("bge-base-zh", bgeChinese, ""),
      ("bge-large-zh", bgeChinese, ""),
    ]
    private static let bge = "Represent this sentence for searching relevant passages: "
    private static let bgeChinese = "为这个句子生成表示以用于检索相关文章："

    init(_ passages: TextEmbedder, _ queries: TextEmbedder, path: String) {
      queryName = ["query"].first { queries.prompts[$0] != nil }
      passageName = ["passage", "document", "corpus"].first { passages.prompts[$0] != nil }
      guard queryName == nil, passageName == nil, queries.defaultPrompt == nil else { return }
      let name = HubCache.name(of: path).lowercased()
      // An instruction's model has prompts of another form.
      guard let row = Self.known.first(where: { name.contains($0.word) }),
        !name.contains("instruct")
      else { return }
      (query, passage) = (row.query, row.passage)
      notes = [
        "\(HubCache.name(of: path)): questions are read behind \(JSON.quoted(query)), as it was trained"
      ]
    }
  }

  /// Loads the models.
  ///
  /// - Parameters:
  ///   - path: as of `TextEmbedder`.
  ///   - queryPath: of the model of questions; the same when nil.
  ///   - precision: how exactly it computes.
  /// - Throws: an error that names the file, what is wrong with it, and the remedy.
  package init(path: String, queryPath: String? = nil, precision: Precision = .default) throws {
    passages = try TextEmbedder(path: path, precision: precision)
    queries =
      try queryPath.map { try TextEmbedder(path: $0, precision: precision) } ?? passages
    prompts = Prompts(passages, queries, path: path)
    guard queries.features == passages.features else {
      throw LibraryError.otherModel(
        library: "of \(passages.features) numbers", model: path, found: queryPath ?? path)
    }
    let probe = try passages.vector(of: "a fox looks for a key")
    model = LibraryModel(path: path, queryPath: queryPath, probe: probe)
  }

  /// Loads the model of a library's vectors.
  ///
  /// - Throws: ``LibraryError/otherModel(library:model:found:)`` where another is there by now, and as above.
  package init(of library: Library, precision: Precision = .default) throws {
    guard let model = try library.model() else {
      throw LibraryError.noVectors(library: library.name)
    }
    try self.init(path: model.path, queryPath: model.queryPath, precision: precision)
    try check(library)
  }

  /// - Throws: ``LibraryError/otherModel(library:model:found:)`` where a library has vectors of another model.
  package func check(_ library: Library) throws(LibraryError) {
    guard let kept = try library.model() else { return }
    // Precisions differ by less.
    guard kept.features == model.features,
      TextEmbedder.cosine(kept.probe, model.probe) > 0.99
    else {
      throw .otherModel(library: library.name, model: kept.path, found: model.path)
    }
  }

  /// The vector of a question.
  package func vector(ofQuery text: String) throws -> [Float] {
    try queries.vector(of: prompts.query + text, prompt: prompts.queryName)
  }

  /// The vectors of passages.
  ///
  /// - Parameter all: each with the title of its document.
  /// - Returns: a vector for each.
  /// - Throws: as `TextEmbedder.vectors(of:prompt:isNormalized:)`.
  package func vectors(of all: [(title: String?, passage: Passage)]) throws -> [[Float]] {
    guard passages.readsTitles else {
      let texts = all.map { _, passage in
        prompts.passage + (passage.heading.isEmpty ? "" : passage.heading + "\n") + passage.text
      }
      return try passages.vectors(of: texts, prompt: prompts.passageName).map(\.values)
    }
    let pairs = all.map { title, passage in
      (passage.heading.isEmpty ? title ?? "" : passage.heading, passage.text)
    }
    return try passages.vectors(ofPairs: pairs).map(\.values)
  }
}
