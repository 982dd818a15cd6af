package import Lantern
package import LanternFormats

/// An evaluation of a language model by a public benchmark.
package struct LanguageEvaluation: Sendable {
  package struct Settings: Sendable {
    /// Examples before each question; as the task has it when nil.
    package var shots: Int?
    /// Seed of examples that are drawn by chance.
    package var seed: UInt64 = 1234
    /// How many of each subject's questions are answered; all when nil.
    package var limit: Int?
    package var form = EvaluationForm.text
    /// Written answers that are written at once.
    package var parallel = LanguageGenerator.standardParallel

    package init() {}
  }

  private struct Subject: Sendable {
    let name: String
    let prompts: [EvaluationPrompt]
  }

  package let task: LanguageTask
  private let settings: Settings
  /// Examples before each question.
  package let shots: Int
  private let subjects: [Subject]

  /// Reads a task's files.
  ///
  /// - Parameters:
  ///   - task: the benchmark.
  ///   - path: its file, or a folder with its files.
  ///   - settings: how it is run.
  /// - Throws: ``EvaluationError``, `FormatError`.
  package init(_ task: LanguageTask, data path: String, _ settings: Settings = Settings()) throws {
    (self.task, self.settings) = (task, settings)
    let shots = settings.shots ?? task.shots
    self.shots = shots
    subjects = try DataFile.files(at: path, of: task).map { file in
      let subject = try task.read(file, shots > 0)
      return Subject(
        name: subject.name, prompts: try Self.prompts(subject, task, shots, settings))
    }
  }

  /// Questions behind their examples.
  static func prompts(
    _ subject: EvaluationSubject, _ task: LanguageTask, _ shots: Int, _ settings: Settings
  ) throws -> [EvaluationPrompt] {
    let (file, examples) = subject.examples
    let taken = shots + (task.drawsOneMore ? 1 : 0)
    guard taken <= examples.count || shots == 0 else {
      throw EvaluationError.fewExamples(file: file, found: examples.count, wanted: taken)
    }
    var random = PythonRandom(seed: settings.seed)
    return subject.items.prefix(settings.limit ?? subject.items.count).map { item in
      let drawn =
        task.drawsExamples && shots > 0
        ? Array(random.sample(taken, of: examples.count).prefix(shots)) : Array(0..<shots)
      return EvaluationPrompt(
        description: subject.description, examples: drawn.map { examples[$0] }, item: item,
        delimiter: task.delimiter)
    }
  }

  /// Questions of all subjects.
  package var count: Int { subjects.reduce(0) { $0 + $1.prompts.count } }

  /// Whether answers are written, several at once; otherwise choices are scored.
  package var writesAnswers: Bool { if case .text = task.answering { true } else { false } }

  /// Whether examples are drawn by chance.
  package var drawsExamples: Bool { task.drawsExamples && shots > 0 }

  /// What answers depend on, for a log; the number of questions is none of it.
  package func run(of generator: LanguageGenerator) throws -> [String: JSONValue] {
    [
      "task": .string(task.name), "model": .string(try generator.identity()),
      "shots": .integer(shots), "form": .string(settings.form.rawValue),
      "seed": drawsExamples ? JSONValue(settings.seed) : .null,
    ]
  }

  /// Puts the questions to a model.
  ///
  /// - Parameters:
  ///   - generator: the model.
  ///   - log: what was answered before, and where answers go.
  ///   - onProgress: called as work goes on, with the number of questions that are answered; throw to stop.
  /// - Returns: scores of each subject, and of the whole where there are several.
  /// - Throws: what reading the model and writing the log throws, and what the closure throws.
  package func scores(
    of generator: LanguageGenerator, log: EvaluationLog?,
    onProgress: (_ done: Int) throws -> Void
  ) throws -> [EvaluationScore] {
    var scorer = try LanguageScorer(generator, usesTemplate: settings.form != .text)
    var (done, marks): (Int, [[[Bool]]]) = (0, [])
    for subject in subjects {
      let outcomes = try outcomes(of: subject, by: &scorer, log) { isAnswer in
        done += isAnswer ? 1 : 0
        try onProgress(done)
      }
      marks.append(
        zip(subject.prompts, outcomes).map { task.answering.marks($0.item, $1) })
    }
    return task.answering.metrics.enumerated().flatMap { number, metric in
      let all = marks.map { subject in subject.map { $0[number] } }
      let single = zip(subjects, all).map { EvaluationScore($0.name, metric, [$1]) }
      return (single + (subjects.count > 1 ? [EvaluationScore("", metric, all)] : []))
        .compactMap(\.self)
    }
  }

  /// What a model says to a subject's questions; what the log has is taken from there.
  private func outcomes(
    of subject: Subject, by scorer: inout LanguageScorer, _ log: EvaluationLog?,
    onProgress: (_ isAnswer: Bool) throws -> Void
  ) throws -> [EvaluationOutcome] {
    let (form, prompts) = (settings.form, subject.prompts)
    let hashes = prompts.map { hash(of: $0) }
    var found = try prompts.indices.map { try log?.outcome(subject.name, $0, hash: hashes[$0]) }
    for outcome in found where outcome != nil { try onProgress(true) }
    func take(_ outcome: EvaluationOutcome, _ index: Int) throws {
      found[index] = outcome
      var entry = task.answering.entry(prompts[index].item, outcome)
      entry["subject"] = .string(subject.name)
      entry["index"] = .integer(index)
      entry["hash"] = .string(hashes[index])
      try log?.add(entry)
      try onProgress(true)
    }
    let open = prompts.indices.filter { found[$0] == nil }
    switch task.answering {
    case .choices:
      for index in open {
        let prompt = prompts[index]
        try onProgress(false)
        try take(
          .logLikelihoods(
            scorer.logLikelihoods(
              of: prompt.choices(form), behind: prompt.input(form),
              sharing: prompt.beginning(form))), index)
      }
    case .text(let written):
      try scorer.answers(
        to: open.map { prompts[$0].input(form) }, maximumTokens: written.maximumTokens,
        stop: written.stop, parallel: settings.parallel
      ) { answer in
        guard let answer else { return try onProgress(false) }
        try take(.text(answer.text), open[answer.number])
      }
    }
    return found.compactMap(\.self)
  }

  /// A hash of what a model is given and of what is right.
  private func hash(of prompt: EvaluationPrompt) -> String {
    var hash = FNV1a()
    hash.update("\(prompt.input(settings.form)) \(prompt.item.choices) \(prompt.item.target)")
    return hash.hex
  }
}

