import ArgumentParser
import Lantern

/// How the prompt is followed.
struct GuidanceOptions: SettingOptions {
  @Option(.guidance) var guidance: Float?
  @Option(.imageGuidance) var imageGuidance: Float?
  @Option(.guidanceRescale) var guidanceRescale: Float?
  @Option(.guidanceInterval) var guidanceInterval: String?
  @Flag(.projectedGuidance) var projectedGuidance = false
  @Option(.apgMomentum) var apgMomentum: Float?
  @Option(.apgThreshold) var apgThreshold: Float?
  @Option(.dynamicThresholding) var dynamicThresholding: Float?
  @Option(.thresholdPercentile) var thresholdPercentile: Float?
  @Flag(.usesCFGPlusPlus) var usesCFGPlusPlus: Bool?
}
