import Foundation
import Lantern
@testable import LanternEvaluation
import LanternFormats
import TestSupport
import Testing

/// Public benchmarks, as lm-evaluation-harness scores them.
@Suite struct LanguageEvaluationTests {
  private func settings(_ run: EvaluationFixture.Run) -> LanguageEvaluation.Settings {
    var settings = LanguageEvaluation.Settings()
    (settings.shots, settings.form) = (run.shots, run.form)
    return settings
  }

  /// The entries of a log for one subject, in the order of its questions.
  private func entries(_ path: String, _ subject: String) throws -> [[String: JSONValue]] {
    try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").dropFirst()
      .compactMap { try JSON.parse(text: String($0), file: path).object }
      .filter { $0["subject"]?.string == subject }
      .sorted { ($0["index"]?.integer ?? 0) < ($1["index"]?.integer ?? 0) }
  }

  /// A text without a character of which the limit of tokens left a part, which the reference has as U+FFFD.
  private func whole(_ text: String) -> String {
    String(text.reversed().drop { $0 == "\u{FFFD}" }.reversed())
  }

  @Test("log-likelihoods, written answers, scores and their errors are lm-evaluation-harness's")
  func parity() throws {
    let generator = try EvaluationFixture.generator()
    let runs = try EvaluationFixture().runs()
    #expect(runs.count == 18)
    for run in runs {
      let name = "\(run.task.name) \(run.subject) \(run.shots) \(run.form)"
      try withTemporaryFolder { folder in
        let path = "\(folder)/log.jsonl"
        let evaluation = try LanguageEvaluation(run.task, data: run.data, settings(run))
        let log = try EvaluationLog(path, run: evaluation.run(of: generator))
        let scores = try evaluation.scores(of: generator, log: log) { _ in }
        let found = try entries(path, run.subject)
        let values = found.map { ($0["log_likelihoods"]?.array ?? []).compactMap(\.double) }
        if run.texts.isEmpty {
          #expect(values.map(\.count) == run.logLikelihoods.map(\.count), "\(name)")
          for (value, reference) in zip(values.joined(), run.logLikelihoods.joined()) {
            #expect(abs(value - reference) < 1e-4 * max(1, abs(reference)), "\(name)")
          }
        } else {
          let texts = found.map { $0["text"]?.string ?? "" }
          #expect(texts.map(whole) == run.texts.map(whole), "\(name)")
        }
        #expect(!run.scores.isEmpty)
        for (metric, value) in run.scores {
          let score = try #require(
            scores.first { $0.subject == run.subject && $0.metric == metric }, "\(name) \(metric)")
          #expect(abs(score.value - value) < 1e-9, "\(name) \(metric)")
          let error = try #require(run.errors[metric])
          #expect(abs((score.standardError ?? -1) - error) < 1e-9, "\(name) \(metric)")
        }
      }
    }
  }

  @Test("the last question's prompt is lm-evaluation-harness's, letter by letter")
  func prompts() throws {
    for run in try EvaluationFixture().runs() where run.form == .text {
      for file in try DataFile.files(at: run.data, of: run.task) {
        let subject = try run.task.read(file, run.shots > 0)
        guard subject.name == run.subject else { continue }
        let prompts = try LanguageEvaluation.prompts(subject, run.task, run.shots, settings(run))
        #expect(prompts.last?.input(.text) == .text(run.input), "\(run.task.name) \(run.subject)")
      }
    }
  }

  @Test("scores of all subjects together have lm-evaluation-harness's pooled error")
  func pooled() throws {
    let scores = try LanguageEvaluation(task("mmlu"), data: "\(EvaluationFixture.folder)/mmlu")
      .scores(of: EvaluationFixture.generator(), log: nil) { _ in }
    #expect(scores.map(\.subject) == ["anatomy", "high_school_physics", ""])
    let whole = try #require(scores.last)
    #expect(whole.count == 10 && whole.right == scores[0].right + scores[1].right)
    let reference = try EvaluationFixture().results["pooled"]?.double
    #expect(abs((whole.standardError ?? -1) - (reference ?? 0)) < 1e-9)
    #expect(whole.interval?.contains(whole.value) == true)
  }

  @Test(
    "a log-likelihood is the same to the bit whatever was scored before, and beside which others")
  func sharing() throws {
    let generator = try EvaluationFixture.generator()
    let run = try #require(try EvaluationFixture().runs().first { $0.task.name == "hellaswag" })
    let file = try DataFile.files(at: run.data, of: run.task)[0]
    let subject = try run.task.read(file, true)
    let prompts = try LanguageEvaluation.prompts(subject, run.task, 2, settings(run))
    var together = try LanguageScorer(generator, usesTemplate: false)
    for prompt in prompts + prompts.reversed() {
      let choices = prompt.choices(.text)
      let all = try together.logLikelihoods(
        of: choices, behind: prompt.input(.text), sharing: prompt.beginning(.text))
      for (choice, value) in zip(choices, all) {
        var alone = try LanguageScorer(generator, usesTemplate: false)
        let single = try alone.logLikelihoods(
          of: [choice], behind: prompt.input(.text), sharing: prompt.beginning(.text))
        #expect(single == [value])
      }
    }
  }

  @Test("a run that was broken off goes on from its log, and ends with the same scores")
  func resuming() throws {
    struct Stopped: Error {}
    let generator = try EvaluationFixture.generator()
    for name in ["mmlu", "gsm8k"] {
      try withTemporaryFolder { folder in
        let path = "\(folder)/log.jsonl"
        let data = "\(EvaluationFixture.folder)/\(name)"
        let evaluation = try LanguageEvaluation(task(name), data: data)
        let whole = try evaluation.scores(of: generator, log: nil) { _ in }
        do {
          let log = try EvaluationLog(path, run: evaluation.run(of: generator))
          #expect(throws: Stopped.self) {
            try evaluation.scores(of: generator, log: log) { if $0 == 3 { throw Stopped() } }
          }
        }
        // As if the process had been killed while it wrote a line.
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Data("{\"subject\":\"ana".utf8))
        try file.close()
        let log = try EvaluationLog(path, run: evaluation.run(of: generator))
        let before = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").count
        #expect(before == 4)
        #expect(try evaluation.scores(of: generator, log: log) { _ in } == whole)
        let after = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").count
        #expect(after == evaluation.count + 1)
      }
    }
  }

  @Test("another run's log, another question and a file that is no log are refused")
  func logs() throws {
    let generator = try EvaluationFixture.generator()
    let data = "\(EvaluationFixture.folder)/mmlu"
    try withTemporaryFolder { folder in
      let path = "\(folder)/log.jsonl"
      let evaluation = try LanguageEvaluation(task("mmlu"), data: data)
      do {
        let log = try EvaluationLog(path, run: evaluation.run(of: generator))
        _ = try evaluation.scores(of: generator, log: log) { _ in }
        #expect(throws: FormatError.inUse(path: path)) {
          try EvaluationLog(path, run: evaluation.run(of: generator))
        }
      }
      var settings = LanguageEvaluation.Settings()
      settings.shots = 2
      let other = try LanguageEvaluation(task("mmlu"), data: data, settings)
      #expect(
        throws: EvaluationError.log(
          path: path, reason: "is of another run: its shots is 0, and here 2")
      ) { try EvaluationLog(path, run: other.run(of: generator)) }
      let text = try String(contentsOfFile: path, encoding: .utf8)
      let changed = text.replacingOccurrences(of: "\"hash\":\"", with: "\"hash\":\"0")
      try Data(changed.utf8).write(to: URL(fileURLWithPath: path))
      let log = try EvaluationLog(path, run: evaluation.run(of: generator))
      #expect(throws: EvaluationError.self) {
        try evaluation.scores(of: generator, log: log) { _ in }
      }
      for (name, bytes) in [("a", "{}\n"), ("b", "no\n"), ("c", text + "{}\n")] {
        try Data(bytes.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        #expect(throws: EvaluationError.self, "\(name)") {
          try EvaluationLog("\(folder)/\(name)", run: evaluation.run(of: generator))
        }
      }
    }
  }

  @Test("a limit is of each subject, and examples that are not there are told")
  func settings() throws {
    var settings = LanguageEvaluation.Settings()
    settings.limit = 2
    let mmlu = "\(EvaluationFixture.folder)/mmlu"
    #expect(try LanguageEvaluation(task("mmlu"), data: mmlu, settings).count == 4)
    settings.shots = 4
    #expect {
      try LanguageEvaluation(task("mmlu"), data: mmlu, settings)
    } throws: { error in
      guard case EvaluationError.fewExamples(let file, 3, 4) = error else { return false }
      return file.hasSuffix("dev/anatomy_dev.csv")
    }
  }

  @Test("a model whose context has no room for an answer is refused, and an encoder–decoder")
  func refusals() throws {
    let small = try LanguageGenerator(path: fixture("language_folders/llama"), precision: .exact)
    let gsm8k = try LanguageEvaluation(task("gsm8k"), data: "\(EvaluationFixture.folder)/gsm8k")
    #expect(throws: RequestError.self) { try gsm8k.scores(of: small, log: nil) { _ in } }
    let t5 = try LanguageGenerator(path: fixture("t5_folder"), precision: .exact)
    #expect(throws: RequestError.self) { try gsm8k.scores(of: t5, log: nil) { _ in } }
  }
}
