import LanternFormats

/// The scale of an adapter's products: PEFT's `LoraConfig`, from an `adapter_config.json` or
/// from the metadata that diffusers writes.
///
/// Equals peft 0.21; rank-stabilised strength is Kalajdzievski 2023, arXiv:2312.03732, magnitudes
/// are Liu et al. 2024, arXiv:2402.09353 (DoRA).
struct AdapterSettings: Sendable {
  /// Whether layers have magnitudes (DoRA).
  let usesMagnitudes: Bool
  /// Whether layers have biases.
  let usesBiases: Bool
  /// Ignored settings: a line each.
  let notes: [String]
  private let file: String
  private let rank: Int
  private let alpha: Double
  private let usesRootOfRank: Bool
  private let ranks: [(pattern: Pattern, value: Double)]
  private let alphas: [(pattern: Pattern, value: Double)]
  private let layers: LayerChoice

  /// Settings that other kinds of adapters have, and training: nothing of them is drawn.
  private static let harmless: Set<String> = [
    "auto_mapping", "base_model_name_or_path", "corda_config", "eva_config", "inference_mode",
    "loftq_config", "lora_dropout", "lora_ga_config", "megatron_core", "peft_version",
    "qalora_group_size", "revision", "runtime_config", "task_type", "velora_config",
  ]

  /// Settings that change what is drawn in a way that is not here.
  private static let refused = [
    "alora_invocation_tokens", "arrow_config", "ensure_weight_tying", "kasa_config",
    "layer_replication", "megatron_config", "modules_to_save", "monteclora_config",
    "target_parameters", "trainable_token_indices", "use_bdlora", "use_qalora",
  ]

  /// Ways to begin training that leave the base model's weights as they are.
  private static let beginnings = ["gaussian", "eva", "orthogonal", "mica"]

  private static let patternLimit = 2048

  /// Reads the settings.
  ///
  /// - Parameters:
  ///   - members: the settings, without a component's name in front.
  ///   - file: where they stand.
  ///   - readsSaved: whether layers that were saved whole replace the model's.
  /// - Throws: ``ModelError/file(_:)``.
  init(
    _ members: [String: JSONValue], file: String, readsSaved: Bool = false
  ) throws(ModelError) {
    let config = Config(members, file: file)
    self.file = file
    do throws(FormatError) {
      try config.expect("peft_type", [.string("LORA")])
      for key in Self.refused {
        let value = config.value(key) ?? .null
        guard Self.isOff(value) || (readsSaved && key == "modules_to_save") else {
          throw .unsupportedSetting(key: key, value: JSON.write(value), file: file)
        }
      }
      try config.expect("bias", [.string("none")])
      if case .string(let way)? = config.value("init_lora_weights"),
        !Self.beginnings.contains(way.lowercased())
      {
        // PiSSA, OLoRA and others take away from the base model what the adapter begins with.
        throw .unsupportedSetting(key: "init_lora_weights", value: JSON.quoted(way), file: file)
      }
      rank = try config.integer("r", default: 8)
      alpha = try config.double("lora_alpha", default: 8)
      usesRootOfRank = try config.bool("use_rslora", default: false)
      usesMagnitudes = try config.bool("use_dora", default: false)
      usesBiases = try config.bool("lora_bias", default: false)
      ranks = try Self.patterns("rank_pattern", config)
      alphas = try Self.patterns("alpha_pattern", config)
      layers = LayerChoice(config)
      var notes: [String] = []
      if try config.bool("fan_in_fan_out", default: false) {
        notes.append(
          "\(file): \"fan_in_fan_out\" has no effect on layers of these kinds, as in PEFT")
      }
      try config.finish(ignoring: Self.harmless)
      self.notes = notes + config.notes
    } catch {
      throw .file(error)
    }
  }

  private static func isOff(_ value: JSONValue) -> Bool {
    value.isNull || value == .bool(false) || value.array?.isEmpty == true
      || value.object?.isEmpty == true
  }

  private static func patterns(
    _ key: String, _ config: Config
  ) throws(FormatError) -> [(pattern: Pattern, value: Double)] {
    guard let members = try config.section(key) else { return [] }
    guard members.keys.count <= patternLimit else {
      throw .unsupportedSetting(
        key: key, value: "more than \(patternLimit) patterns", file: config.file)
    }
    let names = config.value(key)?.members?.map(\.key) ?? []
    return try names.map { name throws(FormatError) in
      guard let pattern = Pattern(name) else {
        throw .unsupportedSetting(
          key: key, value: "a regular expression that is not read, \(JSON.quoted(name))",
          file: config.file)
      }
      return (pattern, try members.double(name))
    }
  }

