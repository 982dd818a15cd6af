import LanternModels
import LanternPlatform
import LanternTensor

/// The ControlNets and T2I-Adapters of a run: each with its picture, its strength, and the steps in which it is followed.
struct ControlGuides: Sendable {
  private struct Guide {
    let control: Control
    let network: any ControlNetwork
    /// `[1, height, width, 3]`, 0…1.
    let hint: Tensor
  }

  /// Notes on what has no effect with these networks: a line each.
  let notes: [String]
  private let guides: [Guide]
  /// Whether only the prompt's rows follow, the deeper the more (diffusers' `guess_mode`).
  private let isGuessing: Bool
  /// How many steps there are.
  let stepCount: Int
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
    let (width, height) = (settings.width, settings.height)
    let guides = try request.controls.compactMap { control -> Guide? in
      let network = try model.controlNetwork(control.network)
      let hint = try control.hint(width: width, height: height, channels: network.hintChannels)
      return try hint.map { Guide(control: control, network: network, hint: try $0.tensor) }
    }
    self.guides = guides
    notes = try guides.flatMap { try Self.notes($0, request, model) }
  }

  private static func notes(_ guide: Guide, _ request: ImageRequest, _ model: ImageModel) throws
    -> [String]
  {
    let (network, name) = (guide.network, guide.control.name)
    let (made, taken) = (
      network.blockResiduals.count, try model.denoiser().blockResiduals.count
    )
    return [
      request.guessMode && network.residualChannels.isEmpty
        ? "guess mode has no effect on the T2I-Adapter \(name): it is of ControlNets" : nil,
      made > taken
        ? "of \(made) residuals of \(name) the model takes \(taken): the rest has no effect" : nil,
    ].compactMap { $0 }
  }

  /// The step's number, from 0.
  var number: Int { step { $0 } }

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
      guard isHalf, var all = sum else { return sum }
      all.skips = try all.skips.map { residual throws(TensorError) in
        let none = try Tensor(repeating: 0, shape: [1] + residual.shape.dropFirst())
        return try Tensor.concatenated([none, residual], axis: 0)
      }
      return all
    }
    return controlled
  }

  /// Residuals times the strength; those of ControlNets in guess mode rise from a tenth of it at the top to
  /// all of it in the middle.
  private func scaled(_ residuals: ControlResiduals, by strength: Float) throws(TensorError)
    -> ControlResiduals
  {
    let last = Double(residuals.skips.count - 1)
    return ControlResiduals(
      skips: try residuals.skips.enumerated().map { index, residual throws(TensorError) in
        let share = isGuessing ? Float(pow(10, Double(index) / last - 1)) : 1
        return try residual * (strength * share)
      },
      blocks: try residuals.blocks.map { residual throws(TensorError) in try residual * strength })
  }
}
