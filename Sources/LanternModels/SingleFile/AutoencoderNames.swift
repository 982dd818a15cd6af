import LanternFormats

/// The levels of an autoencoder, as the names of its tensors show them.
struct AutoencoderLayout: Equatable {
  /// Residual blocks of each level of the encoder; the decoder's have one more.
  var resnets: [Int] = []

  /// Most blocks that are looked for: a file's names decide, and may be anything.
  private static let limit = 64

  /// Of a file in the names of the original code.
  ///
  /// - Parameter has: whether there is a tensor of a name.
  init(original has: (String) -> Bool) {
    self.init { has("encoder.down.\($0).block.\($1).norm1.weight") }
  }

  /// Of a file in diffusers' names.
  ///
  /// - Parameter has: whether there is a tensor of a name.
  init(diffusers has: (String) -> Bool) {
    self.init { has("encoder.down_blocks.\($0).resnets.\($1).norm1.weight") }
  }

  private init(_ hasResnet: (_ level: Int, _ number: Int) -> Bool) {
    for level in 0..<Self.limit {
      let count = (0..<Self.limit).prefix { hasResnet(level, $0) }.count
      if count == 0 { break }
      resnets.append(count)
    }
  }

  /// Names of the original code (CompVis/latent-diffusion, `model.py`) and diffusers' for them.
  var names: NameTable {
    var pairs: [(from: String, to: String)] = ["quant_conv", "post_quant_conv", "bn"].map {
      ($0, $0)
    }
    // Of FLUX.2's.
    pairs += [
      ("encoder.quant_conv", "quant_conv"), ("decoder.post_quant_conv", "post_quant_conv"),
    ]
    func resnet(_ from: String, _ to: String) {
      pairs += [("\(from).nin_shortcut", "\(to).conv_shortcut"), (from, to)]
    }
    let last = resnets.count - 1
    for (level, count) in resnets.enumerated() {
      for number in 0..<count {
        resnet(
          "encoder.down.\(level).block.\(number)",
          "encoder.down_blocks.\(level).resnets.\(number)")
      }
      pairs.append(
        (
          "encoder.down.\(level).downsample.conv",
          "encoder.down_blocks.\(level).downsamplers.0.conv"
        ))
      // The original code counts the decoder's levels from the pictures' size on.
      let block = "decoder.up_blocks.\(last - level)"
      for number in 0...count {
        resnet("decoder.up.\(level).block.\(number)", "\(block).resnets.\(number)")
      }
      pairs.append(("decoder.up.\(level).upsample.conv", "\(block).upsamplers.0.conv"))
    }
    for side in ["encoder", "decoder"] {
      resnet("\(side).mid.block_1", "\(side).mid_block.resnets.0")
      resnet("\(side).mid.block_2", "\(side).mid_block.resnets.1")
      pairs += Self.attention.map {
        ("\(side).mid.attn_1.\($0.from)", "\(side).mid_block.attentions.0.\($0.to)")
      }
      pairs += [
        ("\(side).norm_out", "\(side).conv_norm_out"), ("\(side).conv_in", "\(side).conv_in"),
        ("\(side).conv_out", "\(side).conv_out"),
      ]
    }
    return NameTable(pairs)
  }

  private static let attention: [(from: String, to: String)] = [
    ("norm", "group_norm"), ("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("proj_out", "to_out.0"),
  ]
}
