import LanternLayers
import LanternModels
import LanternTensor

/// The predictions of a run: those of the model and, below a timestep, those of its refiner.
final class StagedDenoiser {
  /// A model that takes a part of the steps.
  struct Stage {
    let model: ImageModel
    let prompt: PromptEncoding
  }

  /// Evaluations so far.
  private(set) var calls = 0
  /// The one that predicts, and those to come.
  private var stages: ArraySlice<Stage>
  private let switchTimestep: Float
  private let (mask, editing): (MaskedLatent?, PictureEditing?)
  private let (controls, references): (ControlGuides, [Tensor])
  private let cache: StepCache?
  private let retainsComponents: Bool
  /// By the number of rows: with guidance and, where it pauses, without.
  private var conditioned: [Int: ConditionedDenoiser] = [:]
  /// Which texts they are conditioned on.
  private var choice: [Int] = []
  /// Which pictures next to these count.
  private var images: [Int] = []

  /// - Parameters:
  ///   - stages: the model and, where there is one, the refiner.
  ///   - switchTimestep: the refiner predicts below it.
  ///   - mask: the masked part of the picture; nil without a mask.
  ///   - editing: the picture that is edited; nil for none.
  ///   - references: latents of pictures to draw from; a refiner has none.
  ///   - controls: the pictures that the model follows; a refiner follows none.
  ///   - cache: how features are reused from step to step.
  ///   - retainsComponents: whether a model's denoiser stays in memory after its last step.
  init(
    _ stages: [Stage], switchTimestep: Float, mask: MaskedLatent?, editing: PictureEditing?,
    references: [Tensor], controls: ControlGuides, cache: StepCache?, retainsComponents: Bool
  ) {
    (self.stages, self.switchTimestep) = (stages[...], switchTimestep)
    (self.mask, self.editing, self.controls, self.cache) = (mask, editing, controls, cache)
    (self.references, self.retainsComponents) = (references, retainsComponents)
  }

  /// The raw prediction.
  ///
  /// - Parameters:
  ///   - latent: `[row, height, width, channel]`, of one row or, for guidance, of two.
  ///   - timestep: its noise level.
  /// - Returns: the shape of `latent`.
  /// - Throws: what reading a denoiser throws, ``TensorError`` when memory runs out.
  func predict(_ latent: Tensor, _ timestep: Float) throws -> Tensor {
    guard var stage = stages.first else { return latent }
    if stages.count > 1, timestep < switchTimestep {
      conditioned = [:]
      if !retainsComponents { stage.model.denoiser.release() }
      stages.removeFirst()
      stage = stages[stages.startIndex]
    }
    let prompt = stage.prompt
    let next = prompt.choice(at: calls)
    let shown = prompt.activeImages(in: controls.number, of: controls.stepCount)
    // A prompt that changed: what a cache has is of another one.
    if next != choice || shown != images { (choice, images, conditioned) = (next, shown, [:]) }
    calls += 1
    let mask = stage.model.isInpaintingModel ? mask : nil
    let editing = stage.model.isEditingModel ? editing : nil
    let all = try prompt.isComposed ? latent.withRows(prompt.parts.count + 1) : latent
    let input = try mask?.withContext(all) ?? editing?.withContext(all) ?? all
    let rows = input.shape[0]
    let predict = try conditioned[rows] ?? conditioned(stage, rows)
    conditioned[rows] = predict
    let found = try predict(input, timestep)
    if prompt.isComposed { return try prompt.composed(found, isGuided: latent.shape[0] == 2) }
    return try editing?.combined(found) ?? found
  }

  private func conditioned(_ stage: Stage, _ rows: Int) throws -> ConditionedDenoiser {
    var conditioning = try stage.prompt.conditioning(choice, rows: rows)
    conditioning.pictures = images.map { conditioning.pictures[$0] }
    if stages.startIndex == 0 {
      conditioning.references = references
      conditioning = try controls.added(to: conditioning)
    }
    return try stage.model.denoiser().conditioned(on: conditioning, caching: cache)
  }
}

extension Tensor {
  /// The first row so many times.
  fileprivate func withRows(_ count: Int) throws(TensorError) -> Tensor {
    let row = try sliced(axis: 0, 0..<1)
    return try Tensor.concatenated(Array(repeating: row, count: count), axis: 0)
  }
}
