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

  /// Came after the figures were measured; the guide says so.
  private static let later: Set<String> = ["dpm_singlestep_sde"]

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
    for row in SamplerCatalogue.rows where !Self.later.contains(row.name) {
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
        if Self.later.contains(row.name) {
          #expect(guide.contains("`\(row.name)` came later and has no figures"))
          continue
        }
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

  @Test("what the guide says of few steps holds: high order shows less, a model made for them more")
  func fewSteps() throws {
    func right(_ label: String, _ steps: Int) -> Int {
      (results.cell(label, steps)?.right ?? []).count { $0 == true }
    }
    #expect(right("pndm", 8) < right("pndm", 2) && right("ipndm", 8) < right("ipndm", 2))
    #expect(right("dpm++3m_sde", 4) < right("dpm++3m_sde", 1))
    #expect(results.stepsWanted("lms") == results.stepsWanted("euler"))
    for steps in [4, 8] {
      let euler = try #require(results.cell("euler", steps)?.medianDistance)
      #expect(try #require(results.cell("lms", steps)?.medianDistance) > euler)
    }
    #expect(right("fast", 1) == 7 && right("fast", 2) == 8)
    for steps in [4, 8, 16] {
      let fast = try #require(results.cell("fast", steps))
      #expect(try #require(results.nearest(within: steps)).label != "fast")
      let usual = try #require(results.cell("dpm++2m", steps)?.medianSeconds)
      #expect(try (0.4...0.55).contains(#require(fast.medianSeconds) / usual))
    }
  }

  @Test(
    "what the guide says of nearness holds: who never comes near, what two calls a step cost, what is nearest"
  )
  func nearness() throws {
    func distance(_ label: String, _ steps: Int) -> Double {
      results.cell(label, steps)?.medianDistance ?? .nan
    }
    for row in SamplerCatalogue.rows where !Self.later.contains(row.name) {
      // Fresh noise leads to another picture, however many steps there are.
      let drawn = results.settings.steps.map { distance(row.name, $0) }.filter(\.isFinite)
      let draws = (row.defaultEta ?? 0) > 0 || ["ddpm", "lcm"].contains(row.name)
      #expect(drawn.contains { $0 < 0.2 } != draws, "\(row.name)")
    }
    for twice in ["heun", "dpm2"] {
      for once in ["dpm++2m", "deis", "unipc"] {
        #expect(results.cell(twice, 8)?.calls == 15 && results.cell(once, 16)?.calls == 16)
        #expect(distance(twice, 8) > 4 * distance(once, 16), "\(twice), \(once)")
      }
    }
    #expect([1, 2].allSatisfy { results.nearest(within: $0)?.label == "fast" })
    #expect([4, 8, 16].allSatisfy { results.nearest(within: $0)?.sampler == "deis" })
    #expect([32, 64].allSatisfy { results.nearest(within: $0)?.sampler == "lms" })
  }
}
