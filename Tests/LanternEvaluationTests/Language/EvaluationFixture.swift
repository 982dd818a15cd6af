import Lantern
@testable import LanternEvaluation
import LanternFormats
import TestSupport
import Testing

/// What lm-evaluation-harness made of the questions in `Fixtures/evaluation`.
struct EvaluationFixture {
  static let folder = fixture("evaluation")

  let results: [String: JSONValue]

  init() throws {
    results = try #require(JSON.read("\(Self.folder)/results.json").object)
  }

  struct Run {
    let task: LanguageTask
    let subject: String
    let shots: Int
    let form: EvaluationForm
    let scores: [String: Double]
    let errors: [String: Double]
    let logLikelihoods: [[Double]]
    let texts: [String]
    /// Of the last question.
    let input: String

    /// The folder of the task's files.
    var data: String {
      let name = ["bbh_cot_fewshot": "bbh", "bbh_fewshot": "bbh", "ceval-valid": "ceval"][task.name]
      return "\(EvaluationFixture.folder)/\(name ?? String(task.name.prefix { $0 != "_" }))"
    }
  }

  func runs() throws -> [Run] {
    try (results["runs"]?.array ?? []).map { value in
      let run = try #require(value.object)
      let name = try #require(run["task"]?.string)
      return Run(
        task: try task(name), subject: run["subject"]?.string ?? "",
        shots: run["shots"]?.integer ?? 0,
        form: try #require(EvaluationForm(rawValue: run["form"]?.string ?? "")),
        scores: (run["scores"]?.object ?? [:]).compactMapValues(\.double),
        errors: (run["errors"]?.object ?? [:]).compactMapValues(\.double),
        logLikelihoods: (run["log_likelihoods"]?.array ?? []).map {
          ($0.array ?? []).compactMap(\.double)
        }, texts: (run["texts"]?.array ?? []).compactMap(\.string),
        input: run["input"]?.string ?? "")
    }
  }

  static func generator() throws -> LanguageGenerator {
    try LanguageGenerator(path: "\(folder)/model", precision: .exact)
  }
}

func task(_ name: String) throws -> LanguageTask {
  try #require(LanguageTask.all.first { $0.name == name }, "\(name)")
}
