import ArgumentParser
import Lantern

/// Where chance begins.
struct SeedOptions: SettingOptions {
  @Option(.seed) var seed: SeedChoice?

  /// The seed that was given; nil for one by chance.
  var number: UInt64? { seed?.number }
}
