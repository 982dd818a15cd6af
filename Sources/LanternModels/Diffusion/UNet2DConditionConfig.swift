package import LanternFormats
package import LanternLayers

/// The settings of a U-Net, read from diffusers' `unet/config.json`.
package struct UNet2DConditionConfig: Sendable {
  /// Height and width that it was trained on, in latents.
  package var sampleSize: (height: Int, width: Int)
  package var inChannels: Int
  package var outChannels: Int
  var flipSinToCos: Bool
  var freqShift: Float
  var downHasAttention: [Bool]
  var upHasAttention: [Bool]
  var middle: Middle
  var blockOutChannels: [Int]
  var layersPerBlock: [Int]
  var normNumGroups: Int
  var normEps: Float
  package var crossAttentionDim: Int
  /// Transformer blocks of the attentions of each level, on the way down and on the way up: one number for
  /// all of a level's, or one for each.
  private var depths: (down: [[Int]], up: [[Int]])
  var heads: [Int]
  var timeEmbeddingDim: Int
  /// Features of the guidance embedding; nil where guidance is no input.
  var timeCondProjDim: Int?
  var convInKernel: Int
  var convOutKernel: Int
  /// The additional embedding: none, or of a pooled vector and sizes (SDXL's `text_time`).
  var addition: (timeFeatures: Int, features: Int)?

  /// What is between the way down and the way up.
  enum Middle: Sendable {
    case nothing
    /// `UNetMidBlock2D`: one resnet.
    case resnet
    /// `UNetMidBlock2DCrossAttn`: an attention between two resnets.
    case attention
  }

  /// Settings that stand for other architectures, and the only value they may have here.
  private static let fixed: [(key: String, value: JSONValue)] = [
    ("act_fn", .string("silu")),
    ("attention_type", .string("default")),
    ("center_input_sample", .bool(false)), ("class_embed_type", .null),
    ("class_embeddings_concat", .bool(false)), ("cross_attention_norm", .null),
    ("downsample_padding", .integer(1)), ("dual_cross_attention", .bool(false)),
    ("encoder_hid_dim", .null), ("encoder_hid_dim_type", .null),
    ("mid_block_scale_factor", .integer(1)),
    ("num_attention_heads", .null), ("num_class_embeds", .null),
    ("resnet_out_scale_factor", .integer(1)),
    ("resnet_skip_time_act", .bool(false)), ("resnet_time_scale_shift", .string("default")),
    ("time_embedding_act_fn", .null), ("time_embedding_type", .string("positional")),
    ("timestep_post_act", .null),
  ]

  /// Settings that change no result here: whether attention computes in f32 (it always does), and
  /// details of what ``fixed`` rules out.
  private static let harmless: Set<String> = [
    "addition_embed_type_num_heads", "dropout",
    "mid_block_only_cross_attention", "upcast_attention", "use_linear_projection",
  ]

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a missing, mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when lists differ in length or sizes do not divide.
  package init(_ config: Config) throws(ModelError) {
    do throws(FormatError) {
      for (key, value) in Self.fixed { try config.expect(key, [value]) }
      try config.expect("act_fn", [.string("silu"), .string("swish")])
      guard try config.same("only_cross_attention") ?? .bool(false) == .bool(false) else {
        throw FormatError.unsupportedSetting(
          key: "only_cross_attention", value: "true", file: config.file)
      }
      blockOutChannels = try config.integers("block_out_channels", default: [320, 640, 1280, 1280])
      let levels = blockOutChannels.count
      let down = try config.strings(
        "down_block_types",
        default: Array(repeating: "CrossAttnDownBlock2D", count: 3) + ["DownBlock2D"])
      let up = try config.strings(
        "up_block_types", default: ["UpBlock2D"] + Array(repeating: "CrossAttnUpBlock2D", count: 3))
      downHasAttention = try down.map { kind throws(FormatError) in
        try Self.hasAttention(kind, "DownBlock2D", "down_block_types", config)
      }
      upHasAttention = try up.map { kind throws(FormatError) in
        try Self.hasAttention(kind, "UpBlock2D", "up_block_types", config)
      }
      try config.expect("mid_block_type", ["UNetMidBlock2D", "UNetMidBlock2DCrossAttn"])
      switch config.value("mid_block_type") {
      case .null?: middle = .nothing
      case "UNetMidBlock2D"?: middle = .resnet
      default: middle = .attention
      }
      sampleSize = try config.size("sample_size", default: 64)
      inChannels = try config.integer("in_channels", default: 4)
      outChannels = try config.integer("out_channels", default: 4)
      flipSinToCos = try config.bool("flip_sin_to_cos", default: true)
      freqShift = try config.float("freq_shift", default: 0)
      layersPerBlock = try config.perLevel("layers_per_block", count: levels, default: 2)
      normNumGroups = try config.integer("norm_num_groups", default: 32)
      normEps = try config.float("norm_eps", default: 1e-5)
      crossAttentionDim = try config.sameInteger("cross_attention_dim", default: 1280)
      depths = try Self.depths(config, levels)
      // diffusers calls the number of heads `attention_head_dim`, as its own comment says.
      heads = try config.perLevel("attention_head_dim", count: levels, default: 8)
      // Wrapping, since sizes are checked below.
      timeEmbeddingDim = try config.integer(
        "time_embedding_dim", default: 4 &* (blockOutChannels.first ?? 0))
      timeCondProjDim = try config.optionalInteger("time_cond_proj_dim")
      convInKernel = try config.integer("conv_in_kernel", default: 3)
      convOutKernel = try config.integer("conv_out_kernel", default: 3)
      addition = try Self.addition(config)
      try config.finish(ignoring: Self.harmless)
    } catch {
      throw .file(error)
    }
    try check(config.file)
  }

  /// Transformer blocks of attentions; those of the way up are the mirror of the way down unless that has
  /// several numbers for a level.
  private static func depths(_ config: Config, _ levels: Int) throws(FormatError) -> (
    down: [[Int]], up: [[Int]]
  ) {
    let (key, mirror) = (
      "transformer_layers_per_block", "reverse_transformer_layers_per_block"
    )
    let down = try config.perLayer(key, count: levels, default: 1)
    if let value = config.value(mirror), value != .null {
      return (down, try config.perLayer(mirror, count: levels))
    }
    guard down.allSatisfy({ $0.count == 1 }) else {
      throw .missingKey(key: mirror, file: config.file)
    }
    return (down, down.reversed())
  }

  private static func addition(_ config: Config) throws(FormatError) -> (
    timeFeatures: Int, features: Int
  )? {
    try config.expect("addition_embed_type", [.null, .string("text_time")])
    let timeFeatures = try config.optionalInteger("addition_time_embed_dim")
    let features = try config.optionalInteger("projection_class_embeddings_input_dim")
    guard config.value("addition_embed_type")?.string != nil else { return nil }
    guard let timeFeatures else {
      throw .missingKey(key: "addition_time_embed_dim", file: config.file)
    }
    guard let features else {
      throw .missingKey(key: "projection_class_embeddings_input_dim", file: config.file)
    }
    return (timeFeatures, features)
  }

  private static func hasAttention(
    _ kind: String, _ plain: String, _ key: String, _ config: Config
  ) throws(FormatError) -> Bool {
    guard kind == plain || kind == "CrossAttn\(plain)" else {
      throw .unsupportedSetting(key: key, value: kind, file: config.file)
    }
    return kind != plain
  }

  private func check(_ file: String) throws(ModelError) {
    let levels = blockOutChannels.count
    guard levels > 0, downHasAttention.count == levels, upHasAttention.count == levels else {
      throw .inconsistent(
        reason: "block_out_channels, down_block_types and up_block_types differ in length",
        file: file)
    }
    let blocks = (depths.down + depths.up).flatMap(\.self)
    let sizes = blockOutChannels + layersPerBlock + blocks + heads
    let scalars = [
      inChannels, outChannels, normNumGroups, crossAttentionDim, timeEmbeddingDim,
      sampleSize.height, sampleSize.width, addition?.timeFeatures ?? 1,
      addition?.features ?? 1, timeCondProjDim ?? 4,
    ]
    guard (sizes + scalars).allSatisfy({ (1...65536).contains($0) }),
      [convInKernel, convOutKernel].allSatisfy({ (1...15).contains($0) && $0 % 2 == 1 })
    else { throw .inconsistent(reason: "a size is not a sensible positive number", file: file) }
    for (level, layers) in layersPerBlock.enumerated() {
      let up = depths.up[levels - 1 - level].count
      guard [1, layers].contains(depths.down[level].count), [1, layers + 1].contains(up) else {
        throw .inconsistent(
          reason: "transformer_layers_per_block has another length than layers_per_block",
          file: file
        )
      }
    }
    for (level, channels) in blockOutChannels.enumerated() {
      guard channels % normNumGroups == 0, channels % heads[level] == 0,
        channels / heads[level] <= 1024
      else {
        throw .inconsistent(
          reason: "block_out_channels \(channels) is not divided by norm_num_groups "
            + "\(normNumGroups) and attention_head_dim \(heads[level])", file: file)
      }
    }
  }

  /// Features of a pooled vector with so many sizes; 0 for a model that takes none.
  func pooledFeatures(sizes count: Int) -> Int {
    addition.map { $0.features - count * $0.timeFeatures } ?? 0
  }

  /// A level on the way down.
  func down(_ index: Int) -> UNetLevel {
    level(index, downHasAttention[index] ? depths.down[index] : [], layersPerBlock[index])
  }

  /// A level on the way up, the lowest first; it has a resnet more than its mirror.
  func up(_ index: Int) -> UNetLevel {
    let mirror = blockOutChannels.count - 1 - index
    return level(
      mirror, upHasAttention[index] ? depths.up[index] : [], layersPerBlock[mirror] + 1)
  }

  /// The block between both.
  var middleLevel: UNetLevel {
    let last = blockOutChannels.count - 1
    return level(last, middle == .attention ? Array(depths.down[last].prefix(1)) : [], 1)
  }

  private func level(_ index: Int, _ depths: [Int], _ layers: Int) -> UNetLevel {
    UNetLevel(
      channels: blockOutChannels[index], layers: layers,
      depths: depths.count == 1 ? Array(repeating: depths[0], count: layers) : depths,
      heads: heads[index], context: crossAttentionDim, timeFeatures: timeEmbeddingDim,
      groups: normNumGroups, eps: normEps)
  }
}
