import LanternFormats
import LanternSamplers
import TestSupport
import Testing

/// Where samplers differ from others': rows of docs/differences.md.
@Suite("Differences of samplers")
struct DifferencesTests {
  private let betas: [String: JSONValue] = [
    "_class_name": "EulerAncestralDiscreteScheduler", "beta_start": 0.00085, "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
  ]

  private func sigmas(
    _ name: String, _ settings: [String: JSONValue] = [:], spacing: Spacing? = nil
  ) throws -> [Float] {
    let schedule = try schedule(betas.merging(settings) { $1 })
    let sampler = try SamplerCatalogue.row(named: name).make(schedule)
    return try sampler.plan(steps: 8, over: schedule, spacing: spacing).levels.map {
      Float($0.sigma)
    }
  }

  @Test("euler_a takes a curve that is asked for, and not one of the scheduler's file")
  func ancestral() throws {
    let plain = try sigmas("euler_a")
    #expect(try sigmas("euler_a", ["use_karras_sigmas": true]) == plain)
    let curve = try sigmas("euler_a", spacing: .karras)
    #expect(curve != plain)
    #expect(try curve == sigmas("euler", spacing: .karras))
  }

  @Test("a single step of leading timesteps is told t = 1, and with k-diffusion the noisiest")
  func singleStep() throws {
    var schedule = try schedule(
      betas.merging(["timestep_spacing": "leading", "steps_offset": 1]) { $1 })
    for (convention, expected) in [(Convention.diffusers, Float(1)), (.kDiffusion, 999)] {
      schedule.convention = convention
      let sampler = try SamplerCatalogue.row(named: "euler").make(schedule)
      let plan = try sampler.plan(steps: 1, over: schedule)
      #expect(plan.levels.map(\.timestep) == [expected], "\(convention)")
    }
  }
}
