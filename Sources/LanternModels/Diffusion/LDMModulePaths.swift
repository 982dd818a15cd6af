/// The paths of a U-Net's modules in the original code (LDM), by their paths in diffusers: adapters are spelt
/// either way.
///
/// Equals diffusers' `convert_ldm_unet_checkpoint` (0.42), read the other way.
package struct LDMModulePaths: Sendable {
  /// Paths there, by prefixes of paths in diffusers that end at a dot or at the end.
  private let prefixes: [String: String]

  /// Names within a residual block.
  private static let resnet = [
    "norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0", "conv2": "out_layers.3", "conv_shortcut": "skip_connection",
  ]

  /// The paths of a U-Net with these settings.
  package init(_ config: UNet2DConditionConfig) {
    var prefixes = [
      "conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0",
      "time_embedding.linear_2": "time_embed.2", "add_embedding.linear_1": "label_emb.0.0",
      "add_embedding.linear_2": "label_emb.0.2", "mid_block.attentions.0": "middle_block.1",
      "conv_norm_out": "out.0", "conv_out": "out.2",
    ]
    func addResnet(_ path: String, _ original: String) {
      for (name, there) in Self.resnet { prefixes["\(path).\(name)"] = "\(original).\(there)" }
    }
    addResnet("mid_block.resnets.0", "middle_block.0")
    addResnet("mid_block.resnets.1", "middle_block.2")
    let levels = config.layersPerBlock
    var number = 1
    for (level, layers) in levels.enumerated() {
      for layer in 0..<layers {
        addResnet("down_blocks.\(level).resnets.\(layer)", "input_blocks.\(number).0")
        prefixes["down_blocks.\(level).attentions.\(layer)"] = "input_blocks.\(number).1"
        number += 1
      }
      if level < levels.count - 1 {
        prefixes["down_blocks.\(level).downsamplers.0.conv"] = "input_blocks.\(number).0.op"
        number += 1
      }
    }
    number = 0
    for (level, layers) in levels.reversed().enumerated() {
      for layer in 0...layers {
        addResnet("up_blocks.\(level).resnets.\(layer)", "output_blocks.\(number).0")
        prefixes["up_blocks.\(level).attentions.\(layer)"] = "output_blocks.\(number).1"
        number += 1
      }
      if level < levels.count - 1 {
        // Behind the attention, where there is one.
        let index = config.upHasAttention[level] ? 2 : 1
        prefixes["up_blocks.\(level).upsamplers.0.conv"] =
          "output_blocks.\(number - 1).\(index).conv"
      }
    }
    self.prefixes = prefixes
  }

  /// The path there; nil for a module that is not there.
  package func original(_ path: String) -> String? {
    if let whole = prefixes[path] { return whole }
    var prefix = path[...]
    while let dot = prefix.lastIndex(of: ".") {
      prefix = prefix[..<dot]
      if let there = prefixes[String(prefix)] { return there + path[prefix.endIndex...] }
    }
    return nil
  }
}
