import LanternPlatform
import LanternFormats
import LanternLayers

/// The settings of a rotation, as transformers writes them: in `rope_parameters`, or, before its version 5, in
/// `rope_theta`, `partial_rotary_factor` and `rope_scaling`.
struct RopeParameters: Sendable {
  private var theta: Float
  private var partialFactor: Float
  private var scaling = RotaryEmbedding.Scaling.none

  /// - Parameters:
  ///   - config: the language model's settings.
  ///   - partialFactor: the share of a head that turns where the settings do not say.
  ///   - length: `max_position_embeddings`.
  /// - Throws: ``FormatError`` for a mistyped or unsupported setting.
  init(_ config: Config, partialFactor: Float = 1, length: Int) throws(FormatError) {
    self.theta = try config.float("rope_theta", default: 10000)
    self.partialFactor = try config.float("partial_rotary_factor", default: partialFactor)
    let older = try config.section("rope_scaling")
    let newer = try config.section("rope_parameters")
    if let parameters = newer ?? older {
      theta = try parameters.optionalFloat("rope_theta") ?? theta
      self.partialFactor =
        try parameters.optionalFloat("partial_rotary_factor") ?? self.partialFactor
      scaling = try Self.scaling(parameters, length)
      try parameters.finishStrictly()
    }
    // As llama.cpp's files have Llama 3's kind: what each frequency is divided by.
    let divisors = try config.doubles("rope_divisors", default: [])
    if !divisors.isEmpty {
      guard scaling == .none, divisors.allSatisfy({ $0 > 0 }) else {
        throw .unsupportedSetting(
          key: "rope_divisors", value: "with another scaling, or not positive", file: config.file)
      }
      scaling = .divided(by: divisors)
    }
    guard theta > 0 else {
      throw .unsupportedSetting(key: "rope_theta", value: "\(theta)", file: config.file)
    }
    guard (0...1).contains(self.partialFactor) else {
      throw .unsupportedSetting(
        key: "partial_rotary_factor", value: "\(self.partialFactor)", file: config.file)
    }
  }

  /// Whether all of a head turns.
  var isWhole: Bool { partialFactor == 1 }

  /// The rotation of heads of this size.
  func embedding(headSize: Int) -> RotaryEmbedding {
    RotaryEmbedding(
      features: Int(partialFactor * Float(headSize)) / 2 * 2, theta: theta, scaling: scaling)
  }

  private static func scaling(_ config: Config, _ length: Int) throws(FormatError)
    -> RotaryEmbedding.Scaling
  {
    // Before transformers 4.43 it was called `type`.
    let older = try config.string("type", default: "default")
    let kind = try config.string("rope_type", default: older)
    // Written by every kind, read by two.
    let trained = try config.integer("original_max_position_embeddings", default: length)
    guard trained > 0 else {
      throw .unsupportedSetting(
        key: "original_max_position_embeddings", value: "\(trained)", file: config.file)
    }
    func factor(_ key: String, default defaultValue: Double? = nil) throws(FormatError) -> Double {
      let found = try config.double(key, default: defaultValue)
      guard found > 0 else {
        throw .unsupportedSetting(key: key, value: "\(found)", file: config.file)
      }
      return found
    }
    switch kind {
    case "default": return .none
    case "linear": return .linear(factor: try factor("factor"))
    case "dynamic": return .dynamic(factor: try factor("factor"), length: length)
    case "llama3":
      return .llama3(
        factor: try factor("factor"), low: try factor("low_freq_factor"),
        high: try factor("high_freq_factor"), length: trained)
    case "yarn":
      let times = try factor("factor", default: Double(length) / Double(trained))
      return .yarn(
        factor: times, length: trained, fast: try factor("beta_fast", default: 32),
        slow: try factor("beta_slow", default: 1), attention: try attention(config, times),
        truncates: try config.bool("truncate", default: true))
    default: throw .unsupportedSetting(key: "rope_type", value: kind, file: config.file)
    }
  }

  /// What cosines and sines are multiplied by (Peng et al. 2023, arXiv:2309.00071, section 3.4).
  private static func attention(_ config: Config, _ factor: Double) throws(FormatError) -> Double {
    let said = try config.optionalDouble("attention_factor")
    let scale = try config.double("mscale", default: 0)
    let scaleOfAll = try config.double("mscale_all_dim", default: 0)
    func temperature(_ scale: Double) -> Double {
      factor <= 1 ? 1 : 0.1 * scale * log(factor) + 1
    }
    if let said { return said }
    return scale != 0 && scaleOfAll != 0
      ? temperature(scale) / temperature(scaleOfAll) : temperature(1)
  }
}
