public import LanternLayers
public import LanternSamplers

/// A request with every default decided and every number checked.
public struct ImageSettings: Sendable, Equatable {
  /// Size in pixels that is drawn.
  public internal(set) var width: Int
  /// See ``width``.
  public internal(set) var height: Int
  /// Size in pixels of the picture, where that is another: of models that draw in sizes that they were trained on.
  public let pictureSize: ImageRequest.Size
  /// Number of denoising steps of the whole schedule.
  public let steps: Int
  /// Strength of guidance.
  public let guidance: Float
  /// How closely a model that edits a picture follows it.
  public let imageGuidance: Float
  /// Share of guidance rescaling.
  public let guidanceRescale: Float
  /// Noise levels at which to guide, as sigma; all when nil.
  public let guidanceInterval: ClosedRange<Double>?
  /// Adaptive projected guidance; nil for none.
  public let projectedGuidance: AdaptiveProjectedGuidance?
  /// Dynamic thresholding; nil for none.
  public let dynamicThresholding: DynamicThresholding?
  /// Whether guidance is CFG++'s.
  public let usesCFGPlusPlus: Bool
  /// The sampler's name.
  public let sampler: String
  /// The spacing's name; nil for the model's own.
  public let schedule: String?
  /// Share of fresh noise; nil for the sampler's own.
  public let eta: Float?
  /// The program whose noise levels to follow.
  public let convention: Convention
  /// How features are reused from step to step; nil for none.
  public let cache: StepCache?
  /// Share of the noise schedule after which a refiner takes the steps over.
  public let refinerStart: Double
  /// The seed.
  public let seed: UInt64
  /// Whether guidance is an input of the denoiser.
  let embedsGuidance: Bool
  /// Notes on names of samplers and schedules that another one stands in for: a line each.
  package let notes: [String]

  /// Fills in what the request leaves open.
  ///
  /// - Parameters:
  ///   - request: what is wanted.
  ///   - model: what draws.
  ///   - isSecondPass: whether the size is that of an enlarged picture, which is drawn as it is.
  /// - Throws: ``RequestError`` for numbers out of range, `SamplerError` for unknown names.
  init(_ request: ImageRequest, _ model: ImageModel, isSecondPass: Bool = false) throws {
    let named = try (request.sampler ?? model.defaults.sampler).map {
      try SamplerCatalogue.meaning(of: $0)
    }
    let curve = try request.schedule.map { try SamplerCatalogue.spacingMeaning(of: $0) }
    notes = (named?.notes ?? []) + (curve?.notes ?? [])
    sampler = named?.row.name ?? SamplerCatalogue.default(for: model.schedule).name
    schedule = (curve?.spacing ?? named?.spacing)?.rawValue
    steps = request.steps ?? model.defaults.steps
    usesCFGPlusPlus = request.usesCFGPlusPlus || named?.usesCFGPlusPlus == true
    guidance = request.guidance ?? (usesCFGPlusPlus ? 0.6 : model.defaults.guidance)
    imageGuidance = request.imageGuidance ?? 1.5
    let (unit, native) = (try model.sizeUnit(of: request), model.nativeSize)
    // A picture to begin from may have any size; it is resized to the nearest that fits below.
    func side(_ pixels: Int) -> Int { max(unit, pixels / unit * unit) }
    let picture = request.initialPicture ?? request.controls.first?.picture
    let reference = request.references.first?.picture.flatMap { picture in
      model.referenceForm?.size(of: (picture.width, picture.height), unit: unit)
    }
    width = request.width ?? picture.map { side($0.width) } ?? reference?.width ?? native.width
    height = request.height ?? picture.map { side($0.height) } ?? reference?.height ?? native.height
    pictureSize = ImageRequest.Size(width: width, height: height)
    guidanceRescale = request.guidanceRescale
    guidanceInterval = request.guidanceInterval
    projectedGuidance = request.projectedGuidance
    dynamicThresholding = request.dynamicThresholding
    eta = request.eta
    convention = request.convention
    cache = request.cache
    refinerStart = request.refinerStart ?? 0.8
    embedsGuidance = model.embedsGuidance
    seed = request.seed
    let decided = decided(request)
    try ImageSetting.check(decided, with: model)
    if model.pipeline.hasResolutionBins, !isSecondPass {
      let bin = ResolutionBins.size(width: width, height: height, side: native.width)
      (width, height) = bin
    }
  }

  /// The request that these settings came from, with every default decided.
  func decided(_ request: ImageRequest) -> ImageRequest {
    var decided = request
    (decided.sampler, decided.schedule, decided.steps) = (sampler, schedule, steps)
    (decided.guidance, decided.usesCFGPlusPlus) = (guidance, usesCFGPlusPlus)
    (decided.width, decided.height) = (pictureSize.width, pictureSize.height)
    decided.hires = request.hires?.resolved
    return decided
  }

  /// Guidance by a second evaluation, with all its parts.
  var fullGuidance: Guidance {
    if embedsGuidance { return Guidance(scale: 1) }
    var all = Guidance(scale: guidance)
    all.rescaling = RescaledGuidance(share: guidanceRescale)
    all.interval = guidanceInterval ?? all.interval
    all.projection = projectedGuidance
    all.thresholding = dynamicThresholding
    all.keepsUnguidedNoise = usesCFGPlusPlus
    return all
  }

  /// The timestep below which a refiner predicts, rounded as diffusers rounds it.
  func refinerTimestep(_ schedule: NoiseSchedule) -> Float {
    let steps = Double(schedule.trainingSteps)
    return Float((steps - refinerStart * steps).rounded(.toNearestOrEven))
  }

  /// Settings of the scheduler's file that this sampler does not use, a line each; those that the folder's own
  /// does not use are noted when the model is loaded.
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
}
