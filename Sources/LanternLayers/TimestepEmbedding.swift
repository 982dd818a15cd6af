import LanternPlatform
package import LanternTensor

/// A timestep as sines and cosines (Vaswani et al. 2017, arXiv:1706.03762), and two linear maps; a condition may
/// be added to the sines and cosines.
package struct TimestepEmbedding: Sendable {
  private let linear1: Linear
  private let linear2: Linear
  private let condition: Linear?
  private let features: Int
  private let cosineFirst: Bool
  private let shift: Float

  /// - Parameters:
  ///   - weights: the cursor at its tensors.
  ///   - features: of the sinusoid; where odd, the last is 0.
  ///   - outputs: features of the embedding.
  ///   - cosineFirst: diffusers' `flip_sin_to_cos`.
  ///   - shift: diffusers' `freq_shift`.
  ///   - condition: features of the condition, diffusers' `cond_proj_dim`; nil for none.
  ///   - bias: whether the maps have one.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  package init(
    _ weights: Weights, _ features: Int, _ outputs: Int, cosineFirst: Bool, shift: Float,
    condition: Int? = nil, bias: Bool = true
  ) throws(ModelError) {
    self.linear1 = try Linear(weights["linear_1"], features, outputs, bias: bias)
    self.linear2 = try Linear(weights["linear_2"], outputs, outputs, bias: bias)
    self.condition = try condition.map { inputs throws(ModelError) in
      try Linear(weights["cond_proj"], inputs, features, bias: false)
    }
    self.features = features
    self.cosineFirst = cosineFirst
    self.shift = shift
  }

  /// `[batch, outputs]`, the same timestep for each of `batch` pictures; `added` is the condition,
  /// `[batch, feature]`, where there is one.
  package func callAsFunction(_ timestep: Float, batch: Int, condition added: Tensor? = nil)
    throws(TensorError) -> Tensor
  {
    let row = Self.sinusoid(timestep, features, cosineFirst: cosineFirst, shift: shift)
    let rows = [[Float]](repeating: row, count: batch).flatMap(\.self)
    var sinusoid = try Tensor(rows, shape: [batch, features])
    if let condition, let added { sinusoid = try condition(added, residual: sinusoid) }
    return try self(sinusoid)
  }

  /// The two linear maps alone, of `[batch, features]`.
  package func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    try linear2(linear1(x, activation: .silu))
  }

  /// A number as sines and cosines (diffusers' `Timesteps`).
  ///
  /// - Parameters:
  ///   - number: a timestep, or a size.
  ///   - features: how many; where odd, the last is 0.
  ///   - cosineFirst: diffusers' `flip_sin_to_cos`.
  ///   - shift: diffusers' `freq_shift`.
  /// - Returns: `features` numbers.
  package static func sinusoid(
    _ number: Float, _ features: Int, cosineFirst: Bool, shift: Float
  ) -> [Float] {
    let half = features / 2
    // In f32 step by step, as the reference does: the angles reach 1000, where rounding shows.
    let angles = (0..<half).map { index in
      number * exp(-log(Float(10000)) * Float(index) / (Float(half) - shift))
    }
    let sines = angles.map { sin($0) }
    let cosines = angles.map { cos($0) }
    let padding = [Float](repeating: 0, count: features % 2)
    return (cosineFirst ? cosines + sines : sines + cosines) + padding
  }
}
