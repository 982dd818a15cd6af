import Lantern

/// How questions are put to a model.
package enum EvaluationForm: String, Sendable {
  /// As a text that the answer goes on from.
  case text
  /// In the model's chat template, each example as a question and an answer.
  case turns
  /// In the model's chat template, examples and question as one message.
  case oneTurn = "one turn"
}

/// A question behind its examples.
struct EvaluationPrompt: Sendable, Equatable {
  let description: String
  let examples: [EvaluationItem]
  let item: EvaluationItem
  /// Between a question and its answer.
  let delimiter: String

  /// As a model reads it.
  func input(_ form: EvaluationForm) -> LanguageInput { input(form, question: item.question) }

  /// The same without the question, which begins like those of other questions.
  func beginning(_ form: EvaluationForm) -> LanguageInput { input(form, question: "") }

  private func input(_ form: EvaluationForm, question: String) -> LanguageInput {
    let shown = examples.map { "\($0.question)\(delimiter)\($0.target)\n\n" }.joined()
    let system = description.isEmpty ? [] : [LanguageInput.Turn(.system, description)]
    return switch form {
    case .text: .text(description + shown + question)
    case .oneTurn: .turns(system + [.init(.user, shown + question)])
    case .turns:
      .turns(
        system
          + examples.flatMap { [.init(.user, $0.question), .init(.assistant, $0.target)] }
          + [.init(.user, question)])
    }
  }

  /// The choices as they stand behind it.
  func choices(_ form: EvaluationForm) -> [String] {
    item.choices.map { form == .text ? delimiter + $0 : $0 }
  }
}
