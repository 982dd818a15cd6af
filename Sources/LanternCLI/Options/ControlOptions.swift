import ArgumentParser
import Lantern

/// Pictures that are followed.
struct ControlOptions: SettingOptions {
  @Option(.controls) var controls: [String] = []
  @Option(.controlStrength) var controlStrength: [Float] = []
  @Option(.controlStart) var controlStart: [Double] = []
  @Option(.controlEnd) var controlEnd: [Double] = []
  @Flag(.guessMode) var guessMode = false
}
