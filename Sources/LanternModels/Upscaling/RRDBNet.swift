package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of an RRDBNet, which its tensors show.
package struct RRDBNetConfig: Sendable {
  /// Channels between blocks.
  var features: Int
  /// Channels that a convolution of a dense block adds.
  var growth: Int
  var blocks: Int
  /// Doublings of the size.
  var doublings: Int
  /// Pixels a side that become channels before all else (`pixel_unshuffle`); 1 for none.
  var unshuffling: Int

  /// Reads the settings off the shapes.
  ///
  /// - Parameter file: tensors in the names of Real-ESRGAN.
  /// - Throws: ``ModelError/unsupported(what:file:)`` for a variant that is not read,
  ///   ``ModelError/inconsistent(reason:file:)`` for sizes that make no network.
  package init(_ file: any TensorFile) throws(ModelError) {
    if file.names.contains(where: { $0.contains(".conv1x1.") }) {
      throw .unsupported(
        what: "is an upscaler of the architecture ESRGAN+, with 1×1 convolutions", file: file.path)
    }
    features = file.size("conv_first.weight", 0)
    growth = file.size("body.0.rdb1.conv1.weight", 0)
    blocks = file.count("body.", ".rdb1.conv1.weight")
    doublings = (1...).first { !file.contains("conv_up\($0).weight") }.map { $0 - 1 } ?? 0
    let inputs = file.size("conv_first.weight", 1)
    let outputs = file.size("conv_last.weight", 0)
    unshuffling = [1, 2, 4].first { 3 * $0 * $0 == inputs } ?? 0
    guard unshuffling > 0, outputs == 3 else {
      throw .unsupported(
        what:
          "is an upscaler from \(inputs) to \(outputs) channels, not from red, green and blue to "
          + "the same", file: file.path)
    }
    guard (1...4096).contains(features), (1...4096).contains(growth), (1...1024).contains(blocks),
      (0...4).contains(doublings), 1 << doublings >= unshuffling
    else {
      throw .inconsistent(
        reason: "\(features) features, \(growth) channels of growth, \(blocks) blocks and "
          + "\(doublings) doublings make no RRDBNet", file: file.path)
    }
  }

  /// A file of one of the three spellings in the newest one, Real-ESRGAN's; nil for another network.
  ///
  /// ESRGAN's own has numbers of layers (`model.1.sub.0.RDB1.conv1.0`), BSRGAN's other words
  /// (`RRDB_trunk.0.RDB1.conv1`).
  package static func renamed(_ file: any TensorFile) -> (any TensorFile)? {
    if file.contains("body.0.rdb1.conv1.weight") { return file }
    if file.contains("RRDB_trunk.0.RDB1.conv1.weight") {
      return RenamedTensorFile(file) { name in
        let parts = name.split(separator: ".").map(String.init)
        guard let word = parts.first else { return name }
        let first = words[word] ?? word.replacing("upconv", with: "conv_up")
        let rest = parts.dropFirst().map { $0.replacing("RDB", with: "rdb") }
        return ([first] + rest).joined(separator: ".")
      }
    }
    let layers = Set(file.names.compactMap { layer(of: $0) }).sorted()
    guard layers.count > 3, file.contains("model.1.sub.0.RDB1.conv1.0.weight") else { return nil }
    var names = [layers[0]: "conv_first"]
    for (index, layer) in layers.dropFirst(2).enumerated() {
      let left = layers.count - 3 - index
      names[layer] = left == 0 ? "conv_last" : left == 1 ? "conv_hr" : "conv_up\(index + 1)"
    }
    return RenamedTensorFile(file) { name in
      let parts = name.split(separator: ".").map(String.init)
      guard let layer = layer(of: name) else { return name }
      if layer != 1 {
        return ([names[layer] ?? parts[1]] + parts.dropFirst(2)).joined(separator: ".")
      }
      guard parts.count == 8 else {
        return (["conv_body"] + parts.dropFirst(4)).joined(separator: ".")
      }
      let block = parts[4].replacing("RDB", with: "rdb")
      return "body.\(parts[3]).\(block).\(parts[5]).\(parts[7])"
    }
  }

  /// BSRGAN's words.
  private static let words = [
    "RRDB_trunk": "body", "trunk_conv": "conv_body", "HRconv": "conv_hr",
  ]

  /// N of `model.N.…`.
  private static func layer(of name: String) -> Int? {
    let parts = name.split(separator: ".", maxSplits: 2)
    return parts.count == 3 && parts[0] == "model" ? Int(parts[1]) : nil
  }
}