extension LanguageTask.Answering {
  /// The names of scores.
  var metrics: [String] {
    switch self {
    case .choices(let isNormalized): ["acc"] + (isNormalized ? ["acc_norm"] : [])
    case .text(let written): written.filters.map(\.name)
    }
  }

  /// Of each score whether a question was answered rightly.
  func marks(_ item: EvaluationItem, _ outcome: EvaluationOutcome) -> [Bool] {
    switch (self, outcome) {
    case (.choices(let isNormalized), .logLikelihoods(let values)):
      picks(item, values, isNormalized).map { item.answer == .choice($0) }
    case (.text(let written), .text(let text)):
      written.filters.map { filter in
        // By bytes: equal letters of several scalars are others to Python.
        written.normalized(filter.answer(text)).utf8
          .elementsEqual(written.normalized(item.target).utf8)
      }
    default: metrics.map { _ in false }
    }
  }

  /// The choices of the largest log-likelihood, and of the largest for each character of the choice: the first of several.
  private func picks(_ item: EvaluationItem, _ values: [Double], _ isNormalized: Bool) -> [Int] {
    func largest(_ values: [Double]) -> Int {
      values.indices.reduce(0) { values[$1] > values[$0] ? $1 : $0 }
    }
    let shares = zip(values, item.choices).map { $0 / Double($1.unicodeScalars.count) }
    return [largest(values)] + (isNormalized ? [largest(shares)] : [])
  }

  /// What a log says of a question.
  func entry(_ item: EvaluationItem, _ outcome: EvaluationOutcome) -> [String: JSONValue] {
    let right = zip(metrics, marks(item, outcome)).map { ($0, JSONValue.bool($1)) }
    var entry: [String: JSONValue] = [
      "right": .object(Dictionary(right) { $1 }), "target": .string(item.target),
    ]
    switch (self, outcome) {
    case (.choices(let isNormalized), .logLikelihoods(let values)):
      entry["log_likelihoods"] = .array(values.map(JSONValue.number))
      entry["picks"] = .array(picks(item, values, isNormalized).map(JSONValue.integer))
    case (.text(let written), .text(let text)):
      entry["text"] = .string(text)
      let answers = written.filters.map { ($0.name, JSONValue.string($0.answer(text))) }
      entry["answers"] = .object(Dictionary(answers) { $1 })
    default: break
    }
    return entry
  }
}
