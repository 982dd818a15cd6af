import ArgumentParser
import Lantern
import LanternSamplers

/// Which sampler, over which noise levels.
struct SamplingOptions: ParsableArguments {
  @Option(
    name: [.customLong("sampler"), .customLong("sampling-method")],
    help: "One of `lantern samplers`; the model's own by default.")
  var sampler: String?

  @Option(
    name: [.customLong("schedule"), .customLong("scheduler")],
    help: "Spacing of noise levels, like karras or trailing; the model's own by default.")
  var schedule: String?

  @Option(
    help: ArgumentHelp(
      "Whose levels to follow where programs disagree: diffusers or kdiffusion.",
      valueName: "program"))
  var compat: String?

  /// The conventions that were asked for.
  func convention() throws -> Convention? {
    try compat.map { try SamplerCatalogue.convention(named: $0) }
  }
}
