package import LanternFormats
package import LanternLayers

// The decoder of a tiny autoencoder in a file without settings: TAESD's own, or diffusers' weights alone.
extension AutoencoderTinyConfig {
  /// Reads the settings off the shapes of a decoder.
  ///
  /// - Parameter file: tensors in diffusers' names.
  /// - Throws: ``ModelError/inconsistent(reason:file:)`` for sizes that make no decoder.
  package init(decoderOf file: any TensorFile) throws(ModelError) {
    var blocks: [Int] = []
    // As the layers are counted: a level's blocks, a doubling, a convolution.
    var number = 2
    while blocks.count < 9 {
      let first = number
      while file.contains("decoder.layers.\(number).conv.0.weight") { number += 1 }
      blocks.append(number - first)
      if file.contains("decoder.layers.\(number).weight") { break }
      number += 2
    }
    let channels = JSONValue.integer(file.size("decoder.layers.0.weight", 0))
    let all = JSONValue.array(Array(repeating: channels, count: blocks.count))
    try self.init(
      Config(
        [
          "latent_channels": .integer(file.size("decoder.layers.0.weight", 1)),
          "out_channels": .integer(file.size("decoder.layers.\(number).weight", 0)),
          "decoder_block_out_channels": all, "encoder_block_out_channels": all,
          "num_decoder_blocks": .array(blocks.map(JSONValue.integer)),
          "num_encoder_blocks": .array(blocks.reversed().map(JSONValue.integer)),
        ], file: file.path))
  }

  /// A file of a decoder in diffusers' names; nil for another model.
  ///
  /// TAESD's own files count the clamp before the first convolution as a layer, and those of a decoder alone
  /// have no prefix.
  package static func renamed(_ file: any TensorFile) -> (any TensorFile)? {
    if file.contains("decoder.layers.0.weight") { return file }
    let prefix = ["", "decoder."].first { prefix in
      file.contains("\(prefix)1.weight") && file.contains("\(prefix)3.conv.0.weight")
    }
    guard let prefix else { return nil }
    return RenamedTensorFile(file) { name in
      if name.hasPrefix("encoder.") { return "encoder.layers.\(name.dropFirst(8))" }
      let parts = name.dropFirst(prefix.count).split(separator: ".", maxSplits: 1)
      guard name.hasPrefix(prefix), parts.count == 2, let layer = Int(parts[0]), layer > 0 else {
        return name
      }
      return "decoder.layers.\(layer - 1).\(parts[1])"
    }
  }
}
