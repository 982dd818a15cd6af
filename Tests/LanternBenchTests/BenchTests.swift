import LanternBench
import LanternFormats
import TestSupport
import Testing

@Suite struct BenchTests {
  private static func results(
    _ cells: String, model: String = "m", more settings: String = ""
  ) throws -> BenchResults {
    try withTemporaryFolder { folder in
      let text = """
        {"model": "\(model)", "machine": {"threads": 2}, "settings": {"samplers": ["euler"],
        "schedules": ["", "karras"], "steps": [2], "prompts": ["a fox"], "seeds": ["1"]\(settings)},
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

  @Test("results are read as they were written, and summed up by their middle")
  func reading() throws {
    let found = try Self.results(Self.cell)
    #expect(found.settings.schedules == [nil, "karras"] && found.settings.seeds == [1])
    let cell = try #require(found.cells.first)
    #expect(cell.medianSeconds == 2 && cell.medianDistance == 0.3 && cell.meanDecibels == 25)
    #expect(cell.accuracy == 0.75 && cell.name == "euler-2")
    #expect(found.csv.hasSuffix("\neuler,,2,2,2.0,1.0,3.0,0.3,25.0,0.75,,\n"))
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
