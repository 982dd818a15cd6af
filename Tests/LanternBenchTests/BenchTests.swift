import Lantern
import LanternBench
import LanternFormats
import LanternSamplers
import LanternTensor
import TestSupport
import Testing

@Suite struct BenchTests {
  private static func results(
    _ cells: String, model: String = "m", prompts: String = "\"a fox\"", more settings: String = ""
  ) throws -> BenchResults {
    try withTemporaryFolder { folder in
      let text = """
        {"model": "\(model)", "machine": {"threads": 2}, "settings": {"samplers": ["euler"],
        "schedules": ["", "karras"], "steps": [2], "prompts": [\(prompts)], "seeds": ["1"]\(settings)},
        "cells": [\(cells)]}
        """
      try AtomicFile.write(Array(text.utf8), to: folder + "/results.json")
      return try BenchResults(contentsOf: folder + "/results.json")
    }
  }

  private static let cell = """
    {"sampler": "euler", "steps": 2, "calls": 2, "seconds": [3, 1, 2], "distances": [0.5, 0.1],
    "decibels": [20, 30], "right": [1, 0, 1, 1]}
    """

  @Test("the time left is reckoned from evaluations, with the model's own schedule and a curve")
  func costs() throws {
    let generator = try ImageGenerator(folder: fixture("tiny_model"))
    func cost(_ sampler: String, _ schedule: String?, _ guidance: Float) -> Double {
      var request = ImageRequest(prompt: "a fox")
      (request.sampler, request.schedule, request.guidance) = (sampler, schedule, guidance)
      request.steps = 4
      return generator.cost(of: request)
    }
    for schedule in [nil, "karras"] {
      #expect(cost("euler", schedule, 1) == 4 + 2)
      #expect(cost("euler", schedule, 4) == 8 + 2)
      #expect(cost("heun", schedule, 1) == 7 + 2)
    }
    #expect(cost("nobody", nil, 1) == 0)
  }

  @Test("results are read as they were written, and summed up by their middle")
  func reading() throws {
    let found = try Self.results(Self.cell)
    #expect(found.settings.schedules == [nil, "karras"] && found.settings.seeds == [1])
    let cell = try #require(found.cells.first)
    #expect(cell.medianSeconds == 2 && cell.medianDistance == 0.3 && cell.meanDecibels == 25)
    #expect(cell.accuracy == 0.75 && cell.name == "euler-2")
  }

  /// Rows by the names of the first.
  private func table(_ text: String) -> [[String: String]] {
    let lines = text.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    return lines.dropFirst().map {
      Dictionary(zip(lines[0], $0), uniquingKeysWith: { first, _ in first })
    }
  }

