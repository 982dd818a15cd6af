import ArgumentParser
import Lantern
import LanternFormats

/// What is to be drawn, in the spellings that people's fingers know.
///
/// Values are parsed unconditionally: otherwise `--seed -1` would be an option without its value.
struct DrawingOptions: ParsableArguments {
  @Option(
    name: [.short, .long], parsing: .unconditional,
    help: ArgumentHelp(
      "The prompt, instead of as an argument; @FILE reads it from a file.", valueName: "text"))
  var prompt: String?

  @Option(
    name: [.customShort("n"), .customLong("negative"), .customLong("negative-prompt")],
    parsing: .unconditional,
    help: ArgumentHelp("What should not be drawn; @FILE reads it from a file.", valueName: "text"))
  var negative: String?

  @Option(
    name: [.customLong("steps"), .customLong("step-count")], parsing: .unconditional,
    help: "Denoising steps; more is finer and slower. The model's own default.")
  var steps: Int?

  @Option(
    name: [
      .customShort("g"), .customLong("guidance"), .customLong("cfg-scale"),
      .customLong("guidance-scale"), .customLong("cfg"),
    ], parsing: .unconditional,
    help: "How closely to follow the prompt; 1 is not at all more than the model would.")
  var guidance: Float?

  @OptionGroup var guiding: GuidanceOptions
  @OptionGroup var sampling: SamplingOptions

  @Option(
    parsing: .unconditional,
    help: "Share of the noise that is drawn afresh in each step, 0 to 1, for samplers that do.")
  var eta: Float?

  @OptionGroup var chance: SeedOptions

  @OptionGroup var size: SizeOptions

  @Option(
    name: [.customShort("i"), .customLong("init"), .customLong("init-img"), .customLong("image")],
    help: ArgumentHelp("A picture to begin from.", valueName: "file"))
  var initialPicture: String?

  @Option(
    parsing: .unconditional,
    help: "How much of it is drawn anew, above 0 up to 1; 0.75 by default.")
  var strength: Double?

  @Option(help: ArgumentHelp(MaskHelp.text, valueName: "file"))
  var mask: String?

  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Put back what a mask keeps, byte for byte, with a soft seam (default: --paste); without, all of it "
        + "goes through the autoencoder and changes a little, as in diffusers."))
  var paste: Bool?

  @Option(
    parsing: .unconditional,
    help: "Last layers of the text encoder to leave out, counted as diffusers does: 0 for none.")
  var clipSkip: Int?

  @Flag(help: "Decode large pictures in tiles, for little memory.")
  var vaeTiling = false

  @Flag(help: "Take the prompt to the letter, cut at the model's length, as diffusers does.")
  var literal = false

  mutating func validate() throws {
    if paste != nil, mask == nil {
      throw ValidationError("--paste and --no-paste need a mask: --mask FILE")
    }
  }

  /// Puts everything that was said into a request.
  ///
  /// - Parameters:
  ///   - request: what was asked for before.
  ///   - argument: the prompt as it stands without an option.
  /// - Throws: an error that names a file that cannot be read.
  func apply(to request: inout ImageRequest, argument: String?) throws {
    if let text = prompt ?? argument { request.prompt = try Self.text(text) }
    if let negative { request.negativePrompt = try Self.text(negative) }
    request.steps = steps ?? request.steps
    // Its guidance is of another kind: what an older picture had means nothing there.
    if let isPlusPlus = guiding.isPlusPlus, isPlusPlus != request.usesCFGPlusPlus {
      request.guidance = nil
    }
    request.guidance = guidance ?? request.guidance
    try guiding.apply(to: &request)
    request.sampler = sampling.sampler ?? request.sampler
    request.schedule = sampling.schedule ?? request.schedule
    request.eta = eta ?? request.eta
    request.convention = try sampling.convention() ?? request.convention
    request.width = size.width ?? request.width
    request.height = size.height ?? request.height
    request.strength = strength ?? request.strength
    request.clipSkip = clipSkip ?? request.clipSkip
    request.tiledDecoding = request.tiledDecoding || vaeTiling
    request.literalPrompt = request.literalPrompt || literal
    if let initialPicture { request.initialPicture = try Picture(contentsOf: initialPicture) }
    if let mask { request.mask = try Mask(contentsOf: mask) }
    request.pastesKept = paste ?? request.pastesKept
    if let seed = chance.seed { request.seed = seed.number ?? Seed.random() }
  }

  /// The text itself, or that of a file after `@`.
  private static func text(_ argument: String) throws(FormatError) -> String {
    guard argument.hasPrefix("@") else { return argument }
    let path = String(argument.dropFirst())
    let bytes = try FileSystem.read(path, limit: 1 << 20, isPipeAllowed: true)
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw .unsupportedFileKind(path: path, remedy: "is not text in UTF-8: save it as UTF-8")
    }
    return text.last?.isNewline == true ? String(text.dropLast()) : text
  }
}

/// What a mask's colours mean.
enum MaskHelp {
  static let text: String =
    "Where it is drawn anew: white is, black stays, grey counts as white from half as bright on, and "
    + "what is transparent as not painted: it stays. Where all paint has one colour, paint is drawn anew; "
    + "but black paint stays, and holes in it are drawn anew."
}
