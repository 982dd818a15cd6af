public import LanternTensor

/// What a model makes of a noisy latent, both of its shape.
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

/// Estimates the clean latent of a noisy one.
///
/// The latent has unit variance, `alpha · clean + deviation · noise` of its level: what the model
/// was trained to see. Solvers that work with `clean + sigma · noise` multiply by `alpha` first.
public typealias Denoise = (_ latent: Tensor, _ level: NoiseLevel) throws -> Denoised

/// What is known after a step.
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

/// Follows each step and says with which latent to go on: usually ``Step/latent`` itself.
public typealias StepHandler = (Step) throws -> Tensor

/// A way from noise to a sample: a solver of the reverse diffusion, in one function.
///
/// The function owns its loop, so what a multistep method remembers is a local variable, and a
/// second run cannot inherit it. What the model predicts, how levels are spaced and how guidance
/// works are none of its business: see ``Denoiser``, ``NoiseSchedule`` and `Guidance/`.
public protocol Sampler: Sendable {
  /// Whether latents are `clean + sigma · noise` (Karras et al.) rather than of unit variance.
  var usesSigma: Bool { get }

  /// Whether it steps through levels of its own choice, of which a plan gives but the ends.
  var choosesLevels: Bool { get }

  /// The largest number of steps that makes sense.
  func mostSteps(over schedule: NoiseSchedule) -> Int

  /// The levels that this sampler steps through.
  ///
  /// - Parameters:
  ///   - count: number of steps, 1 to ``mostSteps(over:)``.
  ///   - schedule: the model's.
  ///   - spacing: how they are spaced; the model's own way when nil.
  /// - Returns: a level for each step, and what it aims at.
  func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan

  /// Takes a noisy latent to a clean one.
  ///
  /// - Parameters:
  ///   - latent: `[batch, height, width, channel]`, at the first level of `plan`.
  ///   - plan: of this sampler.
  ///   - denoise: asked once a step.
  ///   - noise: where a stochastic solver draws from; a deterministic one draws nothing.
  ///   - onStep: called after each step; throw to stop.
  /// - Returns: the latent after the last step.
  /// - Throws: what `denoise` and `onStep` throw, and ``TensorError``.
  func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor
}

extension NoisePlan {
  /// What is known after a step of this plan.
  func step(_ index: Int, _ latent: Tensor, denoised: Tensor) -> Step {
    Step(
      index: index, count: levels.count, level: levels[index], latent: latent,
      denoised: denoised)
  }
}

extension Sampler {
  /// No.
  public var choosesLevels: Bool { false }

  /// As many as there are training steps.
  public func mostSteps(over schedule: NoiseSchedule) -> Int { schedule.trainingSteps }

  /// ``plan(_:over:spacing:)`` for a number of steps that comes from outside.
  ///
  /// - Returns: a level for each step, and what it aims at.
  /// - Throws: ``SamplerError/steps(found:most:)`` unless it is 1 to ``mostSteps(over:)``, and
  ///   ``SamplerError/unsuited(name:scheduler:suited:)`` for a spacing that needs what is not
  ///   there.
  package func plan(steps: Int, over schedule: NoiseSchedule, spacing: Spacing? = nil)
    throws(SamplerError) -> NoisePlan
  {
    let most = mostSteps(over: schedule)
    guard (1...most).contains(steps) else { throw .steps(found: steps, most: most) }
    try schedule.check(spacing: spacing)
    return plan(steps, over: schedule, spacing: spacing)
  }

  /// A clean latent brought to a level by noise, in this sampler's convention.
  package func noised(_ clean: Tensor, with noise: Tensor, at level: NoiseLevel)
    throws(TensorError) -> Tensor
  {
    usesSigma
      ? try clean + noise * Float(level.sigma)
      : try clean * Float(level.alpha) + noise * Float(level.deviation)
  }
}
