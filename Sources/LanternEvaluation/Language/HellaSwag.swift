extension LanguageTask {
  /// HellaSwag (Zellers et al. 2019, arXiv:1905.07830): which of four endings goes on from a beginning.
  static let hellaswag = LanguageTask(
    name: "hellaswag", files: "hellaswag_val.jsonl with hellaswag_train.jsonl", shots: 0,
    answering: .choices(isNormalized: true), drawsExamples: true, drawsOneMore: true,
    isEvaluated: { $0.name == "hellaswag_val.jsonl" || $0.name == "validation.jsonl" },
    read: { file, wantsExamples in
      let isNamed = file.name == "validation.jsonl"
      let train = file.ofSplit("train", insteadOf: isNamed ? "validation" : "val")
      return EvaluationSubject(
        items: try hellaswagItems(file),
        examples: (train.path, wantsExamples ? try hellaswagItems(train) : []))
    })

  private static func hellaswagItems(_ file: DataFile) throws -> [EvaluationItem] {
    try file.jsonLines().map { row throws(EvaluationError) in
      // Python's `capitalize` makes the other letters small.
      let (begin, next) = (try row.text("ctx_a"), try row.text("ctx_b"))
      let context = "\(begin) \(next.lowercased().capitalizedFirst)"
      let endings = try row.texts("endings").map(cleaned)
      return EvaluationItem(
        question: cleaned("\(try row.text("activity_label")): \(context)"), choices: endings,
        answer: .choice(try row.index(row.integer("label"), of: endings)))
    }
  }

  /// Without the marks that WikiHow's texts have: `[title]` and other brackets.
  private static func cleaned(_ text: String) -> String {
    var rest = Array(text.stripped.replacing(" [title]", with: ". ").unicodeScalars)[...]
    var kept = String.UnicodeScalarView()
    while let open = rest.firstIndex(of: "[") {
      kept.append(contentsOf: rest[..<open])
      // Brackets that are closed on the same line.
      let end = rest[open...].firstIndex { $0 == "]" || $0 == "\n" }
      if let end, rest[end] == "]" {
        rest = rest[(end + 1)...]
      } else {
        kept.append("[")
        rest = rest[(open + 1)...]
      }
    }
    kept.append(contentsOf: rest)
    return String(kept).replacing("  ", with: " ")
  }
}
