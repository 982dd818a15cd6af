import Foundation
import LanternFormats
import TestSupport
import Testing

/// `lantern embed` with a small random model.
@Suite struct EmbedCommandTests {
  private let model = fixture("gguf_models/qwen2.gguf")

  @Test("each text has a line of numbers, of length 1 unless --raw")
  func lines() throws {
    try withTemporaryFolder { folder in
      try Data("a fox\n\na key\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/texts.txt"))
      for (option, isOne) in [([], true), (["--raw"], false)] {
        let run = try Program.run(
          ["embed", "@texts.txt", "a fox", "-m", model] + option, in: folder)
        #expect(run.code == 0 && run.errors.isEmpty, "\(run.errors)")
        let rows = run.output.split(separator: "\n").map {
          $0.split(separator: " ").map { Double($0) }
        }
        #expect(rows.count == 3 && rows.allSatisfy { $0.count == 32 && !$0.contains(nil) })
        #expect(rows[0] == rows[2] && rows[0] != rows[1])
        let length = rows[0].reduce(0) { $0 + ($1 ?? 0) * ($1 ?? 0) }.squareRoot()
        #expect((abs(length - 1) < 1e-4) == isOne, "\(length)")
      }
    }
  }

  @Test("texts are compared by their angles, and programs get events")
  func compare() throws {
    try withTemporaryFolder { folder in
      let arguments = ["embed", "a fox", "a key", "-m", model]
      let table = try Program.run(arguments + ["--compare"], in: folder).output
      let rows = table.split(separator: "\n").map(String.init)
      #expect(rows.count == 2 && rows[0].hasPrefix("1.000") && rows[1].hasSuffix("a key"))
      let events = try Program.run(arguments + ["--compare", "--json"], in: folder).events()
      let cosines = events.compactMap { $0["cosines"]?.array?.compactMap(\.double) }
      #expect(cosines.count == 2 && cosines[0][1] == cosines[1][0] && abs(cosines[0][0] - 1) < 1e-6)
      let vectors = try Program.run(arguments + ["--json"], in: folder).events()
      #expect(vectors.map { $0["index"]?.integer } == [0, 1])
      #expect(vectors.allSatisfy { $0["vector"]?.array?.count == 32 })
    }
  }
}
