import LanternPlatform
import LanternFormats

extension LanguageTask {
  private static let bbhFiles = "bbh/TASK.json with cot-prompts/TASK.txt"

  /// BIG-Bench Hard (Suzgun et al. 2022, arXiv:2210.09261) with reasoning before each answer.
  static let bbh = LanguageTask(
    name: "bbh_cot_fewshot", files: bbhFiles, shots: 3,
    answering: .text(
      WrittenAnswer(
        maximumTokens: 1024, stop: ["</s>", "Q", "\n\n"],
        filters: [AnswerFilter(name: "get-answer", answer: AnnouncedAnswer.found)])),
    delimiter: "", isEvaluated: isBBH,
    read: { file, _ in try bbhSubject(file, reasons: true) })

  /// The same with answers alone. What a model writes is compared as it is, a blank before it included.
  static let bbhDirect = LanguageTask(
    name: "bbh_fewshot", files: bbhFiles, shots: 3,
    answering: .text(
      WrittenAnswer(
        stop: ["</s>", "Q", "\n\n"], filters: [AnswerFilter(name: "none", answer: { $0 })])),
    isEvaluated: isBBH,
    read: { file, _ in try bbhSubject(file, reasons: false) })

  private static func isBBH(_ file: DataFile) -> Bool {
    file.ending == "json" && FileSystem.split(FileSystem.split(file.path).folder).name == "bbh"
  }

  private static func bbhSubject(_ file: DataFile, reasons: Bool) throws -> EvaluationSubject {
    let opening = reasons ? "\nA: Let's think step by step.\n" : "\nA:"
    let examples = try JSON.read(file.path).object?["examples"]?.array
    guard let examples, !examples.isEmpty else { throw file.malformed(0, "has no \"examples\"") }
    let items = try examples.enumerated().map { number, value throws(EvaluationError) in
      guard let input = value.object?["input"]?.string, let target = value.object?["target"]?.string
      else { throw file.malformed(0, "example \(number + 1) lacks \"input\" or \"target\"") }
      return EvaluationItem(question: "Q: \(input)\(opening)", answer: .text(target))
    }
    let above = FileSystem.split(FileSystem.split(file.path).folder).folder
    let prompts = DataFile(
      path: FileSystem.join(FileSystem.join(above, "cot-prompts"), file.stem + ".txt"))
    let (description, shown) = try bbhExamples(prompts)
    return EvaluationSubject(
      name: file.stem, description: description, items: items,
      examples: (
        prompts.path,
        shown.map { question, reasoning in
          EvaluationItem(
            question: "Q: \(question)\(opening)",
            answer: .text(reasons ? reasoning : AnnouncedAnswer.last(reasoning)))
        }
      ))
  }

  /// The description and the examples of a file of prompts: behind a line of dashes a paragraph, and questions, each with
  /// reasoning that ends in its answer.
  private static func bbhExamples(_ file: DataFile) throws -> (
    description: String, [(question: String, reasoning: String)]
  ) {
    let text = try file.text()
    let body = text.split(separator: "-----\n", maxSplits: 1).last.map { String($0).stripped } ?? ""
    var paragraphs = body.split(separator: "\n\nQ: ").map(String.init)
    guard paragraphs.count > 1 else { throw file.malformed(0, "has no questions behind \"Q: \"") }
    let description = paragraphs.removeFirst() + "\n\n"
    let examples = try paragraphs.map { paragraph throws(EvaluationError) in
      let parts = paragraph.split(separator: "\nA: Let's think step by step.", maxSplits: 1)
      guard parts.count == 2 else {
        throw file.malformed(0, "a question has no \"A: Let's think step by step.\" behind it")
      }
      return (String(parts[0]), String(parts[1]).stripped)
    }
    return (description, examples)
  }
}

/// Answers that are announced in words.
enum AnnouncedAnswer {
  private static let words = Array("the answer is ".unicodeScalars)

  /// The first, without the character that ends its line: `(?<=the answer is )(.*)(?=.)`.
  static func found(_ text: String) -> String {
    let scalars = Array(text.unicodeScalars)
    for start in scalars.indices where scalars[start...].starts(with: words) {
      let line = scalars[(start + words.count)...].prefix { $0 != "\n" }
      guard !line.isEmpty else { continue }
      var answer = String.UnicodeScalarView()
      answer.append(contentsOf: line.dropLast())
      return String(answer).stripped
    }
    return AnswerFilter.invalid
  }

  /// What an example's reasoning comes to in the end, without the point behind it.
  static func last(_ reasoning: String) -> String {
    let answer = reasoning.split(separator: "he answer is ").last.map(String.init) ?? reasoning
    return answer.hasSuffix(".") ? String(answer.dropLast()) : answer
  }
}
