import ArgumentParser
import Lantern
import LanternSamplers

/// How the prompt is followed.
struct GuidanceOptions: ParsableArguments {
  @Option(
    name: [.customShort("g"), .customLong("guidance")], parsing: .unconditional,
    help: ArgumentHelp(
      "How closely to follow the prompt; 1 is not at all more than the model would. "
        + "(default: the model's own)", valueName: "scale"))
  var scale: Float?

  @Option(
    name: [.customLong("guidance-rescale")], parsing: .unconditional,
    help: ArgumentHelp(
      "Share of the contrast that guidance adds to take back, 0 to 1; 0.7 for strong guidance. "
        + "(default: 0)", valueName: "share"))
  var rescale: Float?

  @Option(
    name: [.customLong("guidance-interval")], parsing: .unconditional,
    help: ArgumentHelp(
      "Guide only while sigma is between these, like 0.3-6; see lantern schedule. (default: always)",
      valueName: "low-high"))
  var interval: String?

  @Flag(
    name: [.customLong("apg")],
    help: "Guide across the picture rather than along it: strong guidance without glare.")
  var projects = false

  @Option(
    name: [.customLong("apg-momentum")], parsing: .unconditional,
    help: ArgumentHelp(
      "With --apg, share of earlier steps' guidance to add; the paper has -0.5. (default: 0)",
      valueName: "share"))
  var momentum: Float?

  @Option(
    name: [.customLong("apg-threshold")], parsing: .unconditional,
    help: ArgumentHelp(
      "With --apg, the longest step of guidance; 0 for any. (default: 15)", valueName: "length"))
  var threshold: Float?

  @Option(
    name: [.customLong("dynamic-thresholding")], parsing: .unconditional,
    help: ArgumentHelp(
      "Keep strong guidance within the range of this weaker one. (default: none)",
      valueName: "scale"))
  var mimicScale: Float?

  @Option(
    name: [.customLong("threshold-percentile")], parsing: .unconditional,
    help: ArgumentHelp(
      "With --dynamic-thresholding, share of numbers that is not cut, 0 to 1. (default: 1)",
      valueName: "share"))
  var percentile: Float?

  @Flag(
    name: [.customLong("cfg++")], inversion: .prefixedNo,
    help:
      "Guide as CFG++, with --sampler ddim and --guidance from 0 to 1, which is 0.6 then. (default: --no-cfg++)"
  )
  var isPlusPlus: Bool?

  mutating func validate() throws {
    if !projects, momentum != nil || threshold != nil {
      throw ValidationError("--apg-momentum and --apg-threshold go with --apg: add that")
    }
    if let threshold, !(threshold >= 0) {
      throw ValidationError("APG threshold \(threshold): choose 0 or more")
    }
    if let momentum, !(abs(momentum) < 1) {
      throw ValidationError("APG momentum \(momentum): choose a number between -1 and 1")
    }
    _ = try range()
  }

  /// Puts what was said into a request.
  func apply(to request: inout ImageRequest) throws {
    request.guidance = scale ?? request.guidance
    request.guidanceRescale = rescale ?? request.guidanceRescale
    request.guidanceInterval = try range() ?? request.guidanceInterval
    if let mimicScale {
      request.dynamicThresholding = DynamicThresholding(mimicScale: mimicScale)
      // One that an older picture had gives way.
      request.projectedGuidance = nil
    } else if projects {
      request.dynamicThresholding = nil
    }
    if let percentile {
      guard request.dynamicThresholding != nil else {
        throw ValidationError(
          "--threshold-percentile goes with --dynamic-thresholding: give that too")
      }
      request.dynamicThresholding?.percentile = percentile
    }
    request.usesCFGPlusPlus = isPlusPlus ?? request.usesCFGPlusPlus
    if projects {
      request.projectedGuidance = AdaptiveProjectedGuidance(
        threshold: threshold ?? 15, momentum: momentum ?? 0)
    }
  }

  private func range() throws -> ClosedRange<Double>? {
    guard let interval else { return nil }
    let ends = interval.split(separator: "-", omittingEmptySubsequences: false).map { Double($0) }
    guard ends.count == 2, let low = ends[0], let high = ends[1], low >= 0, low <= high,
      high.isFinite
    else {
      throw ValidationError(
        "guidance interval \"\(interval)\": choose two sigmas, the smaller first, like 0.3-6")
    }
    return low...high
  }
}
