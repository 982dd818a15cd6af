package import LanternFormats
package import LanternLayers

// A ControlNet in one file without settings, in the names of the original code (LDM) or of diffusers.
extension ControlNetModelConfig {
  /// Reads the settings off the shapes.
  ///
  /// - Parameter file: tensors in diffusers' names.
  /// - Throws: ``ModelError/unsupported(what:file:)`` for what is added to a model's own weights,
  ///   ``ModelError/inconsistent(reason:file:)`` for sizes that make no ControlNet.
  package init(_ file: any TensorFile) throws(ModelError) {
    if file.contains("difference") || file.contains("lora_controlnet") {
      throw .unsupported(
        what: "is a ControlNet that is a difference to a model's own weights", file: file.path)
    }
    let levels = 0..<file.count("down_blocks.", ".resnets.0.conv1.weight")
    let channels = levels.map { file.size("down_blocks.\($0).resnets.0.conv1.weight", 0) }
    let depths = levels.map {
      file.count("down_blocks.\($0).attentions.0.transformer_blocks.", ".norm1.weight")
    }
    let block = "mid_block.attentions.0.transformer_blocks.0"
    let context = file.size("\(block).attn2.to_k.weight", 1)
    func numbers(_ values: [Int]) -> JSONValue { .array(values.map(JSONValue.integer)) }
    let hint = "controlnet_cond_embedding"
    let blocks = file.count("\(hint).blocks.", ".weight") / 2
    var members: [String: JSONValue] = [
      "block_out_channels": numbers(channels), "cross_attention_dim": .integer(context),
      "down_block_types": .array(
        depths.map { .string($0 > 0 ? "CrossAttnDownBlock2D" : "DownBlock2D") }),
      "layers_per_block": numbers(
        levels.map { file.count("down_blocks.\($0).resnets.", ".conv1.weight") }),
      "transformer_layers_per_block": numbers(depths.map { max($0, 1) }),
      // Stable Diffusion 1 has eight heads everywhere, the younger ones heads of 64 features.
      "attention_head_dim": numbers(channels.map { context == 768 ? 8 : max($0 / 64, 1) }),
      "conditioning_embedding_out_channels": numbers(
        [file.size("\(hint).conv_in.weight", 0)]
          + (0..<blocks).map { file.size("\(hint).blocks.\(2 * $0 + 1).weight", 0) }),
    ]
    let added = file.size("add_embedding.linear_1.weight", 1)
    if added > 0 {
      members["addition_embed_type"] = "text_time"
      members["addition_time_embed_dim"] = 256
      members["projection_class_embeddings_input_dim"] = .integer(added)
    }
    try self.init(Config(members, file: file.path))
  }

  /// A file of a ControlNet in diffusers' names; nil for another model.
  package static func renamed(_ file: any TensorFile) -> (any TensorFile)? {
    if file.contains("controlnet_cond_embedding.conv_in.weight") { return file }
    let found = ["control_model.", ""].first { file.contains("\($0)input_hint_block.0.weight") }
    guard let prefix = found else { return nil }
    let names = UNetLayout(original: { file.contains(prefix + $0) }).names
      .adding(Self.controlNames(file, prefix))
    return RenamedTensorFile(file) { name in
      guard name.hasPrefix(prefix) else { return name }
      return names(String(name.dropFirst(prefix.count))) ?? name
    }
  }

  /// Names of what a ControlNet has in addition to its half of a U-Net, in LDM's and in diffusers' words.
  private static func controlNames(_ file: any TensorFile, _ prefix: String)
    -> [(from: String, to: String)]
  {
    func count(_ name: (Int) -> String) -> Int {
      (0..<256).prefix { file.contains(prefix + name($0)) }.count
    }
    let outputs = (0..<count { "zero_convs.\($0).0.weight" }).map {
      (from: "zero_convs.\($0).0", to: "controlnet_down_blocks.\($0)")
    }
    let hints = count { "input_hint_block.\(2 * $0).weight" }
    let embedding = (0..<hints).map { number in
      let layer =
        number == 0 ? "conv_in" : number == hints - 1 ? "conv_out" : "blocks.\(number - 1)"
      return (from: "input_hint_block.\(2 * number)", to: "controlnet_cond_embedding.\(layer)")
    }
    return outputs + [("middle_block_out.0", "controlnet_mid_block")] + embedding
  }
}
