import ArgumentParser
import Lantern

/// Pictures that are followed, or stand next to the prompt.
struct ControlOptions: SettingOptions {
  @Option(.controls) var controls: [String] = []
  @Option(.controlStrength) var controlStrength: [Float] = []
  @Option(.controlStart) var controlStart: [Double] = []
  @Option(.controlEnd) var controlEnd: [Double] = []
  @Flag(.guessMode) var guessMode = false
  @Option(.imagePrompts) var imagePrompts: [String] = []
  @Option(.imagePromptScale) var imagePromptScale: [Float] = []
  @Option(.imagePromptStart) var imagePromptStart: [Double] = []
  @Option(.imagePromptEnd) var imagePromptEnd: [Double] = []
  @Option(.imagePromptMask) var imagePromptMask: [String] = []
  @Option(.imageEncoder) var imageEncoder: [String] = []
}