/// The generator of ESRGAN (Wang et al. 2018, arXiv:1809.00219) and Real-ESRGAN (2021,
/// arXiv:2107.10833): dense blocks within residual ones, and doublings at the end.
package struct RRDBNet: UpscalerNetwork {
  private let config: RRDBNetConfig
  private let convFirst: Conv2d
  private let body: [[DenseBlock]]
  private let convBody: Conv2d
  private let convUp: [Conv2d]
  private let convHR: Conv2d
  private let convLast: Conv2d

  package var scale: Int { (1 << config.doublings) / config.unshuffling }
  package var unit: Int { config.unshuffling }

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: RRDBNetConfig, _ weights: Weights) throws(ModelError) {
    self.config = config
    let features = config.features
    func convolution(_ name: String, _ inputs: Int, _ outputs: Int, doubling: Bool = false)
      throws(ModelError) -> Conv2d
    {
      let window = ConvolutionWindow(3, padding: .all(1), upsampling: doubling ? 2 : 1)
      return try Conv2d(weights[name], inputs, outputs, window)
    }
    convFirst = try convolution(
      "conv_first", 3 * config.unshuffling * config.unshuffling, features)
    body = try (0..<config.blocks).map { index throws(ModelError) in
      try (1...3).map { number throws(ModelError) in
        try DenseBlock(weights["body"][index]["rdb\(number)"], features, growth: config.growth)
      }
    }
    convBody = try convolution("conv_body", features, features)
    convUp = try (0..<config.doublings).map { index throws(ModelError) in
      try convolution("conv_up\(index + 1)", features, features, doubling: true)
    }
    convHR = try convolution("conv_hr", features, features)
    convLast = try convolution("conv_last", features, 3)
    try weights.finish()
  }

  package func callAsFunction(_ picture: Tensor) throws(TensorError) -> Tensor {
    let unit = config.unshuffling
    let (height, width) = (picture.shape[1], picture.shape[2])
    let x =
      unit == 1
      ? picture : try picture.reflected(toMultiplesOf: unit).pixelUnshuffled(by: unit)
    let first = try convFirst(x)
    var h = first
    for block in body {
      let x = h
      for dense in block { h = try dense(h) }
      h = try x + h.scaled(by: 0.2)
    }
    h = try convBody(h, residual: first)
    for conv in convUp { h = try conv(h, activation: .leakyReLU) }
    h = try convLast(convHR(h, activation: .leakyReLU))
    return try h.sliced(axis: 1, 0..<height * scale).sliced(axis: 2, 0..<width * scale)
      .contiguous()
  }
}

/// Five convolutions, each over all channels before it (`ResidualDenseBlock`).
private struct DenseBlock: Sendable {
  private let convolutions: [Conv2d]

  init(_ weights: Weights, _ features: Int, growth: Int) throws(ModelError) {
    convolutions = try (0..<5).map { index throws(ModelError) in
      try Conv2d(
        weights["conv\(index + 1)"], features + index * growth, index == 4 ? features : growth,
        .same3)
    }
  }

  func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    var all = x
    for convolution in convolutions.dropLast() {
      all = try Tensor.concatenated([all, convolution(all, activation: .leakyReLU)], axis: 3)
    }
    return try x + convolutions[4](all).scaled(by: 0.2)
  }
}

extension Tensor {
  /// The picture with rows below and columns to the right that mirror those before, until its sizes are
  /// multiples (`torch.nn.functional.pad` with `reflect`).
  fileprivate func reflected(toMultiplesOf unit: Int) throws(TensorError) -> Tensor {
    var padded = self
    for axis in 1...2 {
      let size = padded.shape[axis]
      let missing = (unit - size % unit) % unit
      guard missing > 0 else { continue }
      guard size > missing else {
        throw .shape(op: "reflected", expected: "more than \(missing) pixels a side", found: shape)
      }
      var parts = [padded]
      for step in 1...missing {
        parts.append(try padded.sliced(axis: axis, size - 1 - step..<size - step))
      }
      padded = try Tensor.concatenated(parts, axis: axis)
    }
    return padded
  }
}
