package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of CLIP's vision encoder, read from transformers' `image_encoder/config.json`.
package struct CLIPVisionConfig: Sendable {
  var hiddenSize: Int
  var intermediateSize: Int
  var projectionDim: Int
  var numHiddenLayers: Int
  var numAttentionHeads: Int
  var imageSize: Int
  var patchSize: Int
  var activation: Activation
  var layerNormEps: Float

  /// Settings of training: none changes a picture's vector.
  private static let harmless = TransformersSettings.harmless.union([
    "dropout", "initializer_factor",
  ])

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when sizes do not divide.
  package init(_ config: Config) throws(ModelError) {
    do throws(FormatError) {
      // Of a file for both of CLIP's sides, as in transformers.
      let config = try config.section("vision_config") ?? config
      try config.expect("num_channels", [.integer(3)])
      hiddenSize = try config.integer("hidden_size", default: 768)
      intermediateSize = try config.integer("intermediate_size", default: 3072)
      projectionDim = try config.integer("projection_dim", default: 512)
      numHiddenLayers = try config.integer("num_hidden_layers", default: 12)
      numAttentionHeads = try config.integer("num_attention_heads", default: 12)
      imageSize = try config.integer("image_size", default: 224)
      patchSize = try config.integer("patch_size", default: 32)
      layerNormEps = try config.float("layer_norm_eps", default: 1e-5)
      activation = try TransformersSettings.activation(config, default: "quick_gelu")
      try config.finish(ignoring: Self.harmless)
    } catch {
      throw .file(error)
    }
    let sizes = [hiddenSize, intermediateSize, projectionDim, numHiddenLayers, numAttentionHeads]
    guard sizes.allSatisfy({ (1...65536).contains($0) }), hiddenSize % numAttentionHeads == 0,
      (1...4096).contains(imageSize), (1...imageSize).contains(patchSize)
    else {
      throw .inconsistent(
        reason:
          "sizes must be positive, num_attention_heads must divide hidden_size, and patch_size "
          + "be no more than image_size", file: config.file)
    }
  }

  /// Positions of patches, and the one of the class.
  var positions: Int { (imageSize / patchSize) * (imageSize / patchSize) + 1 }

  /// Reads the settings off the shapes of a file without any.
  ///
  /// - Throws: ``ModelError/inconsistent(reason:file:)`` for sizes of none of CLIP's published encoders.
  package init(_ file: any TensorFile) throws(ModelError) {
    let embeddings = "vision_model.embeddings"
    let size = file.size("\(embeddings).class_embedding", 0)
    // Heads and the activation are in no shape: those of OpenAI's ViT-B and ViT-L, LAION's ViT-H and ViT-bigG.
    let known = [
      768: (12, "quick_gelu"), 1024: (16, "quick_gelu"), 1280: (16, "gelu"), 1664: (16, "gelu"),
    ]
    guard let (heads, activation) = known[size] else {
      throw .inconsistent(
        reason:
          "a vision encoder of \(size) features is none of CLIP's that are known by their size; give "
          + "its folder, with a config.json", file: file.path)
    }
    let patch = file.size("\(embeddings).patch_embedding.weight", 3)
    let positions = file.size("\(embeddings).position_embedding.weight", 0)
    let side = (1...256).first { $0 * $0 + 1 >= positions } ?? 0
    let layers = "vision_model.encoder.layers."
    try self.init(
      Config(
        [
          "hidden_size": .integer(size), "num_attention_heads": .integer(heads),
          "hidden_act": .string(activation), "patch_size": .integer(patch),
          "image_size": .integer(side &* patch),
          "intermediate_size": .integer(file.size("\(layers)0.mlp.fc1.weight", 0)),
          "num_hidden_layers": .integer(file.count(layers, ".layer_norm1.weight")),
          "projection_dim": .integer(file.size("visual_projection.weight", 0)),
        ], file: file.path))
  }

  /// A file of a vision encoder in transformers' names; nil for another model.
  package static func renamed(_ file: any TensorFile) -> (any TensorFile)? {
    file.contains("vision_model.embeddings.class_embedding") ? file : nil
  }
}

