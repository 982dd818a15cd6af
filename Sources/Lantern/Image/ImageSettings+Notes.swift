import LanternModels
import LanternSamplers
import LanternTokenizers

extension ImageSettings {
  /// Notes on settings without an effect with this model, or with another one than may be expected: a line each.
  ///
  /// - Parameters:
  ///   - request: what these settings came from.
  ///   - model: what draws.
  ///   - taken: the levels that are stepped through.
  /// - Returns: lines; none where everything counts.
  /// - Throws: what making another plan throws.
  func notes(on request: ImageRequest, _ model: ImageModel, _ taken: NoisePlan) throws -> [String] {
    var notes = try samplingNotes(on: request, model, taken)
    notes += sizeNotes(on: request, model)
    notes += controlNotes(on: request, taken.levels.count)
    notes += encoderNotes(on: request, model)
    if request.promptCache != nil, !(model.conditioner is any WholeTextConditioner) {
      notes.append(
        "the cache of prompts has no effect: this model's text encoder is small, and encodes each prompt anew"
      )
    }
    notes += editingNotes(on: request, model) + referenceNotes(on: request, model)
    notes += imagePromptNotes(on: request, taken.levels.count)
    if request.initialPicture == nil, request.strength != ImageRequest(prompt: "").strength {
      notes.append("strength \(request.strength) has no effect without a picture to begin from")
    }
    if request.mask == nil, !request.pastesKept {
      notes.append("without a mask nothing is kept: pasting has no effect")
    }
    if let cache, taken.levels.count < 2, try !makeSampler(model.schedule).choosesLevels {
      notes.append("\(cache.text) has no effect: of one step there is nothing to reuse")
    }
    let isSampledInFew = ["lcm", "tcd"].contains(sampler)
    if let few = model.fewSteps, !embedsGuidance, guidance > 2 {
      notes.append(
        "guidance \(guidance) may draw worse than none: the model was distilled for few steps without it, as "
          + few.name)
    }
    if model.isFast, !isSampledInFew || guidance > 2 || steps > 4 * model.defaults.steps {
      notes.append(
        "the model's LoRA for few steps was made for \(model.defaults.steps) steps of "
          + "\(model.defaults.sampler ?? "lcm") with guidance \(model.defaults.guidance): others may "
          + "draw worse")
    }
    let interval = request.previewInterval
    if interval > taken.levels.count, try !makeSampler(model.schedule).choosesLevels {
      notes.append(
        "there is no preview: it comes after \(interval) steps, and there are "
          + "\(taken.levels.count)")
    }
    return notes
  }

  /// Those on how noise becomes a picture.
  func samplingNotes(
    on request: ImageRequest, _ model: ImageModel, _ taken: NoisePlan
  ) throws -> [String] {
    try self.notes + notes(on: model.schedule) + guidanceNotes(on: request, taken)
      + levelNotes(on: request, model)
  }

  private func editingNotes(on request: ImageRequest, _ model: ImageModel) -> [String] {
    var notes: [String] = []
    if model.isEditingModel, request.strength != ImageRequest(prompt: "").strength {
      notes.append(
        "strength \(request.strength) has no effect: this model edits the picture from noise alone; "
          + "image guidance says how closely")
    }
    if request.imageGuidance != nil, !model.isEditingModel || !fullGuidance.isActive {
      notes.append(
        "image guidance has no effect: "
          + (model.isEditingModel
            ? "guidance \(guidance) is none; give more than 1" : "the model edits no pictures"))
    }
    return notes
  }

  private func referenceNotes(on request: ImageRequest, _ model: ImageModel) -> [String] {
    let notes = request.references.compactMap(\.picture).flatMap(\.notes)
    guard !request.references.isEmpty, model.mayLackReferences else { return notes }
    return notes + [
      "\(model.path) is taken for FLUX.1 Kontext: nothing in it says whether it is that, which takes "
        + "references, or FLUX.1 dev, which was not trained to"
    ]
  }

  private func controlNotes(on request: ImageRequest, _ steps: Int) -> [String] {
    var notes: [String] = []
    if request.guessMode, request.controls.isEmpty {
      notes.append("guess mode has no effect without a ControlNet")
    }
    for control in request.controls {
      if !(0..<steps).contains(where: { control.isActive($0, of: steps) }) {
        notes.append(
          "\(control.name) has no effect: of \(steps) steps none lies within "
            + "\(control.start) to \(control.end), with a strength of \(control.strength)")
      }
      guard let picture = control.picture else { continue }
      let (one, other) = (Double(picture.width * height), Double(picture.height * width))
      if abs(one - other) > 0.02 * max(one, other) {
        notes.append(
          "the picture for \(control.name) is \(picture.width)×\(picture.height) and the drawn one "
            + "\(width)×\(height): it is stretched")
      }
      notes += picture.notes
    }
    return notes
  }

  private func imagePromptNotes(on request: ImageRequest, _ steps: Int) -> [String] {
    request.imagePrompts.flatMap { image -> [String] in
      var notes: [String] = []
      if image.scale == 0 {
        notes.append("the image prompt \(image.name) has no effect: its scale is 0")
      } else if !(0..<steps).contains(where: { image.isActive($0, of: steps) }) {
        notes.append(
          "the image prompt \(image.name) has no effect: of \(steps) steps none lies within "
            + "\(image.start) to \(image.end)")
      }
      if let mask = image.mask {
        let (one, other) = (Double(mask.width * height), Double(mask.height * width))
        if abs(one - other) > 0.02 * max(one, other) {
          notes.append(
            "the mask of \(image.name) is \(mask.width)×\(mask.height) and the drawn picture "
              + "\(width)×\(height): it is stretched")
        }
        if !mask.binarized.pixels.contains(255) {
          notes.append("the image prompt \(image.name) has no effect: its mask is black")
        }
      }
      return notes + (image.picture?.notes ?? []) + (image.mask?.notes ?? [])
    }
  }

