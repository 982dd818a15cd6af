import ArgumentParser
import Lantern

/// The seed.
struct SeedOptions: SettingOptions {
  @Option(.seed) var seed: SeedChoice?

  /// The seed that was given; nil for a random one.
  var number: UInt64? { seed?.number }
}
