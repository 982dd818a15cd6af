import ArgumentParser
import Lantern
import LanternBench
import LanternSamplers

/// What a bench of samplers measures: each sampler with each schedule, guidance and number of steps.
struct BenchSamplerOptions: SettingOptions {
  typealias Request = SamplerBench.Settings

  @Option(BenchSetting.samplers) var samplers: String?
  @Option(BenchSetting.schedules) var schedules: String?
  @Option(BenchSetting.steps) var steps: String?
  @Option(BenchSetting.guidances) var guidances: String?
  @Option(BenchSetting.caches) var caches: String?
  @Option(BenchSetting.eta) var eta: Float?
  @Option(BenchSetting.convention) var convention: String?

  /// Removes what the model does not have, unless it was named.
  func fit(_ settings: inout SamplerBench.Settings, canBeFast: Bool) {
    guard !canBeFast, samplers ?? "all" == "all" else { return }
    settings.samplers.removeAll { $0 == SamplerBench.Settings.fast }
  }

  /// Removes an eta that no sampler uses, so that the bench stays the same.
  ///
  /// - Returns: a note on the samplers that do not use it, if there are any.
  func takeIdleEta(from settings: inout SamplerBench.Settings) -> [String] {
    let idle = settings.etaless
    if Set(idle) == Set(settings.samplers) { settings.eta = nil }
    guard !idle.isEmpty else { return [] }
    return [
      "--eta has no effect on \(idle.joined(separator: ", ")): how much noise they draw "
        + "is no choice"
    ]
  }
}
