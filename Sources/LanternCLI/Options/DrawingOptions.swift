import ArgumentParser
import Lantern
import LanternFormats

/// The words, and how they are read.
struct PromptOptions: SettingOptions {
  @Option(.prompt) var prompt: String?

  @Option(
    help: ArgumentHelp(
      "Draw each prompt of a file, from the same seed: \(OptionText.linesHelp). (default: none)",
      valueName: "file"), transform: FileArgument.named)
  var prompts: String?

  @Option(
    help: ArgumentHelp(
      "A language model that adds details to the prompt; it is shown and kept in the file. (default: none)",
      valueName: "model"), transform: FileArgument.named)
  var enrich: String?

  @Option(.negativePrompt) var negativePrompt: String?
  @Option(.prompt2) var prompt2: String?
  @Option(.negativePrompt2) var negativePrompt2: String?
  @Option(.originalSize) var originalSize: String?
  @Option(.cropCorner) var cropCorner: String?
  @Option(.targetSize) var targetSize: String?
  @Flag(.literalPrompt) var literalPrompt = false
  @Option(.promptCache) var promptCache: String?
  @Option(.embeddings) var embeddings: [String] = []
  @Option(.clipSkip) var clipSkip: Int?
}

/// From noise to a picture.
struct SteppingOptions: SettingOptions {
  @Option(.steps) var steps: Int?
  @Option(.eta) var eta: Float?
  @Option(.cache) var cache: String?
  @Option(.refinerStart) var refinerStart: Double?

  @Flag(help: "Draw in a few steps, with the LoRA that the model has for it.")
  var fast = false
}

/// A second pass over what was drawn.
struct HiresOptions: SettingOptions {
  @Option(.hires) var hires: String?
  @Option(.hiresDenoise) var hiresDenoise: Double?
  @Option(.hiresSteps) var hiresSteps: Int?
  @Option(.hiresUpscaler) var hiresUpscaler: String?
  @Option(.hiresPrompt) var hiresPrompt: String?
  @Option(.hiresNegativePrompt) var hiresNegativePrompt: String?
  @Option(.hiresSampler) var hiresSampler: String?
  @Option(.hiresSchedule) var hiresSchedule: String?
  @Option(.hiresGuidance) var hiresGuidance: Float?
}

/// From a latent to pixels.
struct DecodingOptions: SettingOptions {
  @Flag(.tiledDecoding) var tiledDecoding = false
}

/// A picture to begin from, and pictures to draw from.
struct BeginningOptions: SettingOptions {
  @Option(.initialPicture) var initialPicture: String?
  @Option(.strength) var strength: Double?
  @Option(.mask) var mask: String?
  @Flag(.pastesKept) var pastesKept: Bool?
  @Option(.references) var references: [String] = []
}
