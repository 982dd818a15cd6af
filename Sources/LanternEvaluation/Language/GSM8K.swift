extension LanguageTask {
  /// GSM8K (Cobbe et al. 2021, arXiv:2110.14168): sums of grade school in words.
  static let gsm8k = LanguageTask(
    name: "gsm8k", files: "test.jsonl with train.jsonl", shots: 5,
    answering: .text(
      WrittenAnswer(
        stop: ["Question:", "</s>", "<|im_end|>"],
        filters: [
          AnswerFilter(name: "strict-match", answer: NumberAnswer.marked),
          AnswerFilter(name: "flexible-extract", answer: NumberAnswer.last),
        ], normalized: NumberAnswer.normalized)),
    drawsExamples: true, isEvaluated: { $0.name == "test.jsonl" },
    read: { file, wantsExamples in
      let train = file.ofSplit("train", insteadOf: "test")
      return EvaluationSubject(
        items: try gsm8kItems(file),
        examples: (train.path, wantsExamples ? try gsm8kItems(train) : []))
    })

  private static func gsm8kItems(_ file: DataFile) throws -> [EvaluationItem] {
    try file.jsonLines().map { row throws(EvaluationError) in
      EvaluationItem(
        question: "Question: \(try row.text("question"))\nAnswer:",
        answer: .text(try row.text("answer")))
    }
  }
}

/// Numbers in answers, found as lm-evaluation-harness's regular expressions find them.
enum NumberAnswer {
  private static let mark = Array("#### ".utf8)

  /// The number behind the first `#### `: `#### (\-?[0-9\.\,]+)`.
  static func marked(_ text: String) -> String {
    let bytes = Array(text.utf8)
    for start in bytes.indices where bytes[start...].starts(with: mark) {
      let end = number(in: bytes, from: start + mark.count) { isDigit($0) || isPoint($0) }
      if let end { return String(decoding: bytes[start + mark.count..<end], as: UTF8.self) }
    }
    return AnswerFilter.invalid
  }

  /// The last number: of all matches of `(-?[$0-9.,]{2,})|(-?[0-9]+)`.
  static func last(_ text: String) -> String {
    let bytes = Array(text.utf8)
    var (position, found): (Int, Range<Int>?) = (0, nil)
    while position < bytes.count {
      let long = number(in: bytes, from: position, least: 2) {
        isDigit($0) || isPoint($0) || $0 == UInt8(ascii: "$")
      }
      guard let end = long ?? number(in: bytes, from: position, while: isDigit) else {
        position += 1
        continue
      }
      (found, position) = (position..<end, end)
    }
    return found.map { String(decoding: bytes[$0], as: UTF8.self) } ?? AnswerFilter.invalid
  }

  /// What is left of an answer to compare: without commas, dollar signs, all up to the last `#### ` and a point at the
  /// end, in lower case.
  static func normalized(_ text: String) -> String {
    var bytes = text.utf8.filter { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "$") }
    if let start = bytes.indices.last(where: { bytes[$0...].starts(with: mark) }) {
      bytes.removeFirst(start + mark.count)
    }
    // A point before a line feed that ends the text is at the end too.
    if bytes.last == UInt8(ascii: ".") {
      bytes.removeLast()
    } else if bytes.suffix(2) == [UInt8(ascii: "."), 10] {
      bytes.remove(at: bytes.count - 2)
    }
    return String(decoding: bytes, as: UTF8.self).lowercased()
  }

  /// Where a number ends that begins here, with a minus sign or without.
  private static func number(
    in bytes: [UInt8], from start: Int, least: Int = 1, while isPart: (UInt8) -> Bool
  ) -> Int? {
    let first = bytes[min(start, bytes.count)...].first == UInt8(ascii: "-") ? start + 1 : start
    let end = first + bytes[min(first, bytes.count)...].prefix(while: isPart).count
    return end - first >= least ? end : nil
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func isPoint(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ".") || byte == UInt8(ascii: ",")
  }
}
