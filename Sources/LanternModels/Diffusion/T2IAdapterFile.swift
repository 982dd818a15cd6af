package import LanternFormats
package import LanternLayers

// A T2I-Adapter in one file without settings, in the names of TencentARC's code or of diffusers.
extension T2IAdapterConfig {
  /// Reads the settings off the shapes.
  ///
  /// - Parameter file: tensors in diffusers' names.
  /// - Throws: ``ModelError/unsupported(what:file:)`` for a variant that is not read,
  ///   ``ModelError/inconsistent(reason:file:)`` for sizes that make no adapter.
  package init(_ file: any TensorFile) throws(ModelError) {
    if file.names.contains(where: { $0.contains(".skep.") || $0.contains(".down_opt.") }) {
      throw .unsupported(
        what: "is a T2I-Adapter with convolutions next to its blocks (`skep`, `down_opt`)",
        file: file.path)
    }
    let isLight = file.contains("adapter.body.0.out_conv.weight")
    let inputs = file.size(
      isLight ? "adapter.body.0.in_conv.weight" : "adapter.conv_in.weight", 1)
    // Squares of 2, 4, 8, … pixels a side, of a grey picture or of one in colours.
    let sizes = [1, 3].flatMap { channels in (0...6).map { (channels, 1 << $0) } }
    guard let (channels, factor) = sizes.first(where: { $0.0 * $0.1 * $0.1 == inputs }) else {
      throw .unsupported(
        what: "is a T2I-Adapter of \(inputs) channels, which are not those of squares of grey or "
          + "coloured pixels", file: file.path)
    }
    let blocks = 0..<file.count("adapter.body.", ".resnets.0.block1.weight")
    let outputs = blocks.map { block in
      file.size("adapter.body.\(block).\(isLight ? "out_conv" : "resnets.0.block2").weight", 0)
    }
    // The last block of a light one has the channels of the one before.
    let listed = isLight ? outputs.dropLast() : outputs[...]
    let kind: Kind = isLight ? .light : factor < 16 ? .full : .fullXL
    try self.init(
      Config(
        [
          "adapter_type": .string(kind.rawValue), "in_channels": .integer(channels),
          "channels": .array(listed.map(JSONValue.integer)),
          "num_res_blocks": .integer(file.count("adapter.body.0.resnets.", ".block1.weight")),
          "downscale_factor": .integer(factor),
        ], file: file.path))
  }

  /// A file of a T2I-Adapter in diffusers' names; nil for another model.
  ///
  /// TencentARC's own files number all residual blocks in a row, of which each level's first may have a
  /// convolution before it; light ones have levels as diffusers has them.
  package static func renamed(_ file: any TensorFile) -> (any TensorFile)? {
    if file.contains("adapter.body.0.resnets.0.block1.weight") { return file }
    let isLight = file.contains("body.0.body.0.block1.weight")
    guard isLight || file.contains("body.0.block1.weight"),
      isLight || file.contains("conv_in.weight")
    else { return nil }
    // Levels have as many blocks each, and the second is the first that has other channels.
    let perLevel = (1..<64).first { file.contains("body.\($0).in_conv.weight") } ?? 2
    return RenamedTensorFile(file) { name in
      var parts = name.split(separator: ".").map(String.init)
      guard parts.count > 2, parts[0] == "body", let number = Int(parts[1]), number >= 0 else {
        return "adapter.\(name)"
      }
      if isLight {
        if parts[2] == "body" { parts[2] = "resnets" }
      } else {
        let rest = parts[2] == "in_conv" ? [] : ["resnets", "\(number % perLevel)"]
        parts.replaceSubrange(1..<2, with: ["\(number / perLevel)"] + rest)
      }
      return (["adapter"] + parts).joined(separator: ".")
    }
  }
}
