package import LanternFormats

/// What can be wrong with the data and the log of an evaluation. Cases carry facts; ``description`` puts them in a line.
package enum EvaluationError: Error, Sendable, Equatable {
  /// A file of questions that is not as its task has them, from this line on; a line of 0 is the file as a whole.
  case malformed(file: String, line: Int, reason: String)
  /// No file of a task's where its files are to be.
  case noFiles(path: String, task: String, form: String)
  /// A file of columns, which is not read.
  case parquet(path: String)
  /// Fewer examples than are to stand before a question.
  case fewExamples(file: String, found: Int, wanted: Int)
  /// A log that is no log of this evaluation.
  case log(path: String, reason: String)
}

extension EvaluationError: LanternError {
  package var kind: ErrorKind {
    switch self {
    case .malformed, .parquet, .log: .data
    case .noFiles: .missing
    case .fewExamples: .usage
    }
  }

  /// One line: what, where, and what to do.
  package var description: String {
    switch self {
    case .malformed(let file, let line, let reason):
      "\(file)\(line > 0 ? ", line \(line)" : ""): \(reason); correct it, or fetch the file again"
    case .noFiles(let path, let task, let form):
      "\(path): no file of \(task): its files are \(form); name them, or their folder"
    case .parquet(let path):
      "\(path): a parquet file, which is not read; write it as lines of JSON: python -c \"import pandas; "
        + "pandas.read_parquet('x.parquet').to_json('x.jsonl', orient='records', lines=True)\""
    case .fewExamples(let file, let found, let wanted):
      "\(file): has \(found) examples, and \(wanted) should stand before each question; choose fewer shots"
    case .log(let path, let reason):
      "\(path): \(reason); name another file for the log, or remove this one"
    }
  }
}
