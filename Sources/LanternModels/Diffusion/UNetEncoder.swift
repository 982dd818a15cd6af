import LanternLayers
import LanternTensor

/// The half of a U-Net on the way down, and its middle: what a ControlNet has a copy of.
struct UNetEncoder: Sendable {
  /// Channels of the skip connections, in the order in which they are made.
  let skipChannels: [Int]
  /// Channels of the residuals that a ControlNet adds: those of ``skipChannels``, and of the middle.
  var residualChannels: [Int] { skipChannels + skipChannels.suffix(1) }
  /// Where a T2I-Adapter adds residuals: behind each block, and behind the middle.
  let blockResiduals: [BlockResidual]
  private let config: UNet2DConditionConfig
  private let convIn: Conv2d
  private let timeEmbedding: TimestepEmbedding
  /// The additional embedding, of a pooled vector and sizes.
  private let addEmbedding: TimestepEmbedding?
  private let downBlocks: [DownBlock2D]
  private let midBlock: MidBlock2D?

  /// Takes its tensors at the root of the checkpoint.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  init(_ config: UNet2DConditionConfig, _ weights: Weights) throws(ModelError) {
    self.config = config
    let channels = config.blockOutChannels
    let last = channels.count - 1
    self.convIn = try Conv2d(
      weights["conv_in"], config.inChannels, channels[0],
      ConvolutionWindow(config.convInKernel, padding: .all(config.convInKernel / 2)))
    self.timeEmbedding = try TimestepEmbedding(
      weights["time_embedding"], channels[0], config.timeEmbeddingDim,
      cosineFirst: config.flipSinToCos, shift: config.freqShift,
      condition: config.timeCondProjDim)
    self.addEmbedding = try config.addition.map { addition throws(ModelError) in
      try TimestepEmbedding(
        weights["add_embedding"], addition.features, config.timeEmbeddingDim,
        cosineFirst: config.flipSinToCos, shift: config.freqShift)
    }
    var skips = [channels[0]]
    var down: [DownBlock2D] = []
    for index in channels.indices {
      let level = config.down(index)
      down.append(
        try DownBlock2D(
          weights["down_blocks"][index], level, inputs: channels[max(index - 1, 0)],
          isLast: index == last))
      skips += Array(
        repeating: channels[index], count: config.layersPerBlock[index] + (index == last ? 0 : 1))
    }
    self.downBlocks = down
    self.skipChannels = skips
    self.midBlock =
      config.middle == .nothing
      ? nil : try MidBlock2D(weights["mid_block"], config.middleLevel)
    let behindBlocks = channels.indices.map { index in
      // A block without attention has been halved there.
      let isHalved = !config.downHasAttention[index] && index < last
      return BlockResidual(
        channels: channels[index], downsampling: 1 << (isHalved ? index + 1 : index))
    }
    self.blockResiduals =
      behindBlocks
      + (config.middle == .nothing
        ? [] : [BlockResidual(channels: channels[last], downsampling: 1 << last)])
  }

  var downAttentions: [Transformer2DModel] { downBlocks.flatMap(\.attentions) }
  var midAttentions: [Transformer2DModel] { midBlock?.attentions ?? [] }

  /// Keys and values of a text for its attentions, in the order in which they run.
  func keysAndValues(of text: Tensor) throws(TensorError) -> [Attention.KeysAndValues] {
    var all: [Attention.KeysAndValues] = []
    for attention in downAttentions + midAttentions { all += try attention.keysAndValues(of: text) }
    return all
  }

  /// The embedding of the pooled vector and of sizes, `[row, feature]`; nil for a model without.
  func added(_ conditioning: Conditioning) throws(TensorError) -> Tensor? {
    guard let addEmbedding, let addition = config.addition else { return nil }
    let sizes = conditioning.sizes
    guard let pooled = conditioning.pooled, sizes.count == pooled.shape[0],
      sizes.allSatisfy({ config.pooledFeatures(sizes: $0.count) == pooled.shape[1] })
    else {
      throw .shape(
        op: "UNet2DConditionModel",
        expected: "a pooled vector and sizes for each row, of \(addition.features) features",
        found: sizes.map(\.count))
    }
    let rows = sizes.joined().flatMap {
      TimestepEmbedding.sinusoid(
        $0, addition.timeFeatures, cosineFirst: config.flipSinToCos, shift: config.freqShift)
    }
    let encoded = try Tensor(rows, shape: [pooled.shape[0], rows.count / pooled.shape[0]])
    return try addEmbedding(Tensor.concatenated([pooled, encoded], axis: 1))
  }

  /// The strength of guidance as sines and cosines, `[row, feature]`, as latent consistency models take it
  /// (Luo et al. 2023, arXiv:2310.04378); nil for a model without.
  func guidance(_ conditioning: Conditioning) throws(TensorError) -> Tensor? {
    guard let features = config.timeCondProjDim else { return nil }
    let rows = conditioning.states.shape[0]
    // At scale 1 nothing is added to the prediction with the prompt: the embedding counts from there.
    let row = TimestepEmbedding.sinusoid(
      1000 * ((conditioning.guidance ?? 1) - 1), features, cosineFirst: false, shift: 1)
    return try Tensor(
      [[Float]](repeating: row, count: rows).flatMap(\.self), shape: [rows, features])
  }

  /// SiLU of the time embedding, `[batch, feature]`: every resnet takes it so.
  func time(_ timestep: Float, batch: Int, added: Tensor?, guidance: Tensor?)
    throws(TensorError) -> Tensor
  {
    var time = try timeEmbedding(timestep, batch: batch, condition: guidance)
    if let added { time = try time + added }
    return try time.applying(.silu)
  }

  /// The first skip connection alone: the output of the first convolution.
  func first(_ latent: Tensor) throws(TensorError) -> Tensor { try convIn(latent) }

  /// The skip connections and the middle's result.
  ///
  /// - Parameters:
  ///   - latent: `[batch, height, width, input channel]`.
  ///   - time: see ``time(_:batch:added:guidance:)``.
  ///   - text: hands out keys and values in turn.
  ///   - hint: added to the first convolution's result; `[1, height, width, channel]`.
  ///   - residuals: added behind each block and behind the middle; fewer, or none.
  /// - Returns: skip connections in the order in which they are made, and what goes up.
  /// - Throws: ``TensorError`` for a wrong shape.
  func callAsFunction(
    _ latent: Tensor, time: Tensor, text: inout TextContext.Reader, hint: Tensor? = nil,
    blocks residuals: [Tensor] = []
  ) throws(TensorError) -> (skips: [Tensor], middle: Tensor) {
    var h = try convIn(latent)
    if let hint { h = try h + hint }
    var skips = [h]
    var left = residuals[...]
    for block in downBlocks {
      h = try block(h, time: time, text: &text, skips: &skips, residual: left.popFirst())
    }
    if let midBlock {
      h = try midBlock(h, time: time, text: &text)
      if let residual = left.first { h = try h + residual }
    }
    return (skips, h)
  }
}
