import LanternFormats
import LanternLayers

/// The settings of models as they follow from the shapes of their tensors, in the names of diffusers and
/// transformers: files without a `config.json`.
///
/// What no shape shows is what all published models have: groups of 32 where they divide all channels,
/// and heads as `Heads` says.
struct ShapeSettings {
  /// How many heads attention has, which no shape shows.
  enum Heads: Sendable {
    /// As many in every level.
    case count(Int)
    /// One for each so many features, and one for fewer.
    case width(Int)

    func callAsFunction(_ features: Int) -> Int {
      switch self {
      case .count(let count): count
      case .width(let width): max(1, features / width)
      }
    }
  }

  private let names: [String]
  let path: String
  private let shape: (String) -> [Int]?

  /// Of a file's tensors.
  init(file: any TensorFile) {
    (names, path) = (file.names, file.path)
    shape = { file.info($0)?.shape }
  }

  /// Of a folder's tensors.
  init(archive: TensorArchive) {
    (names, path) = (archive.names, archive.file(of: ""))
    shape = { archive.info($0)?.shape }
  }

  func has(_ name: String) -> Bool { shape(name) != nil }

  /// A size of a tensor.
  ///
  /// - Throws: ``ModelError/missingTensor(name:file:)``, ``ModelError/wrongShape(name:expected:found:file:)``
  ///   for a tensor without this axis.
  func size(_ name: String, axis: Int) throws(ModelError) -> Int {
    guard let shape = shape(name) else {
      throw .missingTensor(name: name, file: path)
    }
    guard axis < shape.count else {
      throw .inconsistent(
        reason: "tensor \(JSON.quoted(name)) of shape \(shape) has too few axes", file: path)
    }
    return shape[axis]
  }

  func count(_ limit: Int = 256, _ name: (Int) -> String) -> Int {
    (0..<limit).prefix { has(name($0)) }.count
  }

  static func groups(_ channels: [Int]) -> Int {
    channels.reduce(32) { a, b in
      var (a, b) = (a, b)
      while b != 0 { (a, b) = (b, a % b) }
      return a
    }
  }

  /// The width of the text that a U-Net attends to; nil for one without attention.
  var contextWidth: Int? {
    let name = names.first { $0.hasSuffix(".attn2.to_k.weight") }
    return name.flatMap { shape($0)?.dropFirst().first }
  }

  /// The settings of a `UNet2DConditionModel`.
  ///
  /// - Parameters:
  ///   - heads: of attention.
  ///   - sampleSize: height and width of the latents that it was trained on.
  ///   - pooled: features of the pooled vector, for a U-Net that is given one; read of the file's own
  ///     text encoder.
  ///   - sizes: numbers that stand behind that.
  /// - Returns: what its `config.json` would say.
  /// - Throws: ``ModelError`` for tensors that are missing or of another rank.
  func unet(heads: Heads, sampleSize: Int, pooled: Int?, sizes: Int) throws(ModelError)
    -> [String: JSONValue]
  {
    let layout = UNetLayout(diffusers: has)
    let channels = try layout.levels.indices.map { level throws(ModelError) in
      try size("down_blocks.\(level).resnets.0.conv1.weight", axis: 0)
    }
    let attends = layout.levels.map(\.hasAttention)
    let up = layout.levels.indices.map { has("up_blocks.\($0).attentions.0.norm.weight") }
    let first = names.first { $0.hasSuffix(".proj_in.weight") }
    let isLinear = first.flatMap { shape($0)?.count } == 2
    var settings: [String: JSONValue] = [
      "_class_name": .string("UNet2DConditionModel"),
      "in_channels": .integer(try size("conv_in.weight", axis: 1)),
      "out_channels": .integer(try size("conv_out.weight", axis: 0)),
      "sample_size": .integer(sampleSize),
      "block_out_channels": .array(channels.map(JSONValue.integer)),
      "layers_per_block": .array(layout.levels.map { .integer($0.resnets) }),
      "down_block_types": Self.types("DownBlock2D", attends),
      "up_block_types": Self.types("UpBlock2D", up),
      "norm_num_groups": .integer(Self.groups(channels)),
      "attention_head_dim": .array(channels.map { .integer(heads($0)) }),
      "use_linear_projection": .bool(isLinear),
    ]
    settings.merge(depths(layout)) { _, new in new }
    settings["cross_attention_dim"] = contextWidth.map(JSONValue.integer)
    if !has("mid_block.resnets.0.norm1.weight") {
      settings["mid_block_type"] = .null
    } else if !has("mid_block.attentions.0.norm.weight") {
      settings["mid_block_type"] = .string("UNetMidBlock2D")
    }
    if has("time_embedding.cond_proj.weight") {
      settings["time_cond_proj_dim"] = .integer(
        try size("time_embedding.cond_proj.weight", axis: 1))
    }
    guard has("add_embedding.linear_1.weight") else { return settings }
    let columns = try size("add_embedding.linear_1.weight", axis: 1)
    settings["addition_embed_type"] = .string("text_time")
    settings["projection_class_embeddings_input_dim"] = .integer(columns)
    // Without a text encoder the published model's.
    let features = pooled.map { (columns - $0) / sizes } ?? 256
    settings["addition_time_embed_dim"] = .integer(features)
    return settings
  }

