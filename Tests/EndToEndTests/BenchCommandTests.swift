import Foundation
import LanternFormats
import LanternPictures
import TestSupport
import Testing

@Suite("lantern bench samplers")
struct BenchCommandTests {
  private static func arguments(_ more: String...) -> [String] {
    ["bench", "samplers", "-m", fixture("tiny_model"), "-o", "out", "--prompts", "prompts.txt"]
      + more
  }

  private static func inFolder(_ body: (String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      try Data("a red fox\n\na blue cat\n".utf8).write(
        to: URL(fileURLWithPath: folder + "/prompts.txt"))
      try body(folder)
    }
  }

  @Test("measures each cell, says what cannot be, and writes report, tables, sheet and pictures")
  func measures() throws {
    try Self.inFolder { folder in
      let arguments = Self.arguments("--samplers", "euler,lcm,Heun", "--steps", "2,60", "--json")
      let run = try Program.run(arguments, in: folder)
      #expect(run.code == 0, "\(run.errors)")
      let cells = try run.events().filter { $0["event"]?.string == "cell" }
      #expect(cells.count == 6)
      #expect(cells.map { $0["calls"]?.integer } == [2, 60, 2, nil, 3, 119])
      #expect(cells[3]["refusal"]?.string?.contains("60 steps: choose 1 to 50") == true)
      #expect(cells.filter { ($0["median_distance"]?.double ?? 0) > 0 }.count == 5)
      let files = try FileManager.default.contentsOfDirectory(atPath: folder + "/out").sorted()
      #expect(
        files == [
          "pictures", "pictures.csv", "references", "report.html", "results.csv", "results.json",
          "results.md", "sheet.png",
        ])
      let pictures = try FileManager.default.contentsOfDirectory(atPath: folder + "/out/pictures")
      #expect(pictures.count == 5)
      let report = try String(contentsOfFile: folder + "/out/report.html", encoding: .utf8)
      for word in ["<svg", "data:image/jpeg;base64,", "heun", "60 steps: choose 1 to 50"] {
        #expect(report.contains(word), "\(word)")
      }
      // A second run has nothing to do, and compares itself with itself.
      let before = try Data(contentsOf: URL(fileURLWithPath: folder + "/out/results.json"))
      let again = try Program.run(arguments + ["--against", "out/results.json"], in: folder)
      #expect(again.code == 0)
      #expect(try again.events().filter { $0["event"]?.string == "cell" }.isEmpty)
      #expect(try again.events().filter { $0["event"]?.string == "against" }.count == 5)
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/out/results.json")) == before)
    }
  }

  @Test("stopped by Ctrl-C it keeps finished cells, and the same command goes on")
  func resumes() throws {
    try Self.inFolder { folder in
      let arguments = Self.arguments("--samplers", "euler,ddim", "--steps", "1,2,200", "--json")
      let stopped = try Program.run(arguments, in: folder, interruptedAt: "\"cell\"")
      #expect(stopped.code == 130)
      let path = URL(fileURLWithPath: folder + "/out/results.json")
      let kept = try String(contentsOf: path, encoding: .utf8)
      let done = kept.components(separatedBy: "\"sampler\":").count - 1
      #expect(done >= 1 && done < 6)
      // Tables and the report are of what there is.
      let table = try String(contentsOfFile: folder + "/out/results.csv", encoding: .utf8)
      #expect(table.split(separator: "\n").count == 1 + done)
      #expect(FileManager.default.fileExists(atPath: folder + "/out/report.html"))
      #expect(stopped.output.contains("out has \(done) cells; the same command goes on"))
      let run = try Program.run(arguments, in: folder)
      #expect(run.code == 0)
      #expect(try run.events().filter { $0["event"]?.string == "cell" }.count == 6 - done)
      let first = kept.split(separator: "\n").first { $0.contains("\"sampler\":") } ?? ""
      let all = try String(contentsOf: path, encoding: .utf8)
      #expect(all.contains(first.drop { $0 == "," }.prefix(80)))
    }
  }

  @Test(
    "a folder that holds somebody's report or table, and no figures of ours, is left as it is",
    arguments: ["report.html", "results.csv", "pictures.csv", "results.md", "sheet.png"])
  func keepsStrangers(_ name: String) throws {
    try Self.inFolder { folder in
      let file = URL(fileURLWithPath: folder + "/out/" + name)
      try FileManager.default.createDirectory(
        atPath: folder + "/out", withIntermediateDirectories: false)
      try Data("mine".utf8).write(to: file)
      let run = try Program.run(
        Self.arguments("--samplers", "euler", "--steps", "1"), in: folder)
      expectError(run, code: 73, ["out/" + name, "write elsewhere"])
      #expect(try Data(contentsOf: file) == Data("mine".utf8))
    }
  }

  @Test(
    "what makes no sense is one line of error",
    arguments: [
      (["--samplers", "euler,hoin"], 64, ["\"hoin\"", "did you mean"]),
      (["--schedules", "karas"], 64, ["\"karas\"", "karras"]),
      (["--steps", "1,x"], 64, ["steps", "1,x"]), (["-g", "2,-1"], 64, ["guidance", "2,-1"]),
      (["--eta", "2"], 64, ["eta 2"]), (["--compat", "foo"], 64, ["foo", "kdiffusion"]),
      (["-W", "7"], 64, ["width 7"]), (["--steps", ""], 64, ["steps"]),
      (["--seeds", "-1"], 64, ["seeds"]), (["--against", "none.json"], 66, ["none.json"]),
      (["--judge", "nowhere"], 66, ["nowhere"]), (["--prompts", "none.txt"], 66, ["none.txt"]),
    ] as [([String], Int32, [String])])
  func mistakes(_ arguments: [String], _ code: Int32, _ words: [String]) throws {
    try Self.inFolder { folder in
      let run = try Program.run(Self.arguments() + arguments, in: folder)
      expectError(run, code: code, words, "\(arguments)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/out"))
    }
  }

  @Test("bench model tells what each part costs, as a table and as JSON")
  func model() throws {
    let arguments = ["bench", "model", "-m", fixture("tiny_model"), "--runs", "2"]
    let table = try Program.run(arguments, in: "/")
    #expect(table.code == 0, "\(table.errors)")
    for word in ["text encoder", "denoiser, a call", "decoder", "peak memory", "GFLOP/s"] {
      #expect(table.output.contains(word), "\(word)")
    }
    let events = try Program.run(arguments + ["--json", "-W", "128"], in: "/").events()
    #expect(events.count == 5)
    let small = try Program.run(arguments + ["--json", "-W", "64"], in: "/").events()
    // Twice the pixels, twice the arithmetic, but for attention's square.
    let ratio =
      (events[2]["operations"]?.double ?? 0) / (small[2]["operations"]?.double ?? 1)
    #expect(ratio > 1.9 && ratio < 3)
    expectError(
      try Program.run(arguments + ["--runs", "0"], in: "/"), code: 64, ["runs 0", "1 to 1000"])
  }

  @Test(
    "a bench with other settings in the same folder is refused, and what differs is named",
    arguments: [
      (["--seeds", "2"], "seeds"), (["--eta", "0.5"], "eta"), (["-W", "128"], "size"),
      (["--compat", "kdiffusion"], "compat"), (["--precision", "exact"], "precision"),
      (["--prompts", "others.txt"], "prompts"), (["--threads", "1"], "threads"),
    ])
  func others(_ more: [String], _ name: String) throws {
    try Self.inFolder { folder in
      try Data("a blue cat\n".utf8).write(to: URL(fileURLWithPath: folder + "/others.txt"))
      let arguments = Self.arguments(
        "--samplers", "ddim", "--steps", "1", "--precision", "fast", "--threads", "2")
      #expect(try Program.run(arguments, in: folder).code == 0)
      let path = URL(fileURLWithPath: folder + "/out/results.json")
      let before = try Data(contentsOf: path)
      let other = try Program.run(arguments + more, in: folder)
      expectError(other, code: 65, ["out/results.json", "(\(name))", "another folder"])
      #expect(try Data(contentsOf: path) == before)
    }
  }

  @Test("other samplers, guidances and steps in the same folder are added to what is there")
  func added() throws {
    try Self.inFolder { folder in
      let arguments = Self.arguments("--samplers", "euler", "--steps", "2", "-g", "2,3")
      #expect(try Program.run(arguments, in: folder).code == 0)
      let references = folder + "/out/references"
      func drawn() throws -> [String: Date] {
        try Dictionary(
          uniqueKeysWithValues: FileManager.default.contentsOfDirectory(atPath: references).map {
            let facts = try FileManager.default.attributesOfItem(atPath: references + "/" + $0)
            return ($0, try #require(facts[.modificationDate] as? Date))
          })
      }
      let before = try drawn()
      #expect(before.count == 8)
      let run = try Program.run(
        Self.arguments("--samplers", "ddim", "--steps", "1", "-g", "3,4", "--json"), in: folder)
      #expect(run.code == 0, "\(run.errors)")
      #expect(try run.events().filter { $0["event"]?.string == "cell" }.count == 2)
      // References that are there are not drawn again.
      let after = try drawn()
      #expect(after.count == 12 && after.filter { before[$0.key] != nil } == before)
      let table = try String(contentsOfFile: folder + "/out/results.csv", encoding: .utf8)
      let rows = table.split(separator: "\n").dropFirst().map {
        $0.split(separator: ",", omittingEmptySubsequences: false).prefix(4).joined(separator: ",")
      }
      #expect(rows == ["euler,,2.0,2", "euler,,3.0,2", "ddim,,3.0,1", "ddim,,4.0,1"])
    }
  }

  @Test("the model's own guidance beside others keeps its cells and its converged pictures")
  func ownGuidance() throws {
    try Self.inFolder { folder in
      func distances(_ more: String...) throws -> [String: String] {
        let run = try Program.run(
          Self.arguments("--samplers", "euler", "--precision", "exact") + more, in: folder)
        #expect(run.code == 0, "\(run.errors)")
        let table = try String(contentsOfFile: folder + "/out/results.csv", encoding: .utf8)
        return Dictionary(
          uniqueKeysWithValues: table.split(separator: "\n").dropFirst().map { line in
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            return (fields.prefix(4).joined(separator: ","), String(fields[9]))
          })
      }
      let own = try distances("--steps", "1,2")
      #expect(own.keys.sorted() == ["euler,,,1", "euler,,,2"])
      let both = try distances("--steps", "1", "-g", "2")
      #expect(both.keys.sorted() == ["euler,,,1", "euler,,,2", "euler,,2.0,1"])
      let all = try distances("--steps", "1,2,3")
      #expect(all.keys.sorted() == ["euler,,,1", "euler,,,2", "euler,,,3", "euler,,2.0,1"])
      for (name, distance) in own { #expect(all[name] == distance, "\(name)") }
      try FileManager.default.removeItem(atPath: folder + "/out")
      _ = try distances("--steps", "1", "-g", "2")
      #expect(try distances("--steps", "1,2,3") == all)
    }
  }

  @Test("while one bench writes into a folder another is refused there, and the report too")
  func concurrent() throws {
    try Self.inFolder { folder in
      let arguments = Self.arguments("--samplers", "euler", "--steps", "1")
      #expect(try Program.run(arguments, in: folder).code == 0)
      let lock = try FolderLock(folder + "/out")
      expectError(
        try Program.run(arguments, in: folder), code: 75, ["out", "another lantern", "wait"])
      expectError(
        try Program.run(["bench", "report", "out"], in: folder), code: 75, ["another lantern"])
      _ = consume lock
      #expect(try Program.run(arguments, in: folder).code == 0)
    }
  }

  @Test("every picture is kept where it is asked for, and drawn again where some were not")
  func pictures() throws {
    try Self.inFolder { folder in
      let arguments = Self.arguments(
        "--samplers", "euler", "--steps", "1,2", "--seeds", "5,6", "-W", "64", "-H", "128")
      #expect(try Program.run(arguments, in: folder).code == 0)
      let run = try Program.run(arguments + ["--pictures", "all"], in: folder)
      #expect(run.code == 0, "\(run.errors)")
      for cell in ["euler-1", "euler-2"] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/all/" + cell)
        #expect(names.sorted() == ["01-5.png", "01-6.png", "02-5.png", "02-6.png"])
      }
      let picture = try Picture(contentsOf: folder + "/all/euler-2/02-6.png")
      #expect(picture.width == 64 && picture.height == 128)
      let rows = try String(contentsOfFile: folder + "/out/pictures.csv", encoding: .utf8)
        .split(separator: "\n")
      #expect(rows.count == 1 + 2 * 4 && rows[8].hasPrefix("euler,,,2,a blue cat,6,2,"))
    }
  }

  @Test("--eta is told to have no effect where it has none, and is heeded where it has")
  func eta() throws {
    try Self.inFolder { folder in
      let arguments = ["--samplers", "euler,ddim", "--steps", "3", "--json"]
      let plain = try Program.run(Self.arguments() + arguments, in: folder).events()
      let run = try Program.run(
        Self.arguments("--eta", "1") + ["-o", "other"] + arguments, in: folder)
      let events = try run.events()
      let notes = events.filter { $0["event"]?.string == "note" }
      #expect(notes.count == 1 && notes[0]["text"]?.string?.contains("euler") == true)
      #expect(notes[0]["text"]?.string?.contains("ddim") == false)
      func distances(_ events: [[String: JSONValue]]) -> [Double?] {
        events.filter { $0["event"]?.string == "cell" }.map { $0["median_distance"]?.double }
      }
      let (before, after) = (distances(plain), distances(events))
      #expect(before[0] == after[0] && before[1] != after[1])
    }
  }

  @Test("the time left is told by the work that is left, not by the number of pictures")
  func timeLeft() throws {
    try Self.inFolder { folder in
      let run = try Program.run(Self.arguments("--samplers", "euler", "--steps", "1"), in: folder)
      #expect(run.code == 0 && run.errors.contains("picture 4 of 4, 0 s left"), "\(run.errors)")
    }
  }

  @Test("a report is written again from its figures, and its table is printed")
  func report() throws {
    try Self.inFolder { folder in
      #expect(
        try Program.run(Self.arguments("--samplers", "euler", "--steps", "1,2"), in: folder).code
          == 0)
      func read(_ name: String) throws -> String {
        try String(contentsOfFile: folder + "/out/" + name, encoding: .utf8)
      }
      let (report, table) = (try read("report.html"), try read("results.csv"))
      try FileManager.default.removeItem(atPath: folder + "/out/report.html")
      #expect(try Program.run(["bench", "report", "out"], in: folder).code == 0)
      #expect(try read("report.html") == report && read("results.csv") == table)
      let printed = try Program.run(["bench", "report", "out", "--markdown"], in: folder)
      #expect(try printed.output == read("results.md") && printed.output.contains("| `euler` |"))
      expectError(
        try Program.run(["bench", "report", "none"], in: folder), code: 66, ["none/results.json"])
    }
  }
}

