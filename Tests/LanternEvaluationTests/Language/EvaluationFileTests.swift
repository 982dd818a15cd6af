import Foundation
@testable import LanternEvaluation
import LanternFormats
import TestSupport
import Testing

/// Files of benchmarks, their filters and the examples that are drawn.
@Suite struct EvaluationFileTests {
  @Test("filters find what lm-evaluation-harness's find, and answers are equal where it says so")
  func filters() throws {
    let all = try #require(EvaluationFixture().results["filters"]?.object)
    let texts = (all["texts"]?.array ?? []).compactMap(\.string)
    #expect(texts.count > 30)
    let filters: [(String, (String) -> String)] = [
      ("strict-match", NumberAnswer.marked), ("flexible-extract", NumberAnswer.last),
      ("get-answer", AnnouncedAnswer.found),
    ]
    for (name, filter) in filters {
      let found = (all["found"]?.object?[name]?.array ?? []).compactMap(\.string)
      for (text, answer) in zip(texts, found) {
        #expect(Array(filter(text).utf8) == Array(answer.utf8), "\(name) of \(text)")
      }
    }
    let targets = (all["targets"]?.array ?? []).compactMap(\.string)
    for (text, row) in zip(texts, all["equal"]?.array ?? []) {
      let equal = targets.map { NumberAnswer.normalized(text) == NumberAnswer.normalized($0) }
      #expect(equal == (row.array ?? []).compactMap(\.bool), "\(text)")
    }
  }

  @Test("examples are those that Python's generator draws")
  func drawn() throws {
    let all = try #require(EvaluationFixture().results["drawn"]?.array)
    #expect(all.count == 6)
    for value in all.compactMap(\.object) {
      var random = PythonRandom(seed: try #require(value["seed"]?.unsigned))
      for (takes, number) in zip(value["takes"]?.array ?? [], [5, 1, 8, 5]) {
        let found = random.sample(number, of: try #require(value["count"]?.integer))
        #expect(found == (takes.array ?? []).compactMap(\.integer))
      }
    }
  }

  /// What reading a task's files says.
  private func complaint(_ name: String, _ files: [String: String], at path: String = "")
    throws -> String
  {
    try withTemporaryFolder { folder in
      for (file, text) in files {
        let url = URL(fileURLWithPath: "\(folder)/\(file)")
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
      }
      do {
        let evaluation = try LanguageEvaluation(
          task(name), data: path.isEmpty ? folder : "\(folder)/\(path)")
        return "\(evaluation.count) questions"
      } catch {
        return "\(error)".replacingOccurrences(of: folder + "/", with: "")
      }
    }
  }

  @Test("a bad file is one error with file and line")
  func bad() throws {
    let row = "q,a,b,c,d,A\n"
    for (text, word) in [
      (row + "q,a,b,c,A\n", "test/law_test.csv, line 2: has 5 cells"),
      (row + "q,a,b,c,d,E\n", "line 2: its answer is none"),
      ("\"a\nb\",a,b,c,d,B\n" + "q,a,b,c,d,\n", "line 3: its answer"),
      (row + "\"q,a,b,c,d,A\n", "line 2: a quotation mark is not closed"), ("", "has no line"),
      (row + "\n\r\n" + row, "2 questions"), (row + "\"a \"\"b\"\", c\",a,b,c,d,A", "2 questions"),
    ] {
      let said = try complaint("mmlu", ["test/law_test.csv": text])
      #expect(said.contains(word), "\(said)")
    }
    for (text, word) in [
      ("{}", "line 1: \"question\" should be a text"), ("[]", "line 1: is no object"),
      ("{\"question\":\"q\",\"answer\":\"#### 1\"}\n{\"question\"", "line 2: is no JSON"),
      ("\n", "test.jsonl: has no line"),
    ] {
      let said = try complaint("gsm8k", ["test.jsonl": text], at: "test.jsonl")
      #expect(said.contains(word), "\(said)")
    }
    for (name, file, text, word) in [
      ("arc_easy", "ARC-Easy-Test.jsonl", "{\"question\":\"q\"}", "line 1: has no question with"),
      (
        "arc_easy", "ARC-Easy-Test.jsonl",
        "{\"question\":\"q\",\"choices\":{\"text\":[\"a\"],\"label\":[\"A\"]},\"answerKey\":\"B\"}",
        "none of the 1 choices"
      ),
      (
        "hellaswag", "hellaswag_val.jsonl",
        "{\"ctx_a\":\"a\",\"ctx_b\":\"b\",\"activity_label\":\"c\",\"endings\":[1]}",
        "\"endings\" should be a list of texts"
      ),
      (
        "ceval-valid", "val/law_val.csv", "id,question,A,B,C,D\n", "line 1: should name the columns"
      ),
      ("ceval-valid", "val/foxes_val.csv", "id\n", "\"foxes\" is no subject"),
      ("bbh_fewshot", "bbh/snarks.json", "{}", "has no \"examples\""),
      (
        "bbh_fewshot", "bbh/snarks.json", "{\"examples\":[{\"input\":\"a\",\"target\":\"b\"}]}",
        "cot-prompts/snarks.txt"
      ),
      ("mmlu", "x.txt", "", "no file of mmlu: its files are test/SUBJECT_test.csv"),
      ("mmlu", "anatomy/test-00000-of-00001.parquet", "", "pandas.read_parquet"),
    ] {
      let said = try complaint(name, [file: text])
      #expect(said.contains(word), "\(said)")
    }
    #expect(try complaint("mmlu", [:], at: "none.csv").contains("none.csv"))
    #expect(try complaint("mmlu", ["a.parquet": ""], at: "a.parquet").contains("read_parquet"))
  }

  @Test("lines of JSON with the columns of the hub's files are read too")
  func hub() throws {
    let line = #"{"question":"q","subject":"law","choices":["a","b","c","d"],"answer":1}"#
    #expect(try complaint("mmlu", ["test.jsonl": line + "\n" + line]) == "2 questions")
    let other = line.replacingOccurrences(of: "law", with: "logic")
    #expect(try complaint("mmlu", ["test.jsonl": line + "\n" + other]).contains("has 2 subjects"))
  }

  @Test("no file of questions makes the program end, however it is cut")
  func cut() throws {
    for (name, file) in [
      ("mmlu", "mmlu/test/anatomy_test.csv"), ("ceval-valid", "ceval/val/law_val.csv"),
      ("gsm8k", "gsm8k/test.jsonl"), ("hellaswag", "hellaswag/hellaswag_val.jsonl"),
      ("arc_easy", "arc/ARC-Easy/ARC-Easy-Test.jsonl"),
    ] {
      let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: fixture("evaluation/\(file)"))))
      let leaf = String(file.split(separator: "/").last ?? "")
      for count in stride(from: 0, to: bytes.count, by: 7) {
        _ = try complaint(
          name, [leaf: String(decoding: bytes[..<count], as: UTF8.self)], at: leaf)
      }
    }
  }
}
