import Foundation
import LanternBench
import LanternSamplers
import TestSupport
import Testing

/// What is said of samplers, held against samples/samplers/results.json.
@Suite struct SamplerGuideTests {
  private let results: BenchResults
  private let guide: String

  init() throws {
    results = try BenchResults(contentsOf: repositoryPath("samples/samplers/results.json"))
    guide = try Self.text("docs/samplers.md")
  }

  private static func text(_ path: String) throws -> String {
    try String(contentsOfFile: repositoryPath(path), encoding: .utf8)
  }

  @Test("the tables of docs/samplers.md and samples/samplers are those of its figures")
  func tables() throws {
    let begin = try #require(guide.range(of: "<!-- tools/docs/samplers puts this here -->\n"))
    let end = try #require(guide.range(of: "<!-- up to here -->"))
    #expect(guide[begin.upperBound..<end.lowerBound] == results.markdown)
    #expect(try Self.text("samples/samplers/results.csv") == results.csv)
    #expect(try Self.text("samples/samplers/pictures.csv") == results.picturesCSV)
    #expect(try Self.text("samples/samplers/results.md") == results.markdown)
  }

  @Test("every sampler of the catalogue has its figures, refused ones of cells apart")
  func complete() {
    for row in SamplerCatalogue.rows {
      #expect(results.cells.count { $0.sampler == row.name } == results.settings.steps.count)
    }
  }

  @Test(
    "from how many steps on a sampler is right is said as it was measured, in the guide and in `lantern samplers`"
  )
  func advice() throws {
    for row in SamplerCatalogue.rows {
      guard let found = row.summary.firstMatch(of: /from (\d+) steps?/) else {
        // These are for models of another kind, or choose their own steps.
        #expect(["dpm_adaptive", "lcm", "tcd"].contains(row.name), "\(row.name)")
        #expect(row.name == "dpm_adaptive" || row.summary.contains("distilled"))
        continue
      }
      #expect(Int(found.output.1) == results.stepsWanted(row.name), "\(row.name)")
      // No other number of steps is promised.
      #expect(row.summary.matches(of: /\b\d+\b/).count == 1, "\(row.name)")
    }
    let claims = guide.matches(of: /`([a-z0-9+_]+)` \(from (\d+)\)/)
    #expect(claims.count > 8)
    for claim in claims {
      let label = String(claim.output.1)
      #expect(Int(claim.output.2) == results.stepsWanted(label), "\(label)")
    }
  }

  @Test(
    "what the guide says of nearness holds: who never comes near, what two calls a step cost, what is nearest"
  )
  func nearness() throws {
    func distance(_ label: String, _ steps: Int) -> Double {
      results.cell(label, steps)?.medianDistance ?? .nan
    }
    for row in SamplerCatalogue.rows {
      // Fresh noise leads to another picture, however many steps there are.
      let drawn = results.settings.steps.map { distance(row.name, $0) }.filter(\.isFinite)
      let draws = (row.standardEta ?? 0) > 0 || ["ddpm", "lcm"].contains(row.name)
      #expect(drawn.contains { $0 < 0.2 } != draws, "\(row.name)")
    }
    for twice in ["heun", "dpm2"] {
      for once in ["dpm++2m", "deis", "unipc"] {
        #expect(results.cell(twice, 8)?.calls == 15 && results.cell(once, 16)?.calls == 16)
        #expect(distance(twice, 8) > 4 * distance(once, 16), "\(twice), \(once)")
      }
    }
    #expect([4, 8, 16].allSatisfy { results.nearest(within: $0)?.sampler == "deis" })
    #expect([32, 64].allSatisfy { results.nearest(within: $0)?.sampler == "lms" })
  }
}
