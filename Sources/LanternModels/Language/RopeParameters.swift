import LanternPlatform
import LanternFormats
import LanternLayers

/// The settings of a rotation, as transformers writes them: in `rope_parameters`, or, before its version 5, in
/// `rope_theta`, `partial_rotary_factor` and `rope_scaling`.
struct RopeParameters: Sendable {
  private(set) var theta: Float
  private var partialFactor: Double
  private(set) var scaling = RotaryEmbedding.Scaling.none

  /// - Parameters:
  ///   - config: the language model's settings.
  ///   - theta: the base where the settings do not say.
  ///   - partialFactor: the share of a head that turns where the settings do not say.
  ///   - length: `max_position_embeddings`.
  ///   - isPhi3: whether kinds are called as in Phi-3's files, and their length is a setting of its own.
  /// - Throws: ``FormatError`` for a mistyped or unsupported setting.
  init(
    _ config: Config, theta: Float = 10000, partialFactor: Double = 1, length: Int,
    isPhi3: Bool = false
  ) throws(FormatError) {
    // transformers 5 reads the older one where a file has both.
    let older = try config.section("rope_scaling").flatMap { $0.keys.isEmpty ? nil : $0 }
    let newer = try config.section("rope_parameters")
    let trained =
      isPhi3 ? try config.integer("original_max_position_embeddings", default: 4096) : nil
    try self.init(
      older ?? newer, theta: config.float("rope_theta", default: theta),
      partialFactor: config.double("partial_rotary_factor", default: partialFactor),
      length: length, trained: trained, file: config.file)
    // As llama.cpp's files have Llama 3's kind: what each frequency is divided by.
    let divisors = try config.doubles("rope_divisors", default: [])
    guard !divisors.isEmpty else { return }
    guard scaling == .none, divisors.allSatisfy({ $0 > 0 }) else {
      throw .unsupportedSetting(
        key: "rope_divisors", value: "with another scaling, or not positive", file: config.file)
    }
    scaling = .divided(by: divisors)
  }

  /// Those of files that say how many features of a head turn, and by nothing else.
  ///
  /// - Throws: ``FormatError/unsupportedSetting(key:value:file:)`` for more than there are, or an odd number.
  init(turning count: Int, of headSize: Int, _ key: String, _ file: String) throws(FormatError) {
    (theta, partialFactor) = (10000, 1)
    // What heads have is checked with all sizes.
    guard headSize > 0, count != headSize else { return }
    guard (1..<headSize).contains(count), count % 2 == 0 else {
      throw .unsupportedSetting(key: key, value: "\(count), of \(headSize)", file: file)
    }
    partialFactor = Self.share(count, of: headSize)
  }

  /// The share of a head that so many features are: up by a bit, so that the number is this one when it is multiplied
  /// and cut off again.
  static func share(_ count: Int, of headSize: Int) -> Double {
    count == headSize ? 1 : (Double(count) / Double(headSize)).nextUp
  }

  /// Those of layers with a window and those of others, as Gemma 3's files have them: within `rope_parameters`
  /// under types of layers, or in `rope_local_base_freq`, `rope_theta` and `rope_scaling`.
  ///
  /// - Throws: ``FormatError`` for a mistyped or unsupported setting.
  static func byLayerType(_ config: Config, length: Int) throws(FormatError)
    -> (sliding: RopeParameters, full: RopeParameters)
  {
    let newer = try config.section("rope_parameters")
    let (sliding, full) = (
      try newer?.section("sliding_attention"), try newer?.section("full_attention")
    )
    try newer?.finishStrictly()
    let older = try config.section("rope_scaling")
    let both =
      if let full, let members = older?.json.object { full.adding(members) } else {
        older ?? full
      }
    return (
      try RopeParameters(
        sliding, theta: config.float("rope_local_base_freq", default: 10000), partialFactor: 1,
        length: length, trained: nil, file: config.file),
      try RopeParameters(
        both, theta: config.float("rope_theta", default: 1_000_000), partialFactor: 1,
        length: length, trained: nil, file: config.file)
    )
  }