/// CLIP's vision encoder (Radford et al. 2021, arXiv:2103.00020), transformers' `CLIPVisionModelWithProjection`.
package struct CLIPVisionModel: ImageEncoder {
  private let config: CLIPVisionConfig
  private let classEmbedding: Tensor
  private let patchEmbedding: Conv2d
  private let positionEmbedding: Tensor
  private let preNorm: LayerNorm
  private let layers: [CLIPEncoderLayer]
  private let postNorm: LayerNorm
  private let projection: Linear

  package var imageSize: Int { config.imageSize }
  package var stateFeatures: Int { config.hiddenSize }
  package var embeddingFeatures: Int { config.projectionDim }

  /// Builds the model with its weights; of a file for both of CLIP's sides the text's are left.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: CLIPVisionConfig, _ root: Weights) throws(ModelError) {
    self.config = config
    // transformers from 5.6 on writes some towers without the prefix.
    let older = root["vision_model"]
    let weights = older["pre_layrnorm"].has("weight") ? older : root
    let (size, eps) = (config.hiddenSize, config.layerNormEps)
    let embeddings = weights["embeddings"]
    classEmbedding = try embeddings.tensor("class_embedding", [size])
    patchEmbedding = try Conv2d(
      embeddings["patch_embedding"], 3, size,
      ConvolutionWindow(config.patchSize, stride: config.patchSize), bias: false)
    positionEmbedding = try embeddings["position_embedding"].tensor(
      "weight", [config.positions, size])
    // So it is spelt in the checkpoints.
    preNorm = try LayerNorm(weights["pre_layrnorm"], size, eps: eps)
    layers = try (0..<config.numHiddenLayers).map { index throws(ModelError) in
      try CLIPEncoderLayer(
        weights["encoder.layers"][index], size, inner: config.intermediateSize,
        heads: config.numAttentionHeads, activation: config.activation, eps: eps)
    }
    postNorm = try LayerNorm(weights["post_layernorm"], size, eps: eps)
    projection = try Linear(root["visual_projection"], size, config.projectionDim, bias: false)
    try root.finish(
      ignoring: ["position_ids", "logit_scale", "text_projection.weight"], later: ["text_model"])
  }

  package func states(of pixels: Tensor) throws(TensorError) -> Tensor {
    try hidden(pixels, layers.dropLast())
  }

  package func embedding(of pixels: Tensor) throws(TensorError) -> Tensor {
    let states = try hidden(pixels, layers[...])
    let first = try states.sliced(axis: 1, 0..<1).contiguous()
    return try projection(postNorm(first.reshaped([first.shape[0], config.hiddenSize])))
  }

  /// Less the mean of the pictures that it was trained on, by their deviation.
  package func normalized(_ picture: Tensor) throws(TensorError) -> Tensor {
    let mean = try Tensor([0.48145466, 0.4578275, 0.40821073], shape: [3])
    let deviation = try Tensor([0.26862954, 0.26130258, 0.27577711], shape: [3])
    return try (picture - mean) / deviation
  }

  private func hidden(_ pixels: Tensor, _ layers: ArraySlice<CLIPEncoderLayer>) throws(TensorError)
    -> Tensor
  {
    let side = config.imageSize
    guard pixels.rank == 4, pixels.shape[1...] == [side, side, 3] else {
      throw .shape(op: "CLIPVisionModel", expected: "[_, \(side), \(side), 3]", found: pixels.shape)
    }
    let patches = try patchEmbedding(pixels)
    let (batch, size) = (patches.shape[0], config.hiddenSize)
    let first = try Tensor(repeating: 0, shape: [batch, 1, size]) + classEmbedding
    let tokens = try Tensor.concatenated([first, patches.reshaped([batch, -1, size])], axis: 1)
    var h = try preNorm(tokens + positionEmbedding)
    for layer in layers { h = try layer(h, mask: .none) }
    return h
  }
}
