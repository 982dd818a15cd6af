import LanternPlatform
package import LanternTensor

/// A feed-forward layer of several, the experts, of which a router chooses a few for each token (Shazeer et al. 2017,
/// arXiv:1701.06538; Jiang et al. 2024, arXiv:2401.04088), as transformers' Mixtral and Qwen's have it.
package struct MixtureOfExperts: Sendable {
  /// How many experts there are, and how they are chosen.
  package struct Settings: Sendable {
    /// Experts of a layer, and of a token.
    package let count: Int, chosen: Int
    /// Features between an expert's maps.
    package let inner: Int
    /// The same of an expert for all tokens, times the sigmoid of a score of its own; none where nil.
    package let sharedInner: Int?
    /// Whether probabilities of a token's experts are divided by their sum.
    package let isNormalized: Bool

    package init(
      count: Int, chosen: Int, inner: Int, sharedInner: Int? = nil, isNormalized: Bool
    ) {
      (self.count, self.chosen, self.inner) = (count, chosen, inner)
      (self.sharedInner, self.isNormalized) = (sharedInner, isNormalized)
    }
  }

  private let settings: Settings
  private let router: PackedMatrix
  private let experts: [FeedForward]
  private let shared: (gate: PackedMatrix, expert: FeedForward)?

  /// Takes `gate`, the router's map; `experts`, each with `gate_proj`, `up_proj` and `down_proj`; and where one is for
  /// all tokens `shared_expert` and `shared_expert_gate`.
  ///
  /// - Parameters:
  ///   - weights: where they are.
  ///   - features: of a token.
  ///   - settings: how many there are.
  ///   - activation: of the gates.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  package init(
    _ weights: Weights, _ features: Int, _ settings: Settings, activation: Activation
  ) throws(ModelError) {
    self.settings = settings
    self.router = try Self.scores(weights["gate"], features, settings.count)
    self.experts = try (0..<settings.count).map { index throws(ModelError) in
      try FeedForward(
        gated: weights["experts"][index], features, inner: settings.inner, activation: activation,
        bias: false)
    }
    self.shared =
      if let inner = settings.sharedInner {
        (
          try Self.scores(weights["shared_expert_gate"], features, 1),
          try FeedForward(
            gated: weights["shared_expert"], features, inner: inner, activation: activation,
            bias: false)
        )
      } else { nil }
  }

  /// A map to scores, in f32 whatever the precision: a little less may be another expert.
  private static func scores(_ weights: Weights, _ features: Int, _ count: Int) throws(ModelError)
    -> PackedMatrix
  {
    // llama.cpp's files have the one row of a shared expert's as a vector.
    let weight = try weights.tensor("weight", [count, features], orReshaped: true)
    do {
      return try PackedMatrix(weight)
    } catch {
      throw .tensor(error)
    }
  }

  /// `residual + Σ probability · expert(x)`: each expert reads all tokens that chose it at once.
  ///
  /// - Parameters:
  ///   - x: `[batch, token, feature]`.
  ///   - residual: of the same shape.
  /// - Returns: the shape of `x`.
  /// - Throws: ``TensorError`` for a wrong shape or no memory.
  package func callAsFunction(_ x: Tensor, residual: Tensor? = nil) throws(TensorError) -> Tensor {
    let features = x.shape.last ?? 0
    let rows = try x.reshaped([x.elementCount / max(1, features), features])
    var parts: [Tensor.RowSum] = []
    for (expert, chosen) in try zip(experts, route(rows)) where !chosen.rows.isEmpty {
      let own = chosen.rows.count == rows.shape[0] ? rows : try rows.rows(chosen.rows)
      parts.append((try expert(own), chosen.rows, chosen.factors))
    }
    if let shared {
      let scores = try rows.linear(shared.gate).floats()
      let factors = scores.map { 1 / (1 + exp(-$0)) }
      parts.append((try shared.expert(rows), Array(factors.indices), factors))
    }
    return try rows.sum(of: parts, onto: residual?.reshaped(rows.shape)).reshaped(x.shape)
  }

  /// Of each expert the tokens that chose it, and what its output is times for each.
  private func route(_ rows: Tensor) throws(TensorError) -> [(rows: [Int], factors: [Float])] {
    var all = Array(repeating: (rows: [Int](), factors: [Float]()), count: settings.count)
    let probabilities = try rows.linear(router).softmax().floats()
    for token in 0..<rows.shape[0] {
      let first = token * settings.count
      let chosen = Self.largest(settings.chosen, of: probabilities[first..<first + settings.count])
      let sum = settings.isNormalized ? chosen.reduce(0) { $0 + probabilities[$1] } : 1
      for index in chosen {
        all[index - first].rows.append(token)
        all[index - first].factors.append(probabilities[index] / sum)
      }
    }
    return all
  }

  /// Indices of the largest numbers; of equal ones the first.
  private static func largest(_ count: Int, of numbers: ArraySlice<Float>) -> [Int] {
    var chosen: [Int] = []
    for _ in 0..<min(count, numbers.count) {
      var best: Int?
      for index in numbers.indices where !chosen.contains(index) {
        if best.map({ numbers[index] > numbers[$0] }) ?? true { best = index }
      }
      if let best { chosen.append(best) }
    }
    return chosen
  }
}