  /// - Parameters:
  ///   - parameters: the rotation's own settings.
  ///   - theta: the base where they do not say.
  ///   - partialFactor: the share of a head that turns where they do not say.
  ///   - length: `max_position_embeddings`.
  ///   - trained: `original_max_position_embeddings` of Phi-3, whatever they say.
  ///   - file: whose settings they are.
  /// - Throws: ``FormatError`` for a mistyped or unsupported setting.
  private init(
    _ parameters: Config?, theta: Float, partialFactor: Double, length: Int, trained: Int?,
    file: String
  ) throws(FormatError) {
    (self.theta, self.partialFactor) = (theta, partialFactor)
    if let parameters {
      self.theta = try parameters.optionalFloat("rope_theta") ?? theta
      self.partialFactor =
        try parameters.optionalDouble("partial_rotary_factor") ?? partialFactor
      scaling = try Self.scaling(parameters, length, phi3: trained)
      try parameters.finishStrictly()
    }
    guard self.theta > 0 else {
      throw .unsupportedSetting(key: "rope_theta", value: "\(self.theta)", file: file)
    }
    guard (0...1).contains(self.partialFactor) else {
      throw .unsupportedSetting(
        key: "partial_rotary_factor", value: "\(self.partialFactor)", file: file)
    }
  }

  /// Checks the settings against heads of this size.
  ///
  /// - Parameters:
  ///   - headSize: features of a head.
  ///   - isWhole: whether all of a head has to turn.
  ///   - file: whose settings they are.
  /// - Throws: ``FormatError/unsupportedSetting(key:value:file:)``.
  func check(headSize: Int, isWhole: Bool, _ file: String) throws(FormatError) {
    guard partialFactor == 1 || !isWhole else {
      throw .unsupportedSetting(key: "partial_rotary_factor", value: "less than 1", file: file)
    }
    guard case .longrope(let short, let long, _, _) = scaling else { return }
    let pairs = features(headSize) / 2
    for (key, factors) in [("short_factor", short), ("long_factor", long)] {
      guard factors.count == pairs, factors.allSatisfy({ $0 > 0 }) else {
        throw .unsupportedSetting(
          key: key, value: "of \(factors.count) numbers, where \(pairs) above 0 belong", file: file)
      }
    }
  }

  /// How many features of a head turn.
  func features(_ headSize: Int) -> Int {
    Int(partialFactor * Double(headSize)) / 2 * 2
  }

  /// The rotation of heads of this size.
  func embedding(headSize: Int, pairing: RotaryEmbedding.Pairing = .halves) -> RotaryEmbedding {
    RotaryEmbedding(
      features: features(headSize), theta: theta, scaling: scaling, pairing: pairing)
  }

  private static func scaling(_ config: Config, _ length: Int, phi3: Int?) throws(FormatError)
    -> RotaryEmbedding.Scaling
  {
    // Before transformers 4.43 it was called `type`.
    let older = try config.string("type", default: "default")
    var kind = try config.string("rope_type", default: older)
    // As the first files of Phi-3 call it.
    if phi3 != nil, ["su", "yarn"].contains(kind) { kind = "longrope" }
    // Written by every kind, read by three.
    let said = try config.integer("original_max_position_embeddings", default: length)
    let trained = phi3 ?? said
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
    case "longrope":
      return try longrope(config, length: length, trained: trained)
    default: throw .unsupportedSetting(key: "rope_type", value: kind, file: config.file)
    }
  }

  /// LongRoPE (Ding et al. 2024, arXiv:2402.13753).
  private static func longrope(_ config: Config, length: Int, trained: Int) throws(FormatError)
    -> RotaryEmbedding.Scaling
  {
    let said = try config.optionalDouble("factor")
    let factor = said ?? Double(length) / Double(trained)
    let attention = factor <= 1 ? 1 : (1 + log(factor) / log(Double(trained))).squareRoot()
    guard attention.isFinite else {
      throw .unsupportedSetting(
        key: "original_max_position_embeddings", value: "\(trained)", file: config.file)
    }
    return .longrope(
      short: try config.doubles("short_factor"), long: try config.doubles("long_factor"),
      length: trained, attention: try config.double("attention_factor", default: attention))
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
