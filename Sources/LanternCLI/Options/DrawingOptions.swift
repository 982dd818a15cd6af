import ArgumentParser
import Lantern
import LanternFormats

/// What is to be drawn, and how.
///
/// Values are parsed unconditionally: otherwise `--seed -1` would be an option without its value.
struct DrawingOptions: ParsableArguments {
  @OptionGroup(title: "Prompt options") var words: PromptOptions
  @OptionGroup(title: "Sampling options") var stepping: SteppingOptions
  @OptionGroup(title: "Guidance options") var guiding: GuidanceOptions
  @OptionGroup(title: "Size options") var size: SizeOptions
  @OptionGroup(title: "Size options") var decoding: DecodingOptions
  @OptionGroup(title: "Options for pictures to begin from") var beginning: BeginningOptions

  /// Puts everything that was said into a request.
  ///
  /// - Parameters:
  ///   - request: what was asked for before.
  ///   - argument: the prompt as it stands without an option.
  /// - Throws: an error that names a file that cannot be read.
  func apply(to request: inout ImageRequest, argument: String?) throws {
    try words.apply(to: &request, argument: argument)
    request.steps = stepping.steps ?? request.steps
    // Its guidance is of another kind: what an older picture had means nothing there.
    if let isPlusPlus = guiding.isPlusPlus, isPlusPlus != request.usesCFGPlusPlus {
      request.guidance = nil
    }
    try guiding.apply(to: &request)
    request.sampler = stepping.sampling.sampler ?? request.sampler
    request.schedule = stepping.sampling.schedule ?? request.schedule
    request.eta = stepping.eta ?? request.eta
    request.convention = try stepping.sampling.convention() ?? request.convention
    request.width = size.width ?? request.width
    request.height = size.height ?? request.height
    request.tiledDecoding = request.tiledDecoding || decoding.vaeTiling
    if let seed = stepping.chance.seed { request.seed = seed.number ?? Seed.random() }
    try beginning.apply(to: &request)
  }
}

/// The words, and how they are read.
struct PromptOptions: ParsableArguments {
  @Option(
    name: [.short, .long], parsing: .unconditional,
    help: ArgumentHelp(
      "The prompt, instead of as an argument; @FILE reads it from a file. (default: none)",
      valueName: "text"))
  var prompt: String?

  @Option(
    help: ArgumentHelp(
      "Draw each prompt of a file, from the same seed: \(PromptFile.help). (default: none)",
      valueName: "file"))
  var prompts: String?

  @Option(
    name: [.customShort("n"), .customLong("negative")], parsing: .unconditional,
    help: ArgumentHelp(
      "What should not be drawn; @FILE reads it from a file. (default: none)", valueName: "text"))
  var negative: String?

  @Flag(help: "Take the prompt to the letter, cut at the model's length, as diffusers does.")
  var literal = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Last layers of the text encoder to leave out, counted as diffusers does. (default: 0)",
      valueName: "count"))
  var clipSkip: Int?

  fileprivate func apply(to request: inout ImageRequest, argument: String?) throws(FormatError) {
    if let text = prompt ?? argument { request.prompt = try Self.text(text) }
    if let negative { request.negativePrompt = try Self.text(negative) }
    request.literalPrompt = request.literalPrompt || literal
    request.clipSkip = clipSkip ?? request.clipSkip
  }

  /// The text itself, or that of a file after `@`.
  private static func text(_ argument: String) throws(FormatError) -> String {
    guard argument.hasPrefix("@") else { return argument }
    let text = try PromptFile.text(String(argument.dropFirst()))
    return text.last?.isNewline == true ? String(text.dropLast()) : text
  }
}

/// From noise to a picture.
struct SteppingOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Denoising steps; more is finer and slower. (default: the model's own)", valueName: "count"))
  var steps: Int?

  @OptionGroup var sampling: SamplingOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Share of the noise that is drawn afresh in each step, 0 to 1, for samplers that do. "
        + "(default: the sampler's own)", valueName: "share"))
  var eta: Float?

  @OptionGroup var chance: SeedOptions

  @Flag(help: "Draw in a few steps, with the LoRA that the model has for it.")
  var fast = false
}

/// From a latent to pixels.
struct DecodingOptions: ParsableArguments {
  @Flag(help: "Decode large pictures in tiles, for little memory.")
  var vaeTiling = false
}

/// A picture to begin from.
struct BeginningOptions: ParsableArguments {
  @Option(
    name: [.customShort("i"), .customLong("init")],
    help: ArgumentHelp("A picture to begin from. (default: none)", valueName: "file"))
  var picture: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How much of it is drawn anew, above 0 up to 1. (default: 0.75)", valueName: "share"))
  var strength: Double?

  @Option(help: ArgumentHelp(MaskHelp.text + " (default: none)", valueName: "file"))
  var mask: String?

  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Put back what a mask keeps, byte for byte, with a soft seam; without, all of it goes through the "
        + "autoencoder and changes a little, as in diffusers. (default: --paste)"))
  var paste: Bool?

  mutating func validate() throws {
    if paste != nil, mask == nil {
      throw ValidationError("--paste and --no-paste need a mask: --mask FILE")
    }
    if strength != nil, picture == nil {
      throw ValidationError("--strength needs a picture to begin from: --init FILE")
    }
  }

  fileprivate func apply(to request: inout ImageRequest) throws {
    request.strength = strength ?? request.strength
    if let picture { request.initialPicture = try Picture(contentsOf: picture) }
    if let mask { request.mask = try Mask(contentsOf: mask) }
    request.pastesKept = paste ?? request.pastesKept
  }
}

/// What a mask's colours mean.
enum MaskHelp {
  static let text: String =
    "Where it is drawn anew: white is, black stays, grey counts as white from half as bright on, and "
    + "what is transparent as not painted: it stays. Where all paint has one colour, paint is drawn anew; "
    + "but black paint stays, and holes in it are drawn anew."
}
