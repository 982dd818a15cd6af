import LanternFormats
import LanternModels
import LanternSamplers
import LanternTensor

extension ModelConversion {
  /// Writes one file in the names of the original code.
  func writeFile(replacing replaces: Bool) throws {
    try checkSettings()
    let schedule = try source.noiseSchedule(pipeline.times)
    let isVelocity = schedule.prediction == .velocity
    guard isVelocity || schedule.prediction == .epsilon else {
      throw RequestError.notOneFile(
        reason: "its denoiser predicts \(schedule.prediction.rawValue), which no such file can say",
        path: source.path)
    }
    let isZero = isVelocity && (schedule.alphaBars.last ?? 1) < 1e-6
    var tensors: [PlannedTensor] = []
    for name in weighted {
      tensors += try kind.originals(of: name, archive(name), as: dtype)
    }
    if kind.saysPredictionByKeys {
      for key in (isVelocity ? ["v_pred"] : []) + (isZero ? ["ztsnr"] : []) {
        let none = try Tensor(repeating: 0, shape: [0])
        tensors.append(try PlannedTensor(key) { () throws(FormatError) in none })
      }
    }
    var metadata = try metadata(isVelocity: isVelocity)
    if isZero { metadata["ss_zero_terminal_snr"] = "true" }
    try SafetensorsFile.write(
      tensors, metadata: metadata, to: target, replaces ? .replace : .create)
  }

  /// The texts of the file's header.
  private func metadata(isVelocity: Bool) throws -> [String: String] {
    var metadata = (source as? SingleFile)?.file.metadata ?? [:]
    metadata["modelspec.architecture"] = kind.architecture(isVelocity: isVelocity)
    metadata["modelspec.prediction_type"] = isVelocity ? "v" : "epsilon"
    // No tensor says that a model was distilled.
    if let few = try FewSteps(source, pipeline), FewStepKind.of(metadata) == nil {
      metadata["modelspec.tags"] = [metadata["modelspec.tags"], few.name].compactMap(\.self)
        .joined(separator: ", ")
    }
    return metadata
  }

  /// What readers of one file assume, and this model has otherwise without a change in what it computes.
  func assumptions() throws -> [String] {
    var notes: [String] = []
    let schedule = try source.noiseSchedule(pipeline.times)
    let unet = try source.component("unet").config("config.json")
    let assumed = kind.scheduler(
      for: Prediction(schedule.prediction.rawValue, by: ""), of: unet.json.object ?? [:],
      distilledTo: FewStepKind.of(try metadata(isVelocity: schedule.prediction == .velocity))?.kind)
    if let name = source.className(of: "scheduler"), name != assumed.className {
      notes.append(
        "the scheduler \(name) is left out: readers of one file choose their own, Lantern "
          + assumed.className)
    }
    let size = unet.value("sample_size")
    let assumedSize = kind.sampleSize(isVelocity: schedule.prediction == .velocity)
    if let size, !Self.isSame(size, .integer(assumedSize)) {
      notes.append(
        "the default size is lost: sample_size of unet is \(JSON.write(size)), and readers of one file "
          + "assume \(assumedSize)")
    }
    for (key, assumed) in kind.settings.sorted(by: { $0.key < $1.key }) {
      let found = source.settings[key] ?? assumed
      guard found != assumed else { continue }
      notes.append(
        "\(key) \(JSON.write(found)) is left out: readers of one file assume \(JSON.write(assumed))"
      )
    }
    for encoder in kind.textEncoders {
      let config = try source.component(encoder.component).config("config.json")
      let count = try config.integer("vocab_size", default: 49408)
      if count != 49408 {
        notes.append(
          "the tokenizer is left out: readers of one file take CLIP's of 49408 tokens, and "
            + "\(encoder.component) knows \(count)")
      }
    }
    return notes
  }

  /// Refuses a model whose settings a reader of one file would take otherwise: no tensor says them.
  private func checkSettings() throws {
    for name in weighted {
      let part = try source.component(name)
      let config = try part.config("config.json")
      for (key, standard, assumed) in try kind.assumedSettings(of: name, archive(name)) {
        let found = config.value(key) ?? standard
        guard !Self.isSame(found, assumed) else { continue }
        throw RequestError.notOneFile(
          reason: "\(name) has \(key) \(JSON.write(found)), and readers of one file assume "
            + JSON.write(assumed), path: source.path)
      }
    }
  }

  /// Whether two settings are equal, each written once or for every level.
  private static func isSame(_ a: JSONValue, _ b: JSONValue) -> Bool {
    switch (a, b) {
    case (.array(let x), .array(let y)): x == y
    case (.array(let list), let one), (let one, .array(let list)):
      list.allSatisfy { isSame($0, one) }
    default: a == b || (a.double != nil && a.double == b.double)
    }
  }
}
