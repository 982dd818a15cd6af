package import LanternFormats

/// What a model said to a question.
enum EvaluationOutcome: Sendable, Equatable {
  case logLikelihoods([Double])
  case text(String)
}

/// A file with a line of JSON for what the run is and for each question that was answered, from which a run that was
/// broken off goes on.
package final class EvaluationLog {
  private struct Key: Hashable {
    let subject: String
    let index: Int
  }

  private let path: String
  private var file: AppendedFile
  private var entries: [Key: [String: JSONValue]] = [:]

  private static let sizeLimit = 1 << 31
  private static let format = "lantern_eval"

  /// Opens a log, or begins one.
  ///
  /// - Parameters:
  ///   - path: of the file.
  ///   - run: what a run's answers depend on.
  /// - Throws: ``EvaluationError/log(path:reason:)`` for a file that is no log, or another run's; `FormatError` for one
  ///   that cannot be read or written.
  package init(_ path: String, run: [String: JSONValue]) throws {
    self.path = path
    file = try AppendedFile(path)
    let run = run.merging([Self.format: 1]) { $1 }
    var lines = try file.lines(limit: Self.sizeLimit)[...]
    guard let first = lines.popFirst() else {
      try file.append(JSON.write(.object(run)))
      return
    }
    let found = try object(first, 1)
    guard found[Self.format] == 1 else {
      throw EvaluationError.log(path: path, reason: "is no log of an evaluation")
    }
    if let key = run.keys.sorted().first(where: { run[$0] != found[$0] }) {
      let (old, new) = (found[key] ?? .null, run[key] ?? .null)
      throw EvaluationError.log(
        path: path,
        reason: "is of another run: its \(key) is \(JSON.write(old)), and here \(JSON.write(new))")
    }
    for (number, line) in lines.enumerated() {
      let entry = try object(line, number + 2)
      guard let subject = entry["subject"]?.string, let index = entry["index"]?.integer else {
        throw EvaluationError.log(path: path, reason: "line \(number + 2) is no entry")
      }
      entries[Key(subject: subject, index: index)] = entry
    }
  }

  private func object(_ line: String, _ number: Int) throws -> [String: JSONValue] {
    guard let object = try? JSON.parse(text: line, file: path).object else {
      throw EvaluationError.log(path: path, reason: "line \(number) is no JSON")
    }
    return object
  }

  /// What is there of a question; nil where it is to be answered.
  ///
  /// - Throws: ``EvaluationError/log(path:reason:)`` where another question stood there.
  func outcome(_ subject: String, _ index: Int, hash: String) throws -> EvaluationOutcome? {
    guard let entry = entries[Key(subject: subject, index: index)] else { return nil }
    guard entry["hash"]?.string == hash else {
      throw EvaluationError.log(
        path: path, reason: "has another question \(index) of \(subject): the data were changed")
    }
    if let text = entry["text"]?.string { return .text(text) }
    return entry["log_likelihoods"]?.array.map { .logLikelihoods($0.compactMap(\.double)) }
  }

  /// Appends what was said to a question.
  ///
  /// - Throws: `FormatError/cannotWrite(path:code:)`.
  func add(_ entry: [String: JSONValue]) throws {
    try file.append(JSON.write(.object(entry)))
  }
}
