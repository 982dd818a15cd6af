import LanternFormats

extension LanguageTask {
  /// The easy questions of ARC (Clark et al. 2018, arXiv:1803.05457).
  static let arcEasy = arc("arc_easy", "ARC-Easy")
  /// Those that retrieval and co-occurrence answer wrongly.
  static let arcChallenge = arc("arc_challenge", "ARC-Challenge")

  private static func arc(_ name: String, _ set: String) -> LanguageTask {
    LanguageTask(
      name: name, files: "\(set)/\(set)-Test.jsonl with \(set)-Train.jsonl", shots: 0,
      answering: .choices(isNormalized: true), drawsExamples: true,
      isEvaluated: { $0.name == "\(set)-Test.jsonl" },
      read: { file, wantsExamples in
        let train = file.ofSplit("train", insteadOf: "test")
        return EvaluationSubject(
          items: try arcItems(file),
          examples: (train.path, wantsExamples ? try arcItems(train) : []))
      })
  }

  /// As the set was published, `question` has `stem` and `choices`; as the hub's parquet files have it, `choices` has the
  /// lists `text` and `label`.
  private static func arcItems(_ file: DataFile) throws -> [EvaluationItem] {
    try file.jsonLines().map { row throws(EvaluationError) in
      let question = row.values["question"]?.object
      let stem = question?["stem"]?.string ?? row.values["question"]?.string
      let pairs = question?["choices"]?.array?.compactMap(\.object)
      let lists = row.values["choices"]?.object
      let texts =
        pairs?.compactMap { $0["text"]?.string } ?? lists?["text"]?.array?.compactMap(\.string)
      let labels =
        pairs?.compactMap { $0["label"]?.string } ?? lists?["label"]?.array?.compactMap(\.string)
      guard let stem, let texts, let labels, !texts.isEmpty, texts.count == labels.count else {
        throw row.malformed("has no question with choices, each with a label")
      }
      let key = try row.text("answerKey")
      return EvaluationItem(
        question: "Question: \(stem)\nAnswer:", choices: texts,
        answer: .choice(try row.index(labels.firstIndex(of: key), of: texts)))
    }
  }
}