  private func guidanceNotes(on request: ImageRequest, _ plan: NoisePlan) -> [String] {
    guard fullGuidance.isActive else {
      // Composed prompts are added to the prediction without them.
      let isComposed =
        !request.literalPrompt && ComposedPrompt(parsing: request.prompt).isComposed
      let idle = [
        isComposed || request.negativePrompt.isEmpty ? nil : "the negative prompt",
        isComposed || request.negativePrompt2?.isEmpty != false ? nil : "negative prompt 2",
        guidanceRescale > 0 ? "guidance rescale" : nil,
        guidanceInterval == nil ? nil : "the guidance interval",
        projectedGuidance == nil ? nil : "projected guidance",
        dynamicThresholding == nil ? nil : "dynamic thresholding",
        embedsGuidance && usesCFGPlusPlus ? "CFG++" : nil,
      ].compactMap { $0 }
      guard !idle.isEmpty else { return [] }
      let reason =
        embedsGuidance
        ? "the model has guidance as an input, and takes the prompt and its strength alone"
        : "guidance \(guidance) is none; give more than 1"
      return ["\(idle.joined(separator: ", ")) without effect: \(reason)"]
    }
    var notes: [String] = []
    let sigmas = plan.levels.map(\.sigma)
    if let interval = guidanceInterval, !sigmas.contains(where: interval.contains),
      let low = sigmas.min(), let high = sigmas.max()
    {
      notes.append(
        "nothing is guided: the guidance interval \(interval.lowerBound) to \(interval.upperBound) "
          + "holds none of the steps, whose sigmas go from \(low) to \(high)")
    }
    if let limits = dynamicThresholding, limits.mimicScale == guidance, limits.percentile == 1 {
      notes.append("dynamic thresholding has no effect: it keeps the range of the guidance itself")
    }
    return notes
  }

  private func levelNotes(on request: ImageRequest, _ model: ImageModel) throws -> [String] {
    func plan(_ convention: Convention, _ spacing: Spacing?) throws -> NoisePlan {
      var schedule = model.schedule
      schedule.convention = convention
      return try makeSampler(schedule).plan(steps: steps, over: schedule, spacing: spacing)
    }
    var notes: [String] = []
    let solver = try makeSampler(model.schedule)
    if solver.choosesLevels, request.steps != nil {
      notes.append("\(sampler) chooses its own steps: their number has no effect")
    }
    let spacing = try schedule.map(SamplerCatalogue.spacing)
    let levels = try plan(convention, spacing)
    if let schedule {
      var noise = model.schedule
      noise.convention = convention
      if solver.choosesLevels || !solver.heedsSpacing(levels, steps: steps, over: noise) {
        notes.append(ScheduleTable.idleNote(schedule, sampler))
      }
    }
    if convention != .diffusers, try plan(.diffusers, spacing) == levels {
      notes.append(
        "\(convention.rawValue)'s conventions have no effect: these levels are diffusers' too")
    }
    return notes
  }

  private func encoderNotes(on request: ImageRequest, _ model: ImageModel) -> [String] {
    func note(_ settings: [ImageSetting], _ reason: String) -> [String] {
      let idle = settings.filter { $0.isChanged(request) }.map(\.title)
      return idle.isEmpty
        ? [] : ["\(idle.joined(separator: ", ")) without effect: \(reason)"]
    }
    let conditioner = model.conditioner
    return
      (conditioner.readsSecondPrompt
      ? [] : note([.prompt2, .negativePrompt2], "the model has one text encoder"))
      + (conditioner.sizeCount > 0
        ? []
        : note([.originalSize, .cropCorner, .targetSize], "the model is not trained on sizes"))
  }

  private func sizeNotes(on request: ImageRequest, _ model: ImageModel) -> [String] {
    var notes: [String] = []
    let native = model.nativeSize
    // Where pictures begin to show things twice, or to fall apart.
    func isFar(_ size: Int, from native: Int) -> Bool {
      size * 3 > native * 5 || size * 3 < native * 2
    }
    if isFar(width, from: native.width) || isFar(height, from: native.height) {
      notes.append(
        "\(width)×\(height) is far from the \(native.width)×\(native.height) that the model was "
          + "trained on: things may appear twice or fall apart")
    }
    if request.hires == nil, pictureSize != ImageRequest.Size(width: width, height: height) {
      notes.append(
        "drawn in \(width)×\(height), a size that the model was trained on, and resized to "
          + "\(pictureSize.width)×\(pictureSize.height)")
    }
    if let hires = request.hires, hires.enlargesNothing(width, height, model.decoder.downsampling) {
      notes.append(
        "hires \(hires.sizeText) enlarges nothing: the picture is drawn in part once more in its size"
      )
    }
    let tile = model.decoder.tileSize * model.decoder.downsampling
    if request.tiledDecoding, request.hires == nil, width <= tile, height <= tile {
      notes.append("VAE tiling has no effect: the picture fits into one tile of \(tile) pixels")
    }
    return notes
  }
}
