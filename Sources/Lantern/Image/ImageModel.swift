import LanternPlatform
import LanternFormats
import LanternLayers
import LanternModels
package import LanternSamplers
package import LanternTensor

/// All parts of a text-to-image model, loaded from a folder as diffusers lays it out or from one file.
package struct ImageModel: Sendable {
  /// Path of the folder or file it was loaded from.
  package let path: String
  let conditioner: any TextConditioner
  let denoiser: ModelPart<any DenoiserNetwork, any Error>
  /// The geometry of the denoiser's latents.
  let geometry: LatentGeometry
  /// Whether guidance is an input of the denoiser, and no second evaluation.
  let embedsGuidance: Bool
  let codec: any LatentCodec
  /// What decodes pictures: the codec, or a small decoder in its place.
  let decoder: any LatentCodec
  /// How previews get from latents to colours without a decoder; nil where that is not known.
  let latentColours: LatentColours?
  /// Path of the small decoder; nil for the codec's own.
  let tinyDecoder: String?
  /// ControlNets and T2I-Adapters that were needed, by their paths.
  private let controlNetworks = AddOnCache<any ControlNetwork>()
  /// IP-Adapters that were needed, and the vision encoders before them.
  let ipAdapters = AddOnCache<any ImagePromptAdapter>()
  let imageEncoders = AddOnCache<any ImageEncoder>()
  package let schedule: NoiseSchedule
  package let defaults: ModelDefaults
  /// What its files say of its being distilled to few steps; nil where they say nothing.
  let fewSteps: FewSteps?
  /// Its kind.
  let pipeline: Pipeline
  /// Its class of pipeline, and the files of its text encoders and tokenizers.
  let pipelineClass: String
  let encoderFiles: [String]
  /// Whether it was loaded for few steps.
  let isFast: Bool
  /// What was added to its weights.
  let loras: [LoRA]
  /// Hashes of their files by their names, as far as they are known.
  package let loraHashes: [String: String]
  /// The variant of its weights, as `fp16`; nil for the plain ones.
  let variant: String?
  /// What goes before its own parts.
  let parts: ModelParts
  /// What it computes in.
  package let precision: Precision
  /// A hash of the denoiser's weights, as stable-diffusion-webui's of a model's; nil where its digest would
  /// take as long as a step of drawing.
  package let hash: String?
  /// Notes on its files: settings without an effect, and files that disagree; a line each.
  let notes: [String]

  /// Loads every part but the codec's encoder. The files are read again where that, or a part that
  /// was released, is needed: they must stay as they are.
  ///
  /// - Parameters:
  ///   - path: the folder or file.
  ///   - parts: what goes before its own parts.
  ///   - loras: what is added to the weights.
  ///   - isFast: whether to add the folder's own LoRA for few steps, and use its settings.
  ///   - variant: of the weights, as `fp16`; the plain ones when nil.
  ///   - tinyDecoder: a file or folder of a small decoder; the model's own when nil.
  ///   - precision: what it computes in.
  /// - Throws: an error of the room where something is wrong; each says which file, what, and the
  ///   remedy.
  package init(
    _ path: String, with parts: ModelParts = ModelParts(), adding loras: [LoRA] = [],
    isFast: Bool = false, variant: String? = nil, tinyDecoder: String? = nil,
    precision: Precision = .default
  ) throws {
    let source = try parts.source(at: path)
    let pipeline = try Pipeline.of(source)
    // What is missing is found before gigabytes are read.
    let lacking = pipeline.optionalParts.subtracting(source.componentNames)
    for part in pipeline.parts where !lacking.contains(part) { _ = try source.component(part) }
    (self.path, self.parts, self.pipeline) = (source.path, parts, pipeline)
    let fewSteps = try FewSteps(source, pipeline)
    self.fewSteps = fewSteps
    self.defaults = try ModelDefaults(
      folder: source.path, steps: fewSteps?.steps ?? pipeline.steps,
      guidance: fewSteps?.guidance ?? pipeline.guidance, isFast: isFast)
    self.isFast = isFast
    self.loras = loras
    self.loraHashes = try loras.reduce(into: [:]) { $0[$1.name] = try $1.shortHash() }
    self.variant = variant
    self.precision = precision
    let all = (defaults.lora.map { [LoRA($0)] } ?? []) + loras
    let names = source.transformerKind?.names
    let adapters = try all.flatMap { try $0.adapters(alsoIn: names) }
    let reader = PartReader(source, variant: variant, adding: adapters, precision: precision)
    self.schedule = try source.noiseSchedule(pipeline.times)
    self.conditioner = try pipeline.conditioner(reader)
    self.denoiser = ModelPart {
      try reader.read(pipeline.denoiser, ModelCatalogue.denoisers, precision)
    }
    // A large one is read when it is needed: after the text encoder, which is large too, is released.
    let denoiser =
      pipeline.isLarge && adapters.isEmpty
      ? try reader.read(pipeline.denoiser, ModelCatalogue.denoisers, precision, isPlan: true)
      : try denoiser()
    pipelineClass = source.pipelineClass
    encoderFiles = pipeline.parts.sorted().flatMap { part in
      reader.encoderFiles(of: part)
    }
    self.geometry = denoiser.geometry
    self.embedsGuidance = denoiser.embedsGuidance
    self.hash = try Self.hash(of: reader.files(of: pipeline.denoiser))
    let small = precision.ofSmallParts
    let codec = try reader.read(pipeline.codec, ModelCatalogue.latentCodecs, small)
    self.codec = codec
    self.latentColours = pipeline.latentColours.flatMap { $0.fits(codec) ? $0 : nil }
    self.tinyDecoder = tinyDecoder
    self.decoder =
      try tinyDecoder.map { try TinyDecoder.load($0, for: codec, small) } ?? codec
    let recognised = [fewSteps?.note(source.path, defaults)].compactMap { $0 }
    self.notes =
      try recognised + source.notes + source.disagreements(among: pipeline.parts)
      + schedule.fileNotes + schedule.notes(for: schedule.schedulerClass)
      + conditioner.notes + reader.notes { $0 }
      + adapters.flatMap { try $0.notes + [$0.checkFit()].compactMap(\.self) }
      + [precision.note].compactMap { $0 }
    try reader.checkVariant()
    try checkFit(denoiser)
  }

  /// Parts of different models may each be sound and yet not fit.
  private func checkFit(_ denoiser: any DenoiserNetwork) throws {
    let latents = codec.latentChannels
    guard denoiser.conditioningFeatures == conditioner.features else {
      throw RequestError.mismatch(
        reason: "the denoiser wants text of \(denoiser.conditioningFeatures) features and the text "
          + "encoder gives \(conditioner.features); both must come from one model", path: path)
    }
    let pooled = denoiser.pooledFeatures(sizes: conditioner.sizeCount)
    guard pooled == conditioner.pooledFeatures else {
      throw RequestError.mismatch(
        reason: "the denoiser wants a pooled vector of \(pooled) features and the "
          + "text encoders give \(conditioner.pooledFeatures); both must come from one model",
        path: path)
    }
    guard geometry.outputChannels == latents,
      [latents, 2 * latents].contains(geometry.inputChannels) || isInpaintingModel
    else {
      throw RequestError.mismatch(
        reason: "the denoiser works on \(geometry.inputChannels) and gives "
          + "\(geometry.outputChannels) channels, and the autoencoder has \(latents); both must "
          + "come from one model",
        path: path)
    }
  }

  /// A ControlNet or T2I-Adapter, loaded now if it is not cached.
  ///
  /// - Throws: ``RequestError/mismatch(reason:path:)`` for one of another kind of model, and what reading
  ///   it throws.
  func controlNetwork(_ path: String) throws -> any ControlNetwork {
    try controlNetworks(path) {
      let network = try AddOn.load(
        path, ModelCatalogue.controlNetworks, ModelCatalogue.controlFiles, precision)
      try checkFit(network, path)
      return network
    }
  }

  private func checkFit(_ network: any ControlNetwork, _ path: String) throws {
    let (denoiser, sizes) = (try denoiser(), conditioner.sizeCount)
    let takesText = network.conditioningFeatures > 0
    let remedy = "take one that was trained for its kind (Stable Diffusion 1, 2 or XL)"
    guard [[], denoiser.residualChannels].contains(network.residualChannels),
      !takesText || network.conditioningFeatures == denoiser.conditioningFeatures,
      !takesText || network.pooledFeatures(sizes: sizes) == denoiser.pooledFeatures(sizes: sizes)
    else {
      throw RequestError.mismatch(
        reason:
          "this ControlNet takes text of \(network.conditioningFeatures) features and adds to "
          + "\(network.residualChannels.count) states, and the model's denoiser has "
          + "\(denoiser.conditioningFeatures) and \(denoiser.residualChannels.count); \(remedy)",
        path: path)
    }
    var places = denoiser.blockResiduals
    for index in places.indices { places[index].downsampling *= codec.downsampling }
    for (number, (residual, place)) in zip(network.blockResiduals, places).enumerated() {
      guard residual != place else { continue }
      throw RequestError.mismatch(
        reason:
          "residual \(number + 1) of this T2I-Adapter has \(residual.channels) channels, a "
          + "position for \(residual.downsampling) pixels a side, and the model's denoiser "
          + "\(place.channels) and \(place.downsampling) there; \(remedy)", path: path)
    }
  }

  /// Checks that this model can take over the last steps of another one.
  func checkRefines(_ base: ImageModel) throws(RequestError) {
    guard geometry.outputChannels == base.geometry.outputChannels, !isInpaintingModel,
      !isEditingModel,
      schedule.prediction == base.schedule.prediction,
      (conditioner.sizeCount > 0) == (base.conditioner.sizeCount > 0)
    else {
      throw .mismatch(
        reason:
          "the refiner must be of the kind of \(base.path), and predict the same of as many "
          + "channels: it predicts \(schedule.prediction) of \(geometry.inputChannels) channels",
        path: path)
    }
  }

  /// Releases all parts but the decoder.
  func releaseAllButDecoder() {
    controlNetworks.release()
    ipAdapters.release()
    imageEncoders.release()
    conditioner.releaseWeights()
    denoiser.release()
    codec.releaseEncoder()
  }

  /// The first ten digits of the SHA-256 of a file of weights, nil for several files or a large one.
  private static func hash(of files: [String]) throws(FormatError) -> String? {
    guard files.count == 1 else { return nil }
    return try WeightHash.file(files[0]).map { String($0.prefix(WeightHash.modelDigits)) }
  }

  /// Whether the denoiser was trained to inpaint: its input has a mask and the masked picture too.
  var isInpaintingModel: Bool { maskChannels != nil }

  /// How it has the mask, where it was trained to inpaint.
  var maskChannels: MaskChannels? {
    MaskChannels.allCases.first {
      geometry.inputChannels == 2 * geometry.outputChannels + $0.count(codec.downsampling)
    }
  }

  /// Whether the denoiser was trained to edit a picture as the prompt says (InstructPix2Pix, Brooks et al.
  /// 2022, arXiv:2211.09800): its input has the picture too.
  var isEditingModel: Bool { geometry.inputChannels == 2 * geometry.outputChannels }

  /// The linear map that previews are made by; nil for a decoder.
  func previewColours(_ method: PreviewMethod) -> LatentColours? {
    switch method {
    case .automatic: tinyDecoder == nil ? latentColours : nil
    case .linear: latentColours
    case .decoder: nil
    }
  }

  /// The number of pixels that a picture's sides are multiples of.
  ///
  /// - Throws: what reading a network that the request has throws.
  func sizeUnit(of request: ImageRequest) throws -> Int {
    try request.controls.reduce(max(8, codec.downsampling * geometry.patchSize)) { unit, control in
      max(unit, try controlNetwork(control.network).hintUnit)
    }
  }

  /// Tokens of a picture of so many pixels, as the denoiser has it.
  func tokens(width: Int, height: Int) -> Int {
    let side = codec.downsampling * geometry.patchSize
    return (width / side) * (height / side)
  }

  /// How it takes references; nil where it takes none.
  var referenceForm: ReferenceForm? {
    mayLackReferences ? .kontext : pipeline.referenceForm
  }

  /// Whether nothing says that it was trained on references: one file of FLUX.1 is the same for dev and for Kontext.
  var mayLackReferences: Bool {
    pipeline.referenceForm == nil && FileSystem.isFile(path)
      && pipeline.classes.contains("FluxPipeline") && embedsGuidance
  }

  /// Size in pixels that the model was trained on.
  var nativeSize: (width: Int, height: Int) {
    (geometry.width * codec.downsampling, geometry.height * codec.downsampling)
  }
}
