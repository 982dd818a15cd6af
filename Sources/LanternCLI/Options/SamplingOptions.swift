import ArgumentParser
import Lantern

/// Which sampler, over which noise levels.
struct SamplingOptions: SettingOptions {
  @Option(.sampler) var sampler: String?
  @Option(.schedule) var schedule: String?
  @Option(.convention) var convention: String?
}
