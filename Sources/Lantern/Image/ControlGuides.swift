import LanternModels
import LanternPlatform
import LanternTensor

/// The ControlNets of a run: each with its picture, its strength, and the steps in which it is followed.
struct ControlGuides: Sendable {
  private struct Guide {
    let control: Control
    let network: any ControlNetwork
    /// `[1, height, width, 3]`, 0…1.
    let hint: Tensor
  }

  private let guides: [Guide]
  /// Whether only the prompt's rows follow, the deeper the more (diffusers' `guess_mode`).
  private let isGuessing: Bool
  private let stepCount: Int
  private let step = Locked(0)

  /// Loads the networks, and prepares their pictures.
  ///
  /// - Parameters:
  ///   - request: what is wanted.
  ///   - settings: the size that is drawn.
  ///   - model: what draws.
  ///   - stepCount: how many steps there are.
  /// - Throws: an error of the room where something is wrong.
  init(
    _ request: ImageRequest, _ settings: ImageSettings, _ model: ImageModel, steps stepCount: Int
  )
    throws
  {
    (isGuessing, self.stepCount) = (request.guessMode, stepCount)
    guides = try request.controls.compactMap { control in
      guard let hint = try control.hint(width: settings.width, height: settings.height) else {
        return nil
      }
      return Guide(
        control: control, network: try model.controlNetwork(control.network),
        hint: try hint.tensor)
    }
  }

  /// Begins a step, by its number from 0.
  func begin(step number: Int) { step { $0 = number } }

  /// A conditioning with the networks' residuals.
  ///
  /// - Parameter conditioning: of one row, or of several with the negative prompt first.
  /// - Returns: the same, and what the pictures add to it.
  /// - Throws: ``TensorError`` for a wrong shape.
  func added(to conditioning: Conditioning) throws -> Conditioning {
    guard !guides.isEmpty else { return conditioning }
    let rows = conditioning.states.shape[0]
    let isHalf = isGuessing && rows > 1
    let followed = try isHalf ? conditioning.rows(1..<rows) : conditioning
    let networks = try guides.map {
      try $0.network.conditioned(on: followed, hint: $0.hint)
    }
    var controlled = conditioning
    controlled.residuals = { latent, timestep throws(TensorError) in
      let number = step { $0 }
      let input = isHalf ? try latent.sliced(axis: 0, 1..<rows).contiguous() : latent
      var sum: ControlResiduals?
      for (guide, network) in zip(guides, networks)
      where guide.control.isActive(number, of: stepCount) {
        let found = try scaled(network(input, timestep), by: guide.control.strength)
        if let before = sum { sum = try before + found } else { sum = found }
      }
      guard isHalf, let all = sum else { return sum }
      return try all.map { _, residual throws(TensorError) in
        let none = try Tensor(repeating: 0, shape: [1] + residual.shape.dropFirst())
        return try Tensor.concatenated([none, residual], axis: 0)
      }
    }
    return controlled
  }

  /// Residuals times the strength; those of guess mode rise from a tenth of it at the top to all of it in
  /// the middle.
  private func scaled(_ residuals: ControlResiduals, by strength: Float) throws(TensorError)
    -> ControlResiduals
  {
    let last = Double(residuals.all.count - 1)
    return try residuals.map { index, residual throws(TensorError) in
      let share = isGuessing ? Float(pow(10, Double(index) / last - 1)) : 1
      return try residual * (strength * share)
    }
  }
}
