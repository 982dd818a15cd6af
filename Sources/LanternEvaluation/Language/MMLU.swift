import LanternFormats

extension LanguageTask {
  /// MMLU (Hendrycks et al. 2021, arXiv:2009.03300): 57 subjects, four choices.
  static let mmlu = LanguageTask(
    name: "mmlu",
    files: "test/SUBJECT_test.csv with dev/SUBJECT_dev.csv, or test.jsonl of one subject",
    shots: 0, answering: .choices(isNormalized: false),
    isEvaluated: { $0.stem.hasSuffix("_test") || $0.name == "test.jsonl" },
    read: { file, wantsExamples in
      let dev = file.ofSplit("dev", insteadOf: "test")
      let (subject, items) = try mmluItems(file)
      let name = subject.replacing("_", with: " ")
      return EvaluationSubject(
        name: subject,
        description:
          "The following are multiple choice questions (with answers) about \(name).\n\n",
        items: items,
        examples: wantsExamples ? (dev.path, try mmluItems(dev).items) : (dev.path, []))
    })

  private static func mmluItems(_ file: DataFile) throws -> (
    subject: String, items: [EvaluationItem]
  ) {
    guard file.ending == "csv" else {
      let rows = try file.jsonLines()
      let subjects = Set(try rows.map { row throws(EvaluationError) in try row.text("subject") })
      guard let subject = subjects.first, subjects.count == 1 else {
        throw file.malformed(0, "has \(subjects.count) subjects: give each a file of its own")
      }
      return (
        subject,
        try rows.map { row throws(EvaluationError) in
          try lettered(
            row, row.text("question"), row.texts("choices"), letter: row.integer("answer"))
        }
      )
    }
    let items = try CommaSeparatedValues(file).rows.map { line, cells throws(EvaluationError) in
      let row = DataRow(file: file, line: line, values: [:])
      guard cells.count == 6 else {
        throw row.malformed(
          "has \(cells.count) cells, and a question, four choices and a letter are six")
      }
      return try lettered(
        row, cells[0], Array(cells[1...4]), letter: letters.firstIndex(of: cells[5].stripped))
    }
    let ending = ["_test", "_dev", "_val"].first(where: file.stem.hasSuffix) ?? ""
    return (String(file.stem.dropLast(ending.count)), items)
  }

  /// The letters of choices.
  static let letters = ["A", "B", "C", "D"]

  /// A question with four choices under letters, one of which is the answer.
  static func lettered(
    _ row: DataRow, _ question: String, _ choices: [String], letter: Int?, asks: String = "Answer:"
  ) throws(EvaluationError) -> EvaluationItem {
    guard choices.count == letters.count else {
      throw row.malformed("has \(choices.count) choices, and should have four")
    }
    let lines = zip(letters, choices).map { "\($0). \($1)\n" }.joined()
    return EvaluationItem(
      question: "\(question.stripped)\n\(lines)\(asks)", choices: letters,
      answer: .choice(try row.index(letter, of: letters)))
  }
}
