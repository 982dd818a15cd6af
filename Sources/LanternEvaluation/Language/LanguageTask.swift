/// A question with its answer.
struct EvaluationItem: Sendable, Equatable {
  enum Answer: Sendable, Equatable {
    /// The number of the right choice.
    case choice(Int)
    case text(String)
  }

  /// As a model reads it.
  let question: String
  /// Texts of which one is right; none where the model writes its answer.
  var choices: [String] = []
  let answer: Answer

  /// What stands behind it in an example.
  var target: String {
    switch answer {
    case .choice(let index): choices[index]
    case .text(let text): text
    }
  }
}

/// Questions of one subject.
struct EvaluationSubject: Sendable {
  /// Empty for the one subject of a task without several.
  var name = ""
  /// What stands before everything.
  var description = ""
  let items: [EvaluationItem]
  /// Examples that questions may stand behind, and the file that they are from.
  var examples: (file: String, items: [EvaluationItem]) = ("", [])
}

/// A public benchmark of language models, as lm-evaluation-harness (0.4.13) has it under the same name.
package struct LanguageTask: Sendable {
  /// How a model answers.
  enum Answering: Sendable {
    /// The choice of the largest log-likelihood; where normalized also that of the largest for each character.
    case choices(isNormalized: Bool)
    case text(WrittenAnswer)
  }

  package let name: String
  /// Its files, in words.
  let files: String
  /// Examples before each question where nothing is said.
  package let shots: Int
  let answering: Answering
  /// Whether examples are drawn by chance, others for each question; otherwise they are the first.
  var drawsExamples = false
  /// Whether one more is drawn and left out, as lm-evaluation-harness does where it takes examples to be of the same set
  /// as questions.
  var drawsOneMore = false
  /// What stands between a question and its answer.
  var delimiter = " "
  /// Whether a file of a folder has questions that are to be answered.
  let isEvaluated: @Sendable (DataFile) -> Bool
  /// Reads the questions of a file, and its examples where some are wanted.
  let read: @Sendable (_ file: DataFile, _ wantsExamples: Bool) throws -> EvaluationSubject

  /// All of them, sorted by name.
  package static let all = [
    arcChallenge, arcEasy, bbh, bbhDirect, ceval, gsm8k, hellaswag, mmlu,
  ]
}

/// How an answer that a model writes is read.
struct WrittenAnswer: Sendable {
  /// Tokens at most.
  var maximumTokens = 256
  /// Strings before which it ends.
  let stop: [String]
  /// Ways to find the answer in what was written, each by the name of its score.
  let filters: [AnswerFilter]
  /// What is left of an answer, and of the right one, before they are compared.
  var normalized: @Sendable (String) -> String = { $0 }
}

/// Finds an answer in what a model wrote.
struct AnswerFilter: Sendable {
  let name: String
  let answer: @Sendable (String) -> String

  /// What stands for an answer that is not there.
  static let invalid = "[invalid]"
}