  private static func types(_ plain: String, _ attends: [Bool]) -> JSONValue {
    .array(attends.map { .string($0 ? "CrossAttn\(plain)" : plain) })
  }

  /// Transformer blocks of attentions: a number for each level, of one without any the middle's; where the
  /// attentions of a level differ, or those of the way up are no mirror, a number for each attention.
  private func depths(_ layout: UNetLayout) -> [String: JSONValue] {
    let levels = layout.levels.indices
    func depth(_ attention: String) -> Int {
      count { "\(attention).transformer_blocks.\($0).norm1.weight" }
    }
    func depths(_ block: String, _ layers: Int) -> [Int] {
      (0..<layers).map { depth("\(block).attentions.\($0)") }
    }
    let down = levels.map { depths("down_blocks.\($0)", layout.levels[$0].resnets) }
    let up = levels.map { depths("up_blocks.\($0)", layout.levels.reversed()[$0].resnets + 1) }
    let middle = max(1, depth("mid_block.attentions.0"))
    // The number of all, where they are equal; nil where they differ.
    func common(_ all: [Int]) -> Int? { Set(all).count == 1 ? all.first : nil }
    let same = levels.map { level in
      common(down[level] + up[levels.count - 1 - level]).map { max($0, 1) }
    }
    let plain = levels.map { layout.levels[$0].hasAttention ? same[$0] ?? 1 : middle }
    let key = "transformer_layers_per_block"
    if !same.contains(nil) { return [key: .array(plain.map(JSONValue.integer))] }
    func written(_ all: [[Int]]) -> JSONValue {
      .array(
        all.map { level in
          let common = common(level)
          return common.map { .integer($0 == 0 ? middle : $0) }
            ?? .array(level.map { .integer(max($0, 1)) })
        })
    }
    return [key: written(down), "reverse_\(key)": written(up)]
  }

  /// A published U-Net that was distilled to a smaller one: transformer blocks of the attentions of each level,
  /// 0 for none, resnets of each, and resnets of the middle.
  private struct Distilled {
    let name: String
    let takesPooled: Bool
    let depths: [Int]
    let layers: Int
    let middle: Int
  }

  private static let distilled = [
    Distilled(
      name: "BK-SDM-Base", takesPooled: false, depths: [1, 1, 1, 0], layers: 1, middle: 2),
    Distilled(
      name: "BK-SDM-Small", takesPooled: false, depths: [1, 1, 1, 0], layers: 1, middle: 0),
    Distilled(name: "BK-SDM-Tiny", takesPooled: false, depths: [1, 1, 1], layers: 1, middle: 0),
    Distilled(name: "SDXS", takesPooled: false, depths: [0, 1, 1], layers: 1, middle: 0),
    Distilled(name: "SSD-1B", takesPooled: true, depths: [0, 2, 4], layers: 2, middle: 1),
    Distilled(name: "Segmind Vega", takesPooled: true, depths: [0, 1, 2], layers: 2, middle: 1),
    Distilled(name: "KOALA-700M", takesPooled: true, depths: [0, 2, 5], layers: 1, middle: 0),
    Distilled(name: "KOALA-1B", takesPooled: true, depths: [0, 2, 6], layers: 1, middle: 2),
  ]

  /// The name of a published U-Net that was distilled from a kind's; nil for any other.
  func distilled(from kind: SingleFileKind) -> String? {
    let levels = UNetLayout(diffusers: has).levels
    let depths = levels.indices.map { level in
      count { "down_blocks.\(level).attentions.0.transformer_blocks.\($0).norm1.weight" }
    }
    let middle = count { "mid_block.resnets.\($0).norm1.weight" }
    return Self.distilled.first { row in
      row.takesPooled == kind.takesPooled && row.depths == depths && row.middle == middle
        && levels.allSatisfy { $0.resnets == row.layers }
    }?.name
  }

