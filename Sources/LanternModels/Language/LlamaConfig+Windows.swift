import LanternFormats

extension LlamaConfig {
  /// Of each layer, how many tokens a token attends to.
  static func windows(_ config: Config, _ architecture: Architecture, layers: Int)
    throws(FormatError) -> [Int?]
  {
    let count = max(0, min(layers, 1024))
    guard architecture != .llama, !architecture.isGLM else {
      return Array(repeating: nil, count: count)
    }
    // A key that stands there as null means no window; so does one that is not there, of Phi's and Mixtral's.
    let isNull =
      config.value("sliding_window") == .null
      || [.phi3, .mixtral].contains(architecture) && !config.has("sliding_window")
    let isQwen = [.qwen2, .qwen3, .qwen2Moe, .qwen3Moe].contains(architecture)
    let isWanted = isQwen ? try config.bool("use_sliding_window", default: false) : true
    let isUsed = isWanted && !isNull
    let size = try config.integer("sliding_window", default: 4096)
    // Where Qwen's is not used, files have 0.
    guard size > 0 || isQwen && !isUsed else {
      throw .unsupportedSetting(key: "sliding_window", value: "\(size)", file: config.file)
    }
    switch architecture {
    case .llama, .mistral, .mixtral, .phi3, .qwen3Moe, .glm, .glm4:
      return Array(repeating: isUsed ? size : nil, count: count)
    case .qwen2, .qwen3, .qwen2Moe:
      let first = try config.integer("max_window_layers", default: 28)
      return try windows(config, count, size: isUsed ? size : nil) { index in
        guard architecture == .qwen2Moe else { return isUsed && index >= first }
        return isUsed && index < first && index % 2 == 0
      }
    case .gemma2, .gemma3:
      // Before there were types of layers, every second of Gemma 2's had no window, every sixth of Gemma 3's or
      // as this key says.
      let key = "sliding_window_pattern"
      let pattern = architecture == .gemma2 ? 2 : try config.integer(key, default: 6)
      guard pattern > 0 else {
        throw .unsupportedSetting(key: key, value: "\(pattern)", file: config.file)
      }
      return try windows(config, count, size: isNull ? nil : size) { ($0 + 1) % pattern != 0 }
    }
  }

  /// Windows by `layer_types`, or where there are none by `isWindowed`.
  private static func windows(
    _ config: Config, _ count: Int, size: Int?, isWindowed: (Int) -> Bool
  ) throws(FormatError) -> [Int?] {
    let types = try config.strings(
      "layer_types",
      default: (0..<count).map { isWindowed($0) ? "sliding_attention" : "full_attention" })
    guard types.count == count else {
      throw .unsupportedSetting(
        key: "layer_types", value: "of \(types.count) layers", file: config.file)
    }
    return try types.map { type throws(FormatError) in
      switch type {
      case "full_attention": return nil
      case "sliding_attention" where size != nil: return size
      default: throw .unsupportedSetting(key: "layer_types", value: type, file: config.file)
      }
    }
  }
}
