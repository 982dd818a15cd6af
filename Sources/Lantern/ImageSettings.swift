import LanternModels
public import LanternSamplers

/// A request with every default decided and every number checked.
public struct ImageSettings: Sendable, Equatable {
  /// Size in pixels.
  public let width: Int
  /// See ``width``.
  public let height: Int
  /// Number of denoising steps of the whole schedule.
  public let steps: Int
  /// Strength of guidance.
  public let guidance: Float
  /// Share of guidance's spread that is taken back.
  public let guidanceRescale: Float
  /// Noise levels at which to guide, as sigma; all when nil.
  public let guidanceInterval: ClosedRange<Double>?
  /// Guidance across the answer; nil for none.
  public let projectedGuidance: AdaptiveProjectedGuidance?
  /// Guidance within the range of a weaker one; nil for none.
  public let dynamicThresholding: DynamicThresholding?
  /// Whether guidance is CFG++'s.
  public let usesCFGPlusPlus: Bool
  /// The sampler's name.
  public let sampler: String
  /// The spacing's name; nil for the model's own.
  public let schedule: String?
  /// Share of fresh noise; nil for the sampler's own.
  public let eta: Float?
  /// Whose conventions levels follow.
  public let convention: Convention
  /// The seed.
  public let seed: UInt64
  /// Where other names were asked for than those of what draws: a line each.
  package let notes: [String]

  private static let mostPixels = 4096

  /// Fills in what the request leaves open.
  ///
  /// - Throws: ``RequestError`` for numbers out of range, `SamplerError` for unknown names.
  init(_ request: ImageRequest, _ model: ImageModel) throws {
    let shrink = model.autoencoder.config.downsampling
    let unit = max(8, shrink)
    let native = model.unetConfig.sampleSize
    let picture = request.initialPicture
    func size(_ name: String, _ asked: Int?, _ found: Int?, _ native: Int) throws -> Int {
      // A picture to begin from may have any size; it is resized to the nearest that fits below.
      let size = asked ?? found.map { max(unit, $0 / unit * unit) } ?? native * shrink
      guard size >= unit, size <= Self.mostPixels, size % unit == 0 else {
        throw RequestError.size(name: name, found: size, unit: unit, most: Self.mostPixels)
      }
      return size
    }
    width = try size("width", request.width, picture?.width, native.width)
    height = try size("height", request.height, picture?.height, native.height)
    steps = request.steps ?? model.defaults.steps
    let named = try (request.sampler ?? model.defaults.sampler).map {
      try SamplerCatalogue.meaning(of: $0)
    }
    let curve = try request.schedule.map { try SamplerCatalogue.spacingMeaning(of: $0) }
    sampler = named?.row.name ?? SamplerCatalogue.standard(for: model.schedule).name
    schedule = (curve?.spacing ?? named?.spacing)?.rawValue
    notes = (named?.notes ?? []) + (curve?.notes ?? [])
    usesCFGPlusPlus = request.usesCFGPlusPlus || named?.usesCFGPlusPlus == true
    guidance = request.guidance ?? (usesCFGPlusPlus ? 0.6 : model.defaults.guidance)
    guard (0...(usesCFGPlusPlus ? 1 : 1000)).contains(guidance) else {
      throw RequestError.range(
        name: usesCFGPlusPlus ? "guidance of CFG++" : "guidance", found: "\(guidance)",
        allowed: usesCFGPlusPlus ? "0 to 1" : "0 to 1000")
    }
    guidanceRescale = request.guidanceRescale
    guidanceInterval = request.guidanceInterval
    projectedGuidance = request.projectedGuidance
    dynamicThresholding = request.dynamicThresholding
    if let limits = dynamicThresholding {
      guard projectedGuidance == nil, guidanceRescale == 0 else {
        throw RequestError.needs(
          name: "dynamic thresholding", other: "guidance that is not projected or rescaled")
      }
      guard (0...1000).contains(limits.mimicScale), (0...1).contains(limits.percentile) else {
        throw RequestError.range(
          name: "dynamic thresholding",
          found: "\(limits.mimicScale) with percentile \(limits.percentile)",
          allowed: "a guidance of 0 to 1000 and a percentile of 0 to 1")
      }
    }
    guard (0...1).contains(guidanceRescale) else {
      throw RequestError.range(
        name: "guidance rescale", found: "\(guidanceRescale)", allowed: "0 to 1")
    }
    if usesCFGPlusPlus, sampler != "ddim" {
      throw RequestError.needs(name: "CFG++", other: "the sampler ddim")
    }
    eta = request.eta
    convention = request.convention
    seed = request.seed
    if request.mask != nil, try makeSampler(model.schedule).choosesLevels {
      throw RequestError.needs(name: "a mask", other: "a sampler with a fixed number of steps")
    }
    try Self.check(request, model)
  }

  /// Guidance with all its parts.
  var fullGuidance: Guidance {
    var all = Guidance(scale: guidance)
    all.rescaling = RescaledGuidance(share: guidanceRescale)
    all.interval = guidanceInterval ?? all.interval
    all.projection = projectedGuidance
    all.thresholding = dynamicThresholding
    all.keepsUnguidedNoise = usesCFGPlusPlus
    return all
  }

  /// What the scheduler's file says that this sampler does not heed, a line each; what the folder's own
  /// does not is told when the model is loaded.
  func notes(on schedule: NoiseSchedule) -> [String] {
    let row = try? SamplerCatalogue.row(named: sampler)
    guard let reader = row?.reader(of: schedule), reader != schedule.schedulerClass else {
      return []
    }
    return schedule.notes(for: reader)
  }

  /// The sampler, for a model's schedule.
  func makeSampler(_ schedule: NoiseSchedule) throws -> any Sampler {
    try SamplerCatalogue.row(named: sampler).make(schedule, eta: eta)
  }

  private static func check(_ request: ImageRequest, _ model: ImageModel) throws {
    let layers = model.promptEncoder.layerCount
    guard (0..<layers).contains(request.clipSkip) else {
      throw RequestError.range(
        name: "clip skip", found: "\(request.clipSkip)", allowed: "0 to \(layers - 1)")
    }
    guard request.strength > 0, request.strength <= 1 else {
      throw RequestError.range(
        name: "strength", found: "\(request.strength)", allowed: "a number above 0, up to 1")
    }
    guard request.previewInterval >= 0 else {
      throw RequestError.range(
        name: "preview interval", found: "\(request.previewInterval)", allowed: "0 or more")
    }
    if request.mask != nil, request.initialPicture == nil {
      throw RequestError.needs(name: "a mask", other: "a picture to begin from")
    }
    if model.isInpaintingModel, request.mask == nil {
      throw RequestError.needs(
        name: "this model, which fills holes,", other: "a picture to begin from and a mask")
    }
  }
}