  /// The settings of an `AutoencoderKL`.
  ///
  /// - Parameters:
  ///   - scalingFactor: what latents are multiplied by behind the encoder.
  ///   - sampleSize: height and width of the pictures that it was trained on.
  /// - Returns: what its `config.json` would say.
  /// - Throws: ``ModelError`` for tensors that are missing or of another rank.
  func autoencoder(scalingFactor: Double, sampleSize: Int) throws(ModelError)
    -> [String: JSONValue]
  {
    let layout = AutoencoderLayout(diffusers: has)
    let channels = try layout.resnets.indices.map { level throws(ModelError) in
      try size("encoder.down_blocks.\(level).resnets.0.conv1.weight", axis: 0)
    }
    func types(_ name: String) -> JSONValue { .array(channels.map { _ in .string(name) }) }
    return [
      "_class_name": .string("AutoencoderKL"),
      "in_channels": .integer(try size("encoder.conv_in.weight", axis: 1)),
      "out_channels": .integer(try size("decoder.conv_out.weight", axis: 0)),
      "latent_channels": .integer(try size("decoder.conv_in.weight", axis: 1)),
      "block_out_channels": .array(channels.map(JSONValue.integer)),
      "layers_per_block": .integer(layout.resnets.first ?? 1),
      "down_block_types": types("DownEncoderBlock2D"),
      "up_block_types": types("UpDecoderBlock2D"),
      "norm_num_groups": .integer(Self.groups(channels)),
      "sample_size": .integer(sampleSize),
      "scaling_factor": .number(scalingFactor),
      "use_quant_conv": .bool(has("quant_conv.weight")),
      "use_post_quant_conv": .bool(has("post_quant_conv.weight")),
      "mid_block_add_attention": .bool(has("encoder.mid_block.attentions.0.group_norm.weight")),
    ]
  }

  /// The settings of an `AutoencoderKLFlux2`.
  ///
  /// - Parameter sampleSize: height and width of the pictures that it was trained on.
  /// - Returns: what its `config.json` would say.
  /// - Throws: ``ModelError`` for tensors that are missing or of another rank.
  func autoencoderFlux2(sampleSize: Int) throws(ModelError) -> [String: JSONValue] {
    var settings = try autoencoder(scalingFactor: 1, sampleSize: sampleSize)
    let levels = AutoencoderLayout(diffusers: has).resnets.count
    let channels = try (0..<levels).map { level throws(ModelError) in
      try size("decoder.up_blocks.\(levels - 1 - level).resnets.0.conv1.weight", axis: 0)
    }
    settings["_class_name"] = .string("AutoencoderKLFlux2")
    settings["scaling_factor"] = nil
    settings["decoder_block_out_channels"] = .array(channels.map(JSONValue.integer))
    let both = channels + [settings["norm_num_groups"]?.integer ?? 1]
    settings["norm_num_groups"] = .integer(Self.groups(both))
    return settings
  }

  /// The settings of a `CLIPTextModel`, projected or not.
  ///
  /// - Parameters:
  ///   - isOpenCLIP: whether its names were open_clip's, whose models have the exact GELU.
  ///   - prefix: before the names of its tensors.
  /// - Returns: what its `config.json` would say.
  /// - Throws: ``ModelError`` for tensors that are missing or of another rank.
  func textEncoder(isOpenCLIP: Bool, below prefix: String) throws(ModelError)
    -> [String: JSONValue]
  {
    let width = try size("\(prefix)embeddings.token_embedding.weight", axis: 1)
    // OpenAI's model of 768 features has its own activation in every code, OpenCLIP's larger ones not.
    let isExact = width != 768 && (isOpenCLIP || [1024, 1280].contains(width))
    let isProjected = has("text_projection.weight")
    var settings: [String: JSONValue] = [
      "architectures": .array([
        .string(isProjected ? "CLIPTextModelWithProjection" : "CLIPTextModel")
      ]),
      "model_type": .string("clip_text_model"),
      "vocab_size": .integer(try size("\(prefix)embeddings.token_embedding.weight", axis: 0)),
      "hidden_size": .integer(width),
      "intermediate_size": .integer(try size("\(prefix)encoder.layers.0.mlp.fc1.weight", axis: 0)),
      "num_hidden_layers": .integer(count { "\(prefix)encoder.layers.\($0).layer_norm1.weight" }),
      "num_attention_heads": .integer(Heads.width(64)(width)),
      "max_position_embeddings": .integer(
        try size("\(prefix)embeddings.position_embedding.weight", axis: 0)),
      "hidden_act": .string(isExact ? "gelu" : "quick_gelu"),
      // As in the published folders: the end of a text is the highest id in it.
      "bos_token_id": .integer(0), "eos_token_id": .integer(2), "pad_token_id": .integer(1),
    ]
    settings["projection_dim"] = .integer(
      isProjected ? try size("text_projection.weight", axis: 0) : width)
    return settings
  }
}
