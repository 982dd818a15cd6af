import ArgumentParser
import Lantern
import LanternSamplers

/// Which sampler, over which noise levels.
struct SamplingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("One of lantern samplers. (default: the model's own)", valueName: "name"))
  var sampler: String?

  @Option(
    help: ArgumentHelp(
      "Spacing of noise levels, like karras or trailing. (default: the model's own)",
      valueName: "name"))
  var schedule: String?

  @Option(
    help: ArgumentHelp(
      "Whose levels to follow where programs disagree, diffusers or kdiffusion. (default: diffusers)",
      valueName: "program"))
  var compat: String?

  /// The conventions that were asked for.
  func convention() throws -> Convention? {
    try compat.map { try SamplerCatalogue.convention(named: $0) }
  }
}