@Suite("lantern bench precision and lantern bench kernels")
struct BenchPrecisionCommandTests {
  @Test("each precision has a row, exact first, and distances from it")
  func precisions() throws {
    try withTemporaryFolder { folder in
      let arguments = [
        "bench", "precision", fixture("tiny_model"), "--steps", "2", "--precisions", "int8,fast",
        "--seeds", "1,2",
      ]
      let run = try Program.run(arguments + ["--json"], in: folder)
      #expect(run.code == 0, "\(run.errors)")
      let rows = try run.events()
      #expect(rows.map { $0["precision"]?.string } == ["exact", "int8", "fast"])
      for row in rows {
        #expect(row["decibels"]?.array?.count == 8)
        #expect((row["peak_memory"]?.integer ?? 0) > 100_000)
      }
      #expect(rows[0]["worst"]?.integer == 0)
      let mean = rows.map { row in
        (row["decibels"]?.array ?? []).compactMap(\.double).reduce(0, +) / 8
      }
      #expect(mean[1] < mean[2] && mean[2] < 99 && mean[2] > 40)
      let table = try Program.run(arguments, in: folder)
      #expect(table.output.split(separator: "\n").count == 4)
      let strange = try Program.run(["bench", "precision", "--precisions", "int3"], in: folder)
      #expect(strange.code == 64 && strange.errors.contains("int3"))
    }
  }

