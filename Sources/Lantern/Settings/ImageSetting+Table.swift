package import LanternFormats

// The table of settings. Its rows make the command line's options with their help, recipes and
// webui's text in both directions, the checks of ranges, and docs/settings.md.
//
// Add a setting:
// 1. Give `ImageRequest` a field with a default, and use it where pictures are drawn.
// 2. Add its row to `ImageSetting+Sampling.swift` (how noise becomes a picture) or
//    `ImageSetting+Picture.swift` (what is drawn, and from what), and its name to a list here.
// 3. Add `@Option(.name) var name: Type?`, or `@Flag`, to a group of Sources/LanternCLI/Options: the
//    property has the name of the row, and Type is the field's where the row does not say another.
// 4. `swift test -Xcc -O2 --filter ImageSetting`: the tests take their cases from the table, and
//    say what docs/settings.md must be.
extension ImageSetting {
  /// All settings. Options are applied, requests checked and fields of webui's text written in this
  /// order.
  package static let all = sampling + picture

  /// How noise becomes a picture.
  static let sampling: [ImageSetting] = [
    steps, sampler, schedule, usesCFGPlusPlus, guidance, seed, width, height, eta, guidanceRescale,
    guidanceInterval, dynamicThresholding, thresholdPercentile, projectedGuidance, apgMomentum,
    apgThreshold, convention,
  ]

  /// What is drawn, and from what.
  static let picture: [ImageSetting] = [
    prompt, negativePrompt, literalPrompt, initialPicture, strength, mask, pastesKept, clipSkip,
    tiledDecoding, previewInterval,
  ]

  /// The settings of a request as a recipe has them.
  package static func recipe(of request: ImageRequest) -> [String: JSONValue] {
    var values: [String: JSONValue] = [:]
    for setting in all {
      if let key = setting.key { values[key] = setting.recipeValue(request) }
    }
    return values
  }

  /// The request of a recipe's settings.
  static func request(of recipe: [String: JSONValue]) -> ImageRequest {
    var request = ImageRequest(prompt: "")
    for setting in all { setting.read(recipe, &request) }
    return request
  }
}

extension ImageRequest {
  /// Leaves open again how to step and how to guide.
  package mutating func forgetSampling() {
    for setting in ImageSetting.all where [.stepping, .guidance].contains(setting.part) {
      setting.forget(&self)
    }
  }
}
