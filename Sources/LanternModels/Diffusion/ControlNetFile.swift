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
    let layers = (1...file.names.count).first {
      file.contains("\(prefix)input_blocks.\($0).0.op.weight")
    }
    let hints = (0...file.names.count).first {
      !file.contains("\(prefix)input_hint_block.\(2 * $0).weight")
    }
    return RenamedTensorFile(file) { name in
      guard name.hasPrefix(prefix) else { return name }
      let parts = name.dropFirst(prefix.count).split(separator: ".").map(String.init)
      return renamed(parts, layers: layers ?? 1, hints: hints ?? 1).joined(separator: ".")
    }
  }

  /// A name in diffusers' words.
  ///
  /// - Parameters:
  ///   - parts: of the name in LDM's.
  ///   - layers: blocks of a level, the downsampler included.
  ///   - hints: convolutions of the picture's embedding.
  /// - Returns: the parts of the new name; the same for one that is not known.
  private static func renamed(_ parts: [String], layers: Int, hints: Int) -> [String] {
    guard let first = parts.first, parts.count > 2, let number = Int(parts[1]), number >= 0 else {
      return parts
    }
    let rest = Array(parts.dropFirst(3))
    switch first {
    case "time_embed": return ["time_embedding", "linear_\(number / 2 + 1)", parts[2]]
    case "label_emb":
      return ["add_embedding", "linear_\((Int(parts[2]) ?? 0) / 2 + 1)"] + rest
    case "zero_convs": return ["controlnet_down_blocks", parts[1]] + rest
    case "middle_block_out": return ["controlnet_mid_block"] + parts.dropFirst(2)
    case "input_hint_block":
      let place = number / 2
      let layer =
        place == 0 ? ["conv_in"] : place == hints - 1 ? ["conv_out"] : ["blocks", "\(place - 1)"]
      return ["controlnet_cond_embedding"] + layer + parts.dropFirst(2)
    case "middle_block":
      return number == 1
        ? ["mid_block", "attentions", "0"] + parts.dropFirst(2)
        : ["mid_block", "resnets", "\(number / 2)"] + resnet(Array(parts.dropFirst(2)))
    case "input_blocks" where number == 0: return ["conv_in"] + rest
    case "input_blocks" where parts[2] == "0" && rest.first == "op":
      return ["down_blocks", "\(number / layers - 1)", "downsamplers", "0", "conv"]
        + rest.dropFirst()
    case "input_blocks":
      let (level, index) = (number - 1).quotientAndRemainder(dividingBy: layers)
      let kind = parts[2] == "0" ? "resnets" : "attentions"
      return ["down_blocks", "\(level)", kind, "\(index)"]
        + (parts[2] == "0" ? resnet(rest) : rest)
    default: return parts
    }
  }

  /// The layer of a res block, by its first one or two parts.
  private static func resnet(_ parts: [String]) -> [String] {
    if parts.first == "skip_connection" { return ["conv_shortcut"] + parts.dropFirst() }
    let names = [
      "in_layers.0": "norm1", "in_layers.2": "conv1", "emb_layers.1": "time_emb_proj",
      "out_layers.0": "norm2", "out_layers.3": "conv2",
    ]
    guard let name = names[parts.prefix(2).joined(separator: ".")] else { return parts }
    return [name] + parts.dropFirst(2)
  }
}
