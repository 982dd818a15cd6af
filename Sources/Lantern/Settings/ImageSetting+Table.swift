// The table of settings. Its rows make the command line's options with their help, recipes and
// webui's text in both directions, the checks of ranges, and docs/settings.md.
//
// Add a setting (of stories, painted pictures and benches likewise, with StoryRequest, StorySetting and so
// on in place of the names here):
// 1. Give `ImageRequest` a field with a default, and use it where pictures are drawn.
// 2. Add its row to `ImageSetting+Sampling.swift` (how noise becomes a picture) or
//    `ImageSetting+Picture.swift` (what is drawn, and from what), and its name to a list here.
// 3. Add `@Option(.name) var name: Type?`, or `@Flag`, to a group of Sources/LanternCLI/Options (of
//    stories `@Option(StorySetting.name)`): the property has the name of the row, and Type is the
//    field's where the row does not say another.
// 4. `make test FILTER='Setting|IdleOption'`: the tests take their cases from the table,
//    ask for a value of each, and say what docs/settings.md must be.
extension ImageSetting {
  /// How noise becomes a picture.
  static var sampling: [ImageSetting] {
    [
      steps, sampler, schedule, usesCFGPlusPlus, guidance, imageGuidance, seed, width, height,
      eta, guidanceRescale,
      guidanceInterval, dynamicThresholding, thresholdPercentile, projectedGuidance, apgMomentum,
      apgThreshold, convention, cache, refinerStart,
    ]
  }

  /// What is drawn, and from what.
  static var picture: [ImageSetting] {
    [
      prompt, negativePrompt, prompt2, negativePrompt2, originalSize, cropCorner, targetSize,
      literalPrompt, promptCache, embeddings, initialPicture, strength, mask, pastesKept,
      references,
      clipSkip, hires, hiresDenoise, hiresSteps, hiresUpscaler, hiresPrompt, hiresNegativePrompt,
      hiresSampler,
      hiresSchedule, hiresGuidance, controls, controlStrength, controlStart, controlEnd, guessMode,
      imagePrompts, imagePromptScale, imagePromptStart,
      imagePromptEnd, imagePromptMask, imageEncoder, tiledDecoding,
      previewInterval, previewMethod,
    ]
  }
}

/// A setting of a picture.
package typealias ImageSetting = Setting<ImageRequest>

extension ImageRequest: Configurable {
  package typealias Model = ImageModel
  package static let settings = ImageSetting.sampling + ImageSetting.picture
  package static var `default`: ImageRequest { ImageRequest(prompt: "") }

  /// Leaves open again how to step and how to guide.
  package mutating func forgetSampling() {
    for setting in ImageSetting.all where [.stepping, .guidance].contains(setting.part) {
      setting.forget(&self)
    }
  }
}
