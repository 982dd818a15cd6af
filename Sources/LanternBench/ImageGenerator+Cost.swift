package import Lantern
import LanternSamplers

extension ImageGenerator {
  /// What a picture costs, in evaluations of one latent; 0 of one that will be refused.
  package func cost(of request: ImageRequest) -> Double {
    /// What encoding a prompt and decoding a picture takes.
    let around = 2.0
    var schedule = model.schedule
    schedule.convention = request.convention
    let name = request.sampler ?? model.defaults.sampler
    do {
      let row = try name.map(SamplerCatalogue.row) ?? SamplerCatalogue.default(for: schedule)
      let sampler = try row.make(schedule, eta: request.eta)
      let plan = try sampler.plan(
        steps: request.steps ?? model.defaults.steps, over: schedule,
        spacing: request.schedule.map(SamplerCatalogue.spacing))
      // With guidance an evaluation is of two.
      let latents = (request.guidance ?? model.defaults.guidance) > 1 ? 2.0 : 1
      return Double(try sampler.calls(over: plan).reduce(0, +)) * latents + around
    } catch {
      return 0
    }
  }
}
