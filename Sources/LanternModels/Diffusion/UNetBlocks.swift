import LanternLayers
import LanternTensor

/// The settings that the blocks of one level of a U-Net share.
struct UNetLevel: Sendable {
  var channels: Int
  /// Resnets.
  var layers: Int
  /// Transformer blocks of the attention behind each resnet; empty where the level has no attention.
  var depths: [Int]
  var heads: Int
  /// Features of a text token.
  var context: Int
  var timeFeatures: Int
  var groups: Int
  var eps: Float

  func resnet(_ weights: Weights, _ inputs: Int) throws(ModelError) -> ResnetBlock2D {
    try ResnetBlock2D(
      weights, inputs, channels, timeFeatures: timeFeatures, groups: groups, eps: eps)
  }

  func attentions(_ weights: Weights) throws(ModelError) -> [Transformer2DModel] {
    try depths.enumerated().map { index, depth throws(ModelError) in
      try Transformer2DModel(
        weights["attentions"][index], channels, heads: heads, context: context, depth: depth,
        groups: groups)
    }
  }
}

/// `DownBlock2D` and `CrossAttnDownBlock2D`: resnets, each with an attention or not, and a downsampler.
struct DownBlock2D: Sendable {
  private let resnets: [ResnetBlock2D]
  let attentions: [Transformer2DModel]
  private let downsampler: Downsample2D?

  init(_ weights: Weights, _ level: UNetLevel, inputs: Int, isLast: Bool) throws(ModelError) {
    self.attentions = try level.attentions(weights)
    self.resnets = try (0..<level.layers).map { index throws(ModelError) in
      try level.resnet(weights["resnets"][index], index == 0 ? inputs : level.channels)
    }
    self.downsampler =
      isLast
      ? nil : try Downsample2D(weights["downsamplers"][0], level.channels, padding: .all(1))
  }

  /// The block's output; skip connections for later blocks are appended to `skips`.
  ///
  /// As diffusers has it, `residual` is added behind the last attention, and where there is none to the
  /// block's output; the skip connection there has it too.
  func callAsFunction(
    _ x: Tensor, time: Tensor, text: inout TextContext.Reader, skips: inout [Tensor],
    residual: Tensor? = nil
  )
    throws(TensorError) -> Tensor
  {
    var h = x
    for (index, resnet) in resnets.enumerated() {
      h = try resnet(h, time: time)
      if !attentions.isEmpty {
        h = try attentions[index](h, text: &text)
        if let residual, index == resnets.count - 1 { h = try h + residual }
      }
      skips.append(h)
    }
    if let downsampler {
      h = try downsampler(h)
      skips.append(h)
    }
    if let residual, attentions.isEmpty {
      h = try h + residual
      skips[skips.count - 1] = h
    }
    return h
  }
}

/// `UNetMidBlock2DCrossAttn`, an attention between two resnets, or `UNetMidBlock2D`, the first alone.
struct MidBlock2D: Sendable {
  private let resnet1: ResnetBlock2D
  let attentions: [Transformer2DModel]
  private let resnet2: ResnetBlock2D?

  init(_ weights: Weights, _ level: UNetLevel) throws(ModelError) {
    self.resnet1 = try level.resnet(weights["resnets"][0], level.channels)
    self.attentions = try level.attentions(weights)
    self.resnet2 =
      attentions.isEmpty ? nil : try level.resnet(weights["resnets"][1], level.channels)
  }

  func callAsFunction(_ x: Tensor, time: Tensor, text: inout TextContext.Reader) throws(TensorError)
    -> Tensor
  {
    var h = try resnet1(x, time: time)
    for attention in attentions { h = try attention(h, text: &text) }
    return try resnet2.map { resnet throws(TensorError) in try resnet(h, time: time) } ?? h
  }
}

/// `UpBlock2D` and `CrossAttnUpBlock2D`: resnets with skip connections from the way down, and an upsampler.
struct UpBlock2D: Sendable {
  private let resnets: [ResnetBlock2D]
  let attentions: [Transformer2DModel]
  private let upsampler: Upsample2D?

  /// - Parameters:
  ///   - weights: the cursor at its tensors.
  ///   - level: channels, heads and depth.
  ///   - inputs: channels that come up from below.
  ///   - skips: channels of what comes from the way down, in the order it is taken.
  ///   - isLast: whether it is the uppermost, which does not double the size.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  init(_ weights: Weights, _ level: UNetLevel, inputs: Int, skips: [Int], isLast: Bool)
    throws(ModelError)
  {
    self.attentions = try level.attentions(weights)
    self.resnets = try skips.indices.map { index throws(ModelError) in
      let own = index == 0 ? inputs : level.channels
      return try level.resnet(weights["resnets"][index], own + skips[index])
    }
    self.upsampler = isLast ? nil : try Upsample2D(weights["upsamplers"][0], level.channels)
  }

  /// Number of its resnets.
  var layers: Int { resnets.count }

  /// The output of the block, or of a part of it.
  ///
  /// - Parameters:
  ///   - x: what comes up from below, or from the layers before the part.
  ///   - time: the embedding of the timestep.
  ///   - text: keys and values of the attentions to come.
  ///   - skips: skip connections, taken from the end.
  ///   - part: which of its layers; the last one has the upsampler with it.
  /// - Returns: `[batch, height, width, channel]`.
  /// - Throws: ``TensorError`` for a wrong shape or no memory.
  func callAsFunction(
    _ x: Tensor, time: Tensor, text: inout TextContext.Reader, skips: inout [Tensor],
    layers part: Range<Int>
  )
    throws(TensorError) -> Tensor
  {
    var h = x
    for index in part {
      guard let skip = skips.popLast() else { break }
      h = try resnets[index](Tensor.concatenated([h, skip], axis: -1), time: time)
      if !attentions.isEmpty { h = try attentions[index](h, text: &text) }
    }
    guard let upsampler, part.upperBound == layers else { return h }
    // A picture whose size is no multiple of eight latents was rounded up when it was halved.
    let size = skips.last.map { (height: $0.shape[1], width: $0.shape[2]) }
    return try upsampler(h, size: size)
  }
}