  @Test(
    "a row a cell has medians, means and their intervals, and nothing where nothing was measured")
  func cellTable() throws {
    let rows = table(
      try Self.results(
        Self.cell + ", {\"sampler\": \"lcm\", \"steps\": 99, \"refusal\": \"too many\"}"
      ).csv)
    let row = rows[0]
    #expect(row["median_seconds"] == "2.0" && row["least_seconds"] == "1.0")
    #expect(row["median_distance"] == "0.3" && row["distance_low"] == "")
    #expect(row["mean_decibels"] == "25.0" && row["calls"] == "2" && row["pictures"] == "3")
    #expect(row["accuracy"] == "0.75" && row["accuracy_low"]?.hasPrefix("0.300") == true)
    #expect(
      rows[1].filter { !$0.value.isEmpty } == [
        "sampler": "lcm", "steps": "99", "refusal": "too many",
      ])
  }

  @Test("a row a picture has its prompt and its seed, and what the judge said of it alone")
  func pictureTable() throws {
    let found = try Self.results(
      """
      {"sampler": "euler", "steps": 2, "calls": 2, "seconds": [3, 1], "distances": [0.5, 0.1],
      "decibels": [20, 30], "right": [null, 1]},
      {"sampler": "ddim", "steps": 2, "calls": 2, "seconds": [3, 1], "distances": [0.5, 0.1],
      "decibels": [20, 30], "right": [1]},
      {"sampler": "lcm", "steps": 99, "refusal": "too many"}
      """, prompts: #""a fox", "say \"hi\u0301\", fox""#)
    let lines = found.picturesCSV.split(separator: "\n")
    #expect(lines.count == 5)
    #expect(lines[1] == "euler,,,2,a fox,1,2,3.0,0.5,20.0,,")
    #expect(lines[2] == "euler,,,2,\"say \"\"hi\u{301}\"\", fox\",1,2,1.0,0.1,30.0,1,")
    // Of an answer that may be any picture's nothing is said.
    #expect(lines[3].hasSuffix(",20.0,,") && lines[4].hasSuffix(",30.0,,"))
  }

  @Test(
    "what differs for all cells is named; other samplers, schedules, guidances and steps may be added"
  )
  func settings() throws {
    let one = try Self.results(Self.cell).settings
    var other = one
    other.samplers = ["heun"]
    other.steps = [1, 2]
    other.guidances = [3]
    #expect(other.differences(from: one).isEmpty)
    let both = other.joined(to: one)
    #expect(both.samplers == ["euler", "heun"] && both.steps == [1, 2])
    #expect(both.guidances == [nil, 3] && both.cells.count == 2 * 2 * 2 * 2)
    (other.seeds, other.width, other.eta) = ([7], 64, 0.5)
    (other.convention, other.precision) = (.kDiffusion, .int8)
    #expect(other.differences(from: one) == ["seeds", "size", "eta", "compat", "precision"])
  }

  @Test("--eta has no effect on samplers without a say in it, which are named")
  func eta() throws {
    var settings = try Self.results(Self.cell).settings
    settings.samplers = ["ddim", "euler", "euler_a", "fast"]
    #expect(settings.etaless.isEmpty)
    settings.eta = 0.5
    #expect(settings.etaless == ["euler", "fast"])
  }

  @Test("steps are enough from where all but one picture in eight are right, whatever comes after")
  func enough() throws {
    func cell(_ steps: Int, _ right: Int) -> String {
      let answers = (0..<8).map { $0 < right ? "1" : "0" }.joined(separator: ",")
      return "{\"sampler\": \"euler\", \"steps\": \(steps), \"right\": [\(answers)]}"
    }
    func wanted(_ cells: String...) throws -> Int? {
      try Self.results(cells.joined(separator: ",")).stepsWanted("euler")
    }
    #expect(try wanted(cell(1, 0), cell(2, 7), cell(4, 8)) == 2)
    #expect(try wanted(cell(1, 8), cell(2, 6), cell(4, 8)) == 4)
    #expect(try wanted(cell(1, 8), cell(2, 6)) == nil)
  }

  @Test("the nearest is sought among cells of its guidance, and those with guidance baked in")
  func nearest() throws {
    func cell(_ sampler: String, _ calls: Int, _ distance: Double, _ guidance: String = "null")
      -> String
    {
      """
      {"sampler": "\(sampler)", "steps": \(calls), "calls": \(calls), "guidance": \(guidance), \
      "distances": [\(distance)]}
      """
    }
    let cells = [
      cell("euler", 2, 0.5), cell("heun", 4, 0.25), cell("ddim", 2, 0.125, "3"),
      cell("unipc", 4, 0.0625, "3"),
    ]
    func name(_ cells: [String], _ calls: Int, _ guidance: Float?) throws -> String? {
      let found = try Self.results(
        cells.joined(separator: ","), more: ", \"guidances\": [null, 3]")
      return found.nearest(within: calls, guidance: guidance)?.name
    }
    #expect(try name(cells, 3, nil) == "euler-2" && name(cells, 4, nil) == "heun-4")
    #expect(try name(cells, 3, 3) == "ddim-2-g3.0" && name(cells, 4, 3) == "unipc-4-g3.0")
    #expect(try name(cells, 1, 3) == nil && name(cells, 4, 5) == nil)
    let fast = cells + [cell("fast", 2, 0.03125)]
    #expect(try name(fast, 4, 3) == "fast-2" && name(fast, 4, nil) == "fast-2")
  }

  @Test("a file that is no bench's is refused by name")
  func damaged() throws {
    try withTemporaryFolder { folder in
      for text in ["", "[]", "{}", "{\"model\": 3}", "{\"model\": \"m\", \"settings\": []}"] {
        try AtomicFile.write(Array(text.utf8), to: folder + "/results.json")
        #expect(throws: FormatError.self) {
          try BenchResults(contentsOf: folder + "/results.json")
        }
      }
    }
  }

  @Test("two benches are compared cell by cell, with what is within noise said so")
  func comparison() throws {
    let old = try Self.results(Self.cell)
    let new = try Self.results(
      """
      {"sampler": "euler", "steps": 2, "calls": 2, "seconds": [4, 5, 4.5], "distances": [0.15, 0.15],
      "decibels": [30], "right": [1, 1, 1, 1]},
      {"sampler": "lcm", "steps": 99, "refusal": "too many"}
      """)
    let comparison = BenchComparison(old: old, new: new)
    #expect(comparison.rows.count == 1 && comparison.unmatched == 1)
    let row = try #require(comparison.rows.first)
    #expect(row.secondsRatio == 2.25 && row.isTimeBeyondNoise && row.distanceRatio == 0.5)
    #expect(row.accuracyChange == 0.25)
    // Of 3 of 4 and 4 of 4: 5 of 8 and 6 of 8.
    let variance = (0.625 * 0.375 + 0.75 * 0.25) / 8
    #expect(abs(row.accuracyNoise - 1.96 * variance.squareRoot()) < 1e-9)
    let few = try Self.results(
      """
      {"sampler": "euler", "steps": 2, "calls": 2, "seconds": [9], "distances": [0.3], "right": []}
      """)
    #expect(BenchComparison(old: old, new: few).rows.allSatisfy { !$0.isTimeBeyondNoise })
    #expect(BenchComparison(old: old, new: old).rows.allSatisfy { !$0.isTimeBeyondNoise })
    #expect(comparison.differences.isEmpty)
    let others = try Self.results(
      Self.cell, model: "n", more: ", \"loras\": [\"style:1\"], \"judge\": \"ab\"")
    #expect(BenchComparison(old: old, new: others).differences == ["model", "LoRAs", "judge"])
  }
}
