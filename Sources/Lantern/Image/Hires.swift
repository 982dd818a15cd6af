import LanternPlatform

/// A second pass, stable-diffusion-webui's "Hires. fix": what was drawn is enlarged and drawn again in part, for
/// pictures larger than a model was trained on, which would show things twice if they were drawn at once.
public struct Hires: Sendable, Equatable {
  /// How large the picture becomes.
  public enum Size: Sendable, Equatable {
    /// So many times as wide and high, rounded down to the model's unit.
    case factor(Double)
    /// This size; what goes beyond its ratio is cut off on both sides.
    case pixels(ImageRequest.Size)
  }

  /// How large the picture becomes.
  public var size: Size
  /// How much of the enlarged picture is drawn anew, above 0 up to 1.
  public var denoise = 0.7
  /// Steps of the second pass, all of which are taken; as many as the first has when nil.
  public var steps: Int?
  /// What enlarges: a name of ``LatentUpscaling``, `lanczos`, or the file of a network (``Upscaler``).
  public var upscaler = LatentUpscaling.bilinear.rawValue
  /// The prompt of the second pass, for both text encoders where there are two; the first pass's when nil.
  public var prompt: String?
  /// The negative prompt of the second pass; the first pass's when nil.
  public var negativePrompt: String?
  /// The sampler of the second pass; the first pass's when nil.
  public var sampler: String?
  /// How noise levels of the second pass are spaced; as the first pass's when nil.
  public var schedule: String?
  /// Strength of guidance of the second pass; the first pass's when nil.
  public var guidance: Float?

  /// A second pass of a size.
  public init(_ size: Size) { self.size = size }

  /// The name of the one that enlarges pixels without a network.
  static let lanczos = "lanczos"

  /// What enlarges latents; nil where pixels are enlarged.
  var latentUpscaling: LatentUpscaling? { LatentUpscaling(rawValue: upscaler) }

  /// The file of a network; nil for none.
  package var network: String? {
    latentUpscaling == nil && upscaler != Self.lanczos ? upscaler : nil
  }

  /// The steps of the second pass, for those of the first.
  func steps(after first: Int) -> Int { steps ?? first }

  /// The steps of the schedule whose last ones are taken; webui's rule.
  func scheduleSteps(after first: Int) -> Int {
    Int(min(Double(steps(after: first)) / min(denoise, 0.999), 1e9))
  }

  /// Whether the second pass's picture is as large as the first's; as ``sizes(width:height:unit:)``.
  func enlargesNothing(_ width: Int, _ height: Int, _ unit: Int) -> Bool {
    let first = ImageRequest.Size(width: width / unit, height: height / unit)
    return sizes(width: width, height: height, unit: unit).kept == first
  }

  /// What an enlarged picture is before it is cut, and after, in units of so many pixels.
  ///
  /// - Parameters:
  ///   - width: of the first pass, in pixels.
  ///   - height: of the first pass, in pixels.
  ///   - unit: pixels of a position of the latent.
  /// - Returns: the enlarged size and the size that is kept of its middle, in positions.
  func sizes(width: Int, height: Int, unit: Int) -> (
    whole: ImageRequest.Size, kept: ImageRequest.Size
  ) {
    switch size {
    case .factor(let factor):
      let factor = (0...64).contains(factor) ? factor : 0
      let size = ImageRequest.Size(
        width: Int(Double(width) * factor) / unit, height: Int(Double(height) * factor) / unit)
      return (size, size)
    case .pixels(let wanted):
      let target = ImageRequest.Size(
        width: min(max(wanted.width, 0), 65536), height: min(max(wanted.height, 0), 65536))
      let isWider = target.width * height > width * target.height
      let whole = ImageRequest.Size(
        width: isWider ? target.width : target.height * width / height,
        height: isWider ? target.width * height / width : target.height)
      return (
        ImageRequest.Size(width: whole.width / unit, height: whole.height / unit),
        ImageRequest.Size(
          width: whole.width / unit - (whole.width - target.width) / unit,
          height: whole.height / unit - (whole.height - target.height) / unit)
      )
    }
  }
}

/// How latents are enlarged: `torch.nn.functional.interpolate`, by webui's names.
public enum LatentUpscaling: String, Sendable, CaseIterable {
  /// Bilinear interpolation: webui's "Latent".
  case bilinear = "latent"
  /// The same over a support that grows as pictures shrink.
  case antialiased = "latent-antialiased"
  /// Bicubic interpolation.
  case bicubic = "latent-bicubic"
  /// The same over a support that grows as pictures shrink, and of another curve.
  case bicubicAntialiased = "latent-bicubic-antialiased"
  /// The position before.
  case nearest = "latent-nearest"
  /// The nearest position.
  case nearestExact = "latent-nearest-exact"

  /// The name that webui has for it.
  package var webUIName: String {
    let words = rawValue.split(separator: "-")
    guard words.count > 1 else { return "Latent" }
    let rest = words.dropFirst().joined(separator: " ")
    return "Latent (\(rest == "nearest exact" ? "nearest-exact" : rest))"
  }
}

extension Hires {
  /// Names that are no files.
  package static var names: [String] { LatentUpscaling.allCases.map(\.rawValue) + [lanczos] }

  /// The name of what enlarges, as other programs write it: "Latent (nearest)"; a file as it is.
  package static func upscaler(named name: String) -> String {
    let words = name.lowercased().split { !$0.isLetter }.joined(separator: "-")
    // webui resizes by Lanczos where none is named.
    return words == "none" ? lanczos : names.contains(words) ? words : name
  }

  /// What enlarges, as webui names it: of a network the file's name, without folder and ending.
  package var webUIUpscaler: String {
    guard let network else { return latentUpscaling?.webUIName ?? "Lanczos" }
    let name = FileSystem.split(network).name
    return name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
  }

  /// A size like `2x` or `1024x768`; nil for another text, or one that enlarges less than once or more than
  /// eight times.
  package static func size(_ text: String) -> Size? {
    if let size = ImageRequest.Size(text) { return .pixels(size) }
    guard text.lowercased().hasSuffix("x"), let factor = Double(text.dropLast()),
      (1...8).contains(factor)
    else { return nil }
    return .factor(factor)
  }

  /// The size as text.
  package var sizeText: String {
    switch size {
    case .factor(let factor): "\(Self.short(factor))x"
    case .pixels(let size): "\(size.width)x\(size.height)"
    }
  }

  /// A number without a useless point.
  static func short(_ number: Double) -> String {
    abs(number) < 1e9 && number == number.rounded() ? "\(Int(number))" : "\(number)"
  }
}
