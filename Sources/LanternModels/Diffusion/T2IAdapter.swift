package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of a T2I-Adapter, read from diffusers' `config.json`.
package struct T2IAdapterConfig: Sendable, Equatable {
  /// Its `adapter_type`.
  enum Kind: String, CaseIterable {
    case full = "full_adapter"
    /// Of SDXL: its first block does not halve the picture, as the U-Net does so before.
    case fullXL = "full_adapter_xl"
    /// With few channels within its blocks.
    case light = "light_adapter"
  }

  /// A block: channels that go in and out, and whether it halves the picture before.
  typealias Block = (inputs: Int, outputs: Int, halves: Bool)

  let kind: Kind
  /// Channels of the picture: 1 of a grey one, 3 of one in colours.
  let inChannels: Int
  let channels: [Int]
  let numResBlocks: Int
  let downscaleFactor: Int

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` for sizes that make no adapter.
  package init(_ config: Config) throws(ModelError) {
    do throws(FormatError) {
      let name = try config.string("adapter_type", default: Kind.full.rawValue)
      guard let kind = Kind(rawValue: name) else {
        throw .unsupportedSetting(key: "adapter_type", value: name, file: config.file)
      }
      self.kind = kind
      inChannels = try config.integer("in_channels", default: 3)
      channels = try config.integers("channels", default: [320, 640, 1280, 1280])
      numResBlocks = try config.integer("num_res_blocks", default: 2)
      downscaleFactor = try config.integer("downscale_factor", default: 8)
      try config.finish()
    } catch {
      throw .file(error)
    }
    guard inChannels == 1 || inChannels == 3, (1...8).contains(channels.count),
      channels.allSatisfy({ (4...65536).contains($0) }), (0...64).contains(numResBlocks),
      (1...64).contains(downscaleFactor),
      zip(blocks, blocks.dropFirst()).allSatisfy({ $0.outputs == $1.inputs })
    else {
      throw .inconsistent(
        reason:
          "in_channels \(inChannels), channels \(channels), num_res_blocks \(numResBlocks) and "
          + "downscale_factor \(downscaleFactor) make no T2I-Adapter", file: config.file)
    }
  }

  /// Channels of the picture when squares of it are gathered into them.
  var unshuffledChannels: Int { inChannels * downscaleFactor * downscaleFactor }

  var blocks: [Block] {
    switch kind {
    case .full:
      channels.indices.map { (channels[max($0 - 1, 0)], channels[$0], $0 > 0) }
    case .fullXL:
      channels.indices.map { index in
        let inputs = index == 1 || index == 2 ? channels[index - 1] : channels[index]
        return (inputs, channels[index], index == 2)
      }
    case .light:
      zip([unshuffledChannels] + channels, channels + channels.suffix(1)).enumerated().map {
        ($1.0, $1.1, $0 > 0)
      }
    }
  }
}

/// A T2I-Adapter: a small network that makes of a picture, once for all steps, what is added to a U-Net's
/// states on the way down (Mou et al. 2023, arXiv:2302.08453).
package struct T2IAdapter: ControlNetwork {
  private let config: T2IAdapterConfig
  /// `conv_in`; nil in light ones.
  private let convIn: Conv2d?
  private let body: [AdapterBlock]

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: T2IAdapterConfig, _ root: Weights) throws(ModelError) {
    self.config = config
    let weights = root["adapter"]
    convIn =
      config.kind == .light
      ? nil
      : try Conv2d(weights["conv_in"], config.unshuffledChannels, config.channels[0], .same3)
    body = try config.blocks.enumerated().map { index, block throws(ModelError) in
      try AdapterBlock(
        weights["body"][index], block, resnets: config.numResBlocks, isLight: config.kind == .light)
    }
    try root.finish()
  }

  package var residualChannels: [Int] { [] }
  package var conditioningFeatures: Int { 0 }
  package var hintChannels: Int { config.inChannels }
  package var hintUnit: Int { config.downscaleFactor }

  package var blockResiduals: [BlockResidual] {
    var downsampling = config.downscaleFactor
    return config.blocks.map { block in
      if block.halves { downsampling *= 2 }
      return BlockResidual(channels: block.outputs, downsampling: downsampling)
    }
  }

  package func pooledFeatures(sizes count: Int) -> Int { 0 }

  package func conditioned(on conditioning: Conditioning, hint: Tensor) throws(TensorError)
    -> ConditionedControl
  {
    var h = try hint.sliced(axis: 3, 0..<config.inChannels)
      .pixelUnshuffled(by: config.downscaleFactor)
    if let convIn { h = try convIn(h) }
    var features: [Tensor] = []
    for block in body {
      h = try block(h)
      features.append(h)
    }
    let residuals = ControlResiduals(blocks: features)
    return { _, _ in residuals }
  }
}

/// `AdapterBlock` and `LightAdapterBlock`: residual convolutions, between two of one pixel where it is light.
private struct AdapterBlock: Sendable {
  private let halves: Bool
  private let inConv: Conv2d?
  private let resnets: [(block1: Conv2d, block2: Conv2d)]
  private let outConv: Conv2d?

  init(_ weights: Weights, _ block: T2IAdapterConfig.Block, resnets count: Int, isLight: Bool)
    throws(ModelError)
  {
    halves = block.halves
    let channels = isLight ? block.outputs / 4 : block.outputs
    inConv =
      isLight || block.inputs != block.outputs
      ? try Conv2d(weights["in_conv"], block.inputs, channels, .pixel) : nil
    resnets = try (0..<count).map { index throws(ModelError) in
      let resnet = weights["resnets"][index]
      return (
        try Conv2d(resnet["block1"], channels, channels, .same3),
        try Conv2d(resnet["block2"], channels, channels, isLight ? .same3 : .pixel)
      )
    }
    outConv = isLight ? try Conv2d(weights["out_conv"], channels, block.outputs, .pixel) : nil
  }

  func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    var h = halves ? try x.averagePooled() : x
    if let inConv { h = try inConv(h) }
    for (block1, block2) in resnets {
      h = try block2(block1(h, activation: .relu), residual: h)
    }
    return try outConv.map { outConv throws(TensorError) in try outConv(h) } ?? h
  }
}