  /// The scale of a layer's product.
  ///
  /// - Parameters:
  ///   - layer: its name as the file spells it.
  ///   - rank: that of its factors.
  /// - Returns: alpha over the rank, or over its root.
  /// - Throws: ``ModelError/inconsistent(reason:file:)`` when the settings do not go with the layer.
  func scale(of layer: String, rank: Int) throws(ModelError) -> Float {
    let wanted = ranks.first { $0.pattern.matches(layer) }?.value ?? Double(self.rank)
    guard wanted == Double(rank) else {
      throw .inconsistent(
        reason: "the rank of \"\(layer)\" is \(wanted.formattedWhole) there and \(rank) in the "
          + "adapter's weights: both must come from one adapter", file: file)
    }
    guard !layers.leavesOut(layer) else {
      throw .inconsistent(
        reason: "it leaves out \"\(layer)\", which the adapter's weights have: both must come "
          + "from one adapter", file: file)
    }
    let alpha = alphas.first { $0.pattern.matches(layer) }?.value ?? alpha
    return Float(alpha / (usesRootOfRank ? Double(rank).squareRoot() : Double(rank)))
  }

  /// A key of `alpha_pattern` or `rank_pattern`: a regular expression for the end of a layer's name,
  /// nearly always that name itself.
  private struct Pattern: Sendable {
    private let literal: [UInt8]
    private let isWhole: Bool
    private let expression: NamePattern?

    init?(_ text: String) {
      isWhole = text.hasPrefix("^")
      literal = Array((isWhole ? text.dropFirst() : text[...]).utf8)
      let isPlain = literal.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "."):
          true
        default: false
        }
      }
      expression = isPlain ? nil : NamePattern(text, isSuffix: true)
      if !isPlain, expression == nil { return nil }
    }

    func matches(_ name: String) -> Bool {
      if let expression { return expression.matches(name) }
      let name = Array(name.utf8)
      let start = name.count - literal.count
      guard start == 0 || (!isWhole && start > 0 && name[start - 1] == UInt8(ascii: ".")) else {
        return false
      }
      return zip(literal, name[start...]).allSatisfy { $0 == $1 || $0 == UInt8(ascii: ".") }
    }
  }

  /// Which layers were trained: `target_modules` and its kin.
  private struct LayerChoice: Sendable {
    private let targets: Names?
    private let excluded: Names?
    private let numbers: Set<Int>?
    private let patterns: [String]

    private enum Names: Sendable {
      case ends([String])
      case pattern(NamePattern)

      /// Nil where there are none, or an expression that is not read: the weights tell then.
      init?(_ value: JSONValue?) {
        switch value {
        case .array(let names): self = .ends(names.compactMap(\.string))
        case .string(let text):
          guard let pattern = NamePattern(text, isSuffix: false), text != "all-linear" else {
            return nil
          }
          self = .pattern(pattern)
        default: return nil
        }
      }

      func contains(_ layer: String) -> Bool {
        switch self {
        case .ends(let names): names.contains { layer == $0 || layer.hasSuffix(".\($0)") }
        case .pattern(let pattern): pattern.matches(layer)
        }
      }
    }

    init(_ config: Config) {
      targets = Names(config.value("target_modules"))
      excluded = Names(config.value("exclude_modules"))
      let value = config.value("layers_to_transform")
      let list = value?.integer.map { [$0] } ?? value?.array?.compactMap(\.integer) ?? []
      numbers = list.isEmpty ? nil : Set(list)
      let pattern = config.value("layers_pattern")
      patterns = pattern?.string.map { [$0] } ?? pattern?.array?.compactMap(\.string) ?? []
    }

    func leavesOut(_ layer: String) -> Bool {
      if excluded?.contains(layer) == true { return true }
      guard let targets else { return false }
      if case .ends(let names) = targets, names.contains(layer) { return false }
      guard targets.contains(layer) else { return true }
      guard let numbers, case .ends = targets else { return false }
      return !(number(in: layer).map(numbers.contains) ?? false)
    }

    /// The number of the layer among its equals: the first behind one of `patterns`, or behind any
    /// name but the first.
    private func number(in layer: String) -> Int? {
      let parts = layer.split(separator: ".").map(String.init)
      for index in parts.indices.dropLast() where index > 0 {
        guard let number = Int(parts[index]) else { continue }
        let before = parts[..<index].joined(separator: ".")
        let fits =
          patterns.isEmpty
          ? index > 1 : patterns.contains { before == $0 || before.hasSuffix(".\($0)") }
        if fits { return number }
      }
      return nil
    }
  }
}

extension Double {
  /// An integer without a decimal point.
  fileprivate var formattedWhole: String { Int(exactly: self).map(String.init) ?? "\(self)" }
}
