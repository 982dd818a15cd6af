package import LanternFormats

/// The blocks of a U-Net, as the names of its tensors show them.
package struct UNetLayout: Equatable {
  /// A level on the way down; the one on the way up has a residual block more.
  struct Level: Equatable {
    var resnets: Int
    var hasAttention: Bool
  }

  var levels: [Level] = []

  /// Of a U-Net's settings.
  package init(_ config: UNet2DConditionConfig) {
    // A level's attention moves the upsampler behind it, on the way up.
    levels = zip(config.layersPerBlock, config.upHasAttention.reversed()).map {
      Level(resnets: $0, hasAttention: $1)
    }
  }

  /// Most blocks that are looked for: a file's names decide, and may be anything.
  private static let limit = 256

  /// Of a file in the names of the original code.
  ///
  /// - Parameter has: whether there is a tensor of a name.
  init(original has: (String) -> Bool) {
    var level = Level(resnets: 0, hasAttention: false)
    for index in 1..<Self.limit {
      if has("input_blocks.\(index).0.op.weight") {
        levels.append(level)
        level = Level(resnets: 0, hasAttention: false)
      } else if has("input_blocks.\(index).0.in_layers.0.weight") {
        level.resnets += 1
        level.hasAttention = level.hasAttention || has("input_blocks.\(index).1.norm.weight")
      } else {
        break
      }
    }
    levels.append(level)
  }

  /// Of a file in diffusers' names.
  ///
  /// - Parameter has: whether there is a tensor of a name.
  init(diffusers has: (String) -> Bool) {
    for index in 0..<Self.limit {
      let block = "down_blocks.\(index)"
      let resnets = (0..<Self.limit).prefix { has("\(block).resnets.\($0).norm1.weight") }.count
      if resnets == 0 { break }
      levels.append(
        Level(resnets: resnets, hasAttention: has("\(block).attentions.0.norm.weight")))
    }
  }

  /// Names of the original code (CompVis/latent-diffusion, `openaimodel.py`) and diffusers' for them.
  package var names: NameTable {
    var pairs: [(from: String, to: String)] = [
      ("time_embed.0", "time_embedding.linear_1"), ("time_embed.2", "time_embedding.linear_2"),
      ("label_emb.0.0", "add_embedding.linear_1"), ("label_emb.0.2", "add_embedding.linear_2"),
      ("input_blocks.0.0", "conv_in"), ("out.0", "conv_norm_out"), ("out.2", "conv_out"),
      // One name in both: of latent consistency models alone.
      ("time_embedding.cond_proj", "time_embedding.cond_proj"),
    ]
    func resnet(_ from: String, _ to: String) {
      pairs += Self.resnet.map { ("\(from).\($0.from)", "\(to).\($0.to)") }
    }
    var index = 1
    for (number, level) in levels.enumerated() {
      for layer in 0..<level.resnets {
        resnet("input_blocks.\(index).0", "down_blocks.\(number).resnets.\(layer)")
        pairs.append(("input_blocks.\(index).1", "down_blocks.\(number).attentions.\(layer)"))
        index += 1
      }
      if number < levels.count - 1 {
        pairs.append(("input_blocks.\(index).0.op", "down_blocks.\(number).downsamplers.0.conv"))
        index += 1
      }
    }
    resnet("middle_block.0", "mid_block.resnets.0")
    pairs.append(("middle_block.1", "mid_block.attentions.0"))
    resnet("middle_block.2", "mid_block.resnets.1")
    index = 0
    for (number, level) in levels.reversed().enumerated() {
      for layer in 0...level.resnets {
        resnet("output_blocks.\(index).0", "up_blocks.\(number).resnets.\(layer)")
        if level.hasAttention {
          pairs.append(("output_blocks.\(index).1", "up_blocks.\(number).attentions.\(layer)"))
        }
        index += 1
      }
      if number < levels.count - 1 {
        let last = "output_blocks.\(index - 1).\(level.hasAttention ? 2 : 1).conv"
        pairs.append((last, "up_blocks.\(number).upsamplers.0.conv"))
      }
    }
    return NameTable(pairs)
  }

  private static let resnet: [(from: String, to: String)] = [
    ("in_layers.0", "norm1"), ("in_layers.2", "conv1"), ("emb_layers.1", "time_emb_proj"),
    ("out_layers.0", "norm2"), ("out_layers.3", "conv2"), ("skip_connection", "conv_shortcut"),
  ]
}
