public import LanternLayers
public import LanternSamplers

/// A request for a picture. Everything but the prompt has a default that suits the model.
///
/// How to add a setting stands in Settings/ImageSetting+Table.swift.
public struct ImageRequest: Sendable {
  /// The prompt: what the picture shows.
  public var prompt: String
  /// The prompt that a language model made, and what it was made from: ``take(_:)``.
  var enrichedPrompt: EnrichedPrompt?
  /// The negative prompt: what it should not show.
  public var negativePrompt = ""
  /// Embeddings of textual inversion, whose words may stand in both prompts.
  public var embeddings: [TextualInversion] = []
  /// The prompt of the second text encoder, where the model has one (SDXL); ``prompt`` when nil.
  public var prompt2: String?
  /// The negative prompt of the second text encoder; ``negativePrompt`` when nil.
  public var negativePrompt2: String?
  /// Size in pixels of the pictures to draw like, before they were cropped to be trained on (SDXL): smaller
  /// ones are less sharp; the size of the picture when nil.
  public var originalSize: Size?
  /// Where pictures to draw like were cropped (SDXL): more than 0 cuts things off; (0, 0) when nil.
  public var cropCorner: Corner?
  /// Size in pixels after cropping (SDXL); the size of the picture when nil.
  public var targetSize: Size?
  /// Size in pixels, multiples of 8; the model's own when nil.
  public var width: Int?
  /// See ``width``.
  public var height: Int?
  /// A second pass over what was drawn, enlarged; none when nil.
  public var hires: Hires?
  /// Number of denoising steps; the model's own when nil.
  public var steps: Int?
  /// Strength of classifier-free guidance; 1 and less mean none; the model's own when nil.
  public var guidance: Float?
  /// How closely models that edit a picture follow it, 1 or more (InstructPix2Pix); 1.5 when nil.
  public var imageGuidance: Float?
  /// Share of guidance rescaling, 0…1: how much of the contrast that guidance adds is taken back
  /// (`RescaledGuidance`).
  public var guidanceRescale: Float = 0
  /// Guidance interval: noise levels at which to guide, as sigma; all when nil.
  public var guidanceInterval: ClosedRange<Double>?
  /// Adaptive projected guidance: orthogonal to the prediction rather than along it; none when nil.
  public var projectedGuidance: AdaptiveProjectedGuidance?
  /// Dynamic thresholding: keeps strong guidance within the range of a weaker one; none when nil.
  public var dynamicThresholding: DynamicThresholding?
  /// Whether to guide as CFG++ does, with the sampler `ddim` and ``guidance`` from 0 to 1.
  public var usesCFGPlusPlus = false
  /// A name from `SamplerCatalogue`; the one that the model's folder names when nil.
  public var sampler: String?
  /// How noise levels are spaced: a name from `Spacing`; the model's own way when nil.
  public var schedule: String?
  /// Eta: share of the noise that is drawn afresh in each step, 0…1; the sampler's own when nil.
  public var eta: Float?
  /// The program whose noise levels to follow where programs disagree.
  public var convention = Convention.diffusers
  /// Share of the noise schedule, 0…1, after which the refiner takes the steps over, where there is one;
  /// diffusers' `denoising_end` and `denoising_start`; 0.8 when nil.
  public var refinerStart: Double?
  /// How features of the denoiser are reused from one step to the next, for fewer seconds; none when nil.
  public var cache: StepCache?
  /// Seed of the noise, PyTorch's: the same seed draws the same picture. A random one for each new
  /// request.
  public var seed: UInt64 = Seed.random()
  /// A picture to begin from.
  public var initialPicture: Picture?
  /// How much of ``initialPicture`` is drawn anew, 0…1.
  public var strength = 0.75
  /// Where ``initialPicture`` is drawn anew (white) and where it stays (black).
  public var mask: Mask?
  /// Whether what ``mask`` keeps is put back from ``initialPicture`` in the end, byte for byte, with a soft seam inside
  /// of what is drawn. Without, all of it goes through the autoencoder, which changes it a little, as in diffusers.
  public var pastesKept = true
  /// Pictures to draw from as the prompt says, of models that take them (FLUX.1 Kontext, FLUX.2 klein).
  public var references: [ReferencePicture] = []
  /// ControlNets, and the pictures that they make the drawn one follow.
  public var controls: [Control] = []
  /// Whether ``controls`` are followed without the help of words: less at the edges of the network, and
  /// where there is guidance in the prompt's half alone (diffusers' `guess_mode`).
  public var guessMode = false
  /// IP-Adapters, and the pictures that stand next to the prompt by them.
  public var imagePrompts: [ImagePrompt] = []
  /// Whether networks and embeddings are named as a server has them, and no file here has these names.
  package var namesServerFiles = false
  /// The text encoder's last layers to leave out for the prompt (`clip_skip`); the negative prompt takes all.
  public var clipSkip = 0
  /// A folder in which to keep what large text encoders make of prompts, for a prompt to be drawn again; none when
  /// nil. The pictures are the same to the bit.
  public var promptCache: String?
  /// Whether large pictures are decoded, and those to begin from encoded, in overlapping tiles, for little memory.
  public var tiledDecoding = false
  /// Whether the prompt is taken to the letter and cut at the text encoder's length, as diffusers
  /// does, instead of reading `(weights:1.2)` and going on beyond it, as stable-diffusion-webui
  /// does.
  public var literalPrompt = false
  /// After how many steps a preview is decoded; 0 for none.
  public var previewInterval = 0
  /// How previews are decoded.
  public var previewMethod = PreviewMethod.automatic

  /// A request for a picture of `prompt`.
  public init(prompt: String) { self.prompt = prompt }
}