  @Test("each case has its seconds and its arithmetic, and the machine its peaks")
  func kernels() throws {
    try withTemporaryFolder { folder in
      let cases = ["linear 8x16x24", "conv 1x6x5x16>20 k3 up2", "attention 1x9x7x2x8"]
      for precision in ["exact", "int4"] {
        let run = try Program.run(
          ["bench", "kernels", "--precision", precision, "--runs", "2", "--json"]
            + cases.flatMap { ["--case", $0] }, in: folder)
        #expect(run.code == 0, "\(run.errors)")
        let rows = try run.events()
        #expect(rows.dropLast().map { $0["case"]?.string } == cases)
        let operations = rows.dropLast().map { $0["operations"]?.integer }
        #expect(operations == [2 * 8 * 16 * 24, 2 * 12 * 10 * 20 * 16 * 9, 4 * 9 * 7 * 2 * 8])
        #expect(rows.first?["seconds"]?.array?.count == 2)
        #expect((rows.last?["peak_operations_16"]?.double ?? 0) > 1e6)
      }
      for strange in ["linear 8x16", "conv 1x6x5x16>20", "conv 1x6x5x16>20 k5", "sum 3"] {
        let run = try Program.run(["bench", "kernels", "--case", strange], in: folder)
        #expect(run.code == 64 && run.errors.contains(strange), "\(run.errors)")
      }
    }
  }
}
