public import LanternTensor

/// A model's prediction for a noisy latent: the denoised latent and the noise, both of its shape.
public struct Denoised: Sendable {
  /// The clean latent.
  public var clean: Tensor
  /// The noise that was added to it.
  public var noise: Tensor

  /// Both estimates.
  public init(clean: Tensor, noise: Tensor) {
    self.clean = clean
    self.noise = noise
  }
}

/// Denoises a latent: one evaluation of the model, or two with guidance.
///
/// The latent has unit variance, `alpha · clean + deviation · noise` of its level: the input that the
/// model was trained on. Solvers over `clean + sigma · noise` multiply by `alpha` first.
public typealias Denoise = (_ latent: Tensor, _ level: NoiseLevel) throws -> Denoised

/// The state after a step.
public struct Step: Sendable {
  /// Number of the step, from 0.
  public var index: Int
  /// Number of steps.
  public var count: Int
  /// The level the step started at.
  public var level: NoiseLevel
  /// The latent after the step, in the convention of ``Sampler/usesSigma``; `[batch, height, width,
  /// channel]`.
  public var latent: Tensor
  /// The clean latent as estimated in this step, of the same shape.
  public var denoised: Tensor
}

/// A callback after each step that returns the latent to go on with: usually ``Step/latent`` itself.
public typealias StepHandler = (Step) throws -> Tensor

/// A sampler: a solver of the reverse diffusion ODE or SDE, in one function.
///
/// The function owns its loop, so the history of a multistep method is a local variable, and a
/// second run cannot inherit it. A sampler does not depend on what the model predicts, how levels are
/// spaced or how guidance works: see ``Denoiser``, ``NoiseSchedule`` and `Guidance/`.
public protocol Sampler: Sendable {
  /// Whether latents are `clean + sigma · noise` (Karras et al.) rather than of unit variance.
  var usesSigma: Bool { get }

  /// Whether the step size is adaptive: a plan then gives the first and the last level only.
  var choosesLevels: Bool { get }

  /// The maximum number of steps.
  func maximumSteps(over schedule: NoiseSchedule) -> Int

  /// The levels that this sampler steps through.
  ///
  /// - Parameters:
  ///   - count: number of steps, 1 to ``maximumSteps(over:)``.
  ///   - schedule: the model's.
  ///   - spacing: how levels are spaced; the model's default when nil.
  /// - Returns: a level and a target for each step.
  func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan

  /// Denoises a latent over all steps of a plan.
  ///
  /// - Parameters:
  ///   - latent: `[batch, height, width, channel]`, at the first level of `plan`.
  ///   - plan: of this sampler.
  ///   - denoise: called once a step or more often.
  ///   - noise: the source of random numbers of stochastic solvers; deterministic ones draw none.
  ///   - onStep: called after each step; throw to stop.
  /// - Returns: the latent after the last step.
  /// - Throws: what `denoise` and `onStep` throw, and `TensorError`.
  func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor
}

extension NoisePlan {
  /// The state after a step of this plan.
  func step(_ index: Int, _ latent: Tensor, denoised: Tensor) -> Step {
    Step(
      index: index, count: levels.count, level: levels[index], latent: latent,
      denoised: denoised)
  }
}

extension Sampler {
  /// Whether the step size is adaptive: false.
  public var choosesLevels: Bool { false }

  /// The number of training steps.
  public func maximumSteps(over schedule: NoiseSchedule) -> Int { schedule.trainingSteps }

  /// ``plan(_:over:spacing:)`` for a number of steps that is not checked yet.
  ///
  /// - Returns: a level and a target for each step.
  /// - Throws: ``SamplerError/steps(found:maximum:)`` unless it is 1 to ``maximumSteps(over:)``, and
  ///   ``SamplerError/unsuited(name:scheduler:suited:)`` for a spacing that needs a table of training
  ///   steps where there is none.
  package func plan(steps: Int, over schedule: NoiseSchedule, spacing: Spacing? = nil)
    throws(SamplerError) -> NoisePlan
  {
    let maximum = maximumSteps(over: schedule)
    guard (1...maximum).contains(steps) else { throw .steps(found: steps, maximum: maximum) }
    try schedule.check(spacing: spacing)
    return plan(steps, over: schedule, spacing: spacing)
  }

  /// A clean latent with noise added up to a level, in this sampler's convention: diffusers'
  /// `add_noise`.
  package func noised(_ clean: Tensor, with noise: Tensor, at level: NoiseLevel)
    throws(TensorError) -> Tensor
  {
    usesSigma
      ? try clean + noise * Float(level.sigma)
      : try clean * Float(level.alpha) + noise * Float(level.deviation)
  }
}
