import LanternLayers
import LanternPlatform
import LanternTensor

/// The features that a ``StepCache`` reuses: those of the last evaluations of the whole network, of which
/// each one between is forecast.
///
/// Its state is of one run over a picture's steps, whose evaluations come one after the other.
struct FeatureCache: Sendable {
  private struct State {
    /// Evaluations so far.
    var count = 0
    /// Timestep of the last evaluation of the whole network.
    var timestep: Float = 0
    /// The features there and their derivatives by the timestep, in ascending order.
    var derivatives: [Tensor] = []
  }

  private let cache: StepCache
  private let state = Locked(State())

  init(_ cache: StepCache) { self.cache = cache }

  /// The features of the next evaluation.
  ///
  /// - Parameters:
  ///   - timestep: the evaluation's.
  ///   - shape: of its latent `[batch, height, width, channel]`: another batch or size begins anew.
  /// - Returns: nil where the whole network is due; call ``note(_:at:)`` then.
  /// - Throws: ``TensorError`` for no memory.
  func forecast(at timestep: Float, _ shape: [Int]) throws(TensorError) -> Tensor? {
    let (features, distance) = state { state -> ([Tensor], Float) in
      if let found = state.derivatives.first?.shape, found[..<3] != shape[..<3] { state = State() }
      defer { state.count += 1 }
      return (
        state.count % cache.interval == 0 ? [] : state.derivatives, timestep - state.timestep
      )
    }
    guard var sum = features.first else { return nil }
    var factor: Float = 1
    for (order, derivative) in features.enumerated().dropFirst() {
      factor *= distance / Float(order)
      sum = try sum + derivative.scaled(by: factor)
    }
    return sum
  }

  /// Takes the features of an evaluation of the whole network; derivatives are backward differences.
  ///
  /// - Parameters:
  ///   - features: those of the network.
  ///   - timestep: the evaluation's.
  /// - Throws: ``TensorError`` for no memory.
  func note(_ features: Tensor, at timestep: Float) throws(TensorError) {
    let (old, distance) = state { ($0.derivatives, timestep - $0.timestep) }
    var derivatives = [features]
    // At the same timestep there is no difference to divide by.
    for order in 0..<(distance == 0 ? 0 : min(cache.method.order, old.count)) {
      derivatives.append(try (derivatives[order] - old[order]).scaled(by: 1 / distance))
    }
    state { ($0.derivatives, $0.timestep) = (derivatives, timestep) }
  }
}
