/// How a family of samplers turns a spacing into levels: what classes of diffusers disagree on.
struct Grid: Sendable {
  /// The class of diffusers that the sampler equals.
  var scheduler: String
  /// The spacing of timesteps where the file names none.
  var standard = Spacing.linspace
  /// Whether the file's `timestep_spacing` is heeded.
  var heedsFile = true
  /// Whether timesteps are whole.
  var isWhole = false
  /// Whether one timestep more than wanted is spaced, and the clean end left out.
  var leavesOutEnd = false
  /// Whether curves span the whole schedule, rather than the first and last timestep.
  var spansSchedule = false
  /// How timesteps are rounded that were found from Karras' sigmas.
  var karrasRounding: FloatingPointRoundingRule?
  /// How timesteps are rounded that were found from other curves' sigmas.
  var curveRounding: FloatingPointRoundingRule?
  /// Whether Karras' curve ends where the file says.
  var karrasHeedsEnds = true
  /// Whether `use_lu_lambdas` is heeded.
  var takesLuLambdas = false
  /// Whether training steps beyond `lambda_min_clipped` are left out.
  var leavesOutClipped = false
}

extension NoiseSchedule {
  /// Levels for a number of steps, noisiest first.
  ///
  /// - Parameters:
  ///   - count: 1 to ``trainingSteps``.
  ///   - spacing: how they are spaced; as the file says when nil.
  ///   - grid: the sampler's way.
  /// - Returns: a level for each step.
  func levels(_ count: Int, _ spacing: Spacing?, _ grid: Grid) -> [NoiseLevel] {
    if let continuous {
      let curve = spacing == .discrete ? nil : spacing
      return continuous.levels(count, curve ?? fileCurve ?? .discrete, trainingSteps: trainingSteps)
    }
    let asked = spacing
    let spacing = spacing ?? fileCurve ?? .discrete
    let table = SigmaTable(self)
    if convention == .kDiffusion { return kLevels(count, spacing, table) }
    let steps = timesteps(count, spacing, grid)
    var ends = table.ends
    if !grid.spansSchedule, let first = steps.first, let last = steps.last {
      let (top, bottom) = (table.sigma(at: Double(first)), table.sigma(at: Double(last)))
      ends = min(bottom, top)...max(bottom, top)
    }
    if asked == nil, grid.takesLuLambdas, usesLuLambdas, spacing != .karras {
      let sigmas = Curves.polyexponential(count, over: table.ends, rho: 1)
      return sigmas.map { table.level($0, rounding: grid.karrasRounding) }
    }
    if spacing != .karras || grid.karrasHeedsEnds { ends = fileEnds(of: spacing, within: ends) }
    if let sigmas = curve(spacing, count, over: ends, table) {
      let rounding = spacing == .karras ? grid.karrasRounding : grid.curveRounding
      return sigmas.map { table.level($0, rounding: rounding) }
    }
    return steps.map {
      NoiseLevel(timestep: $0, sigma: Double(Float(table.sigma(at: Double($0)))))
    }
  }

  /// The ends of a curve of diffusers', where the file has them.
  private func fileEnds(of spacing: Spacing, within ends: ClosedRange<Double>)
    -> ClosedRange<Double>
  {
    guard [.karras, .exponential, .beta].contains(spacing) else { return ends }
    let (least, most) = (curveEnds.least ?? ends.lowerBound, curveEnds.most ?? ends.upperBound)
    return least...max(least, most)
  }

  /// Whole timesteps of unit variance, with ᾱ as the schedule has it.
  func wholeLevels(_ count: Int, _ spacing: Spacing?, _ grid: Grid) -> [NoiseLevel] {
    let isCurve = (spacing ?? .discrete).isCurve
    guard !isCurve, convention == .diffusers else { return levels(count, spacing, grid) }
    return discreteLevels(timesteps(count, spacing ?? .discrete, grid))
  }

  /// k-diffusion's levels, the same for all samplers.
  private func kLevels(_ count: Int, _ spacing: Spacing, _ table: SigmaTable) -> [NoiseLevel] {
    if spacing == .beta { return betaSteps(count, table) }
    if let sigmas = curve(spacing, count, over: table.ends, table) {
      return sigmas.map { table.level($0) }
    }
    // Of a single step it takes the noisiest timestep, where diffusers takes the last.
    let grid = Grid(scheduler: "", standard: count > 1 ? .linspace : .trailing, heedsFile: false)
    return timesteps(count, spacing, grid).map {
      NoiseLevel(timestep: $0, sigma: Double(Float(table.geometricSigma(at: Double($0)))))
    }
  }

  /// Quantiles of the beta distribution over the training steps, each taken once (ComfyUI).
  private func betaSteps(_ count: Int, _ table: SigmaTable) -> [NoiseLevel] {
    let last = Double(trainingSteps - 1)
    var steps: [Int] = []
    for index in 0..<count {
      let quantile = Curves.betaQuantile(1 - Double(index) / Double(count))
      let step = Int((quantile * last).rounded(.toNearestOrEven))
      if steps.last != step { steps.append(step) }
    }
    return steps.map { table.level(table.sigmas[$0]) }
  }

  /// Sigmas that are spaced by a curve or a table; nil for those that are spaced by timesteps.
  private func curve(
    _ spacing: Spacing, _ count: Int, over ends: ClosedRange<Double>, _ table: SigmaTable
  ) -> [Double]? {
    switch spacing {
    case .discrete, .leading, .linspace, .trailing: return nil
    case .karras: return Curves.karras(count, over: ends)
    case .exponential: return Curves.polyexponential(count, over: ends, rho: 1)
    case .polyexponential: return Curves.polyexponential(count, over: ends, rho: 2)
    case .beta: return Curves.beta(count, over: ends)
    case .klOptimal: return Curves.klOptimal(count, over: ends)
    case .simple:
      let stride = Double(table.sigmas.count) / Double(count)
      return (0..<count).map { table.sigmas[table.sigmas.count - 1 - Int(Double($0) * stride)] }
    case .sgmUniform:
      return Self.evenly(count + 1, to: Double(trainingSteps - 1)).dropLast().map {
        table.geometricSigma(at: $0)
      }
    case .alignYourSteps:
      return Curves.alignYourSteps(count).map {
        min(max($0, table.ends.lowerBound), table.ends.upperBound)
      }
    }
  }

  /// `count` timesteps, noisiest first (Lin et al. 2023, arXiv:2305.08891, table 2).
  private func timesteps(_ count: Int, _ spacing: Spacing, _ grid: Grid) -> [Float] {
    let asked: Spacing? = [.leading, .linspace, .trailing].contains(spacing) ? spacing : nil
    let points = grid.leavesOutEnd ? count + 1 : count
    let known = trainingSteps - (grid.leavesOutClipped ? clippedSteps : 0)
    switch asked ?? (grid.heedsFile ? fileSpacing : nil) ?? grid.standard {
    case .trailing: return trailing(count, from: known)
    case .leading:
      let ratio = max(known / points, 1)
      let offset = stepsOffset(for: grid.scheduler)
      return (0..<points).reversed().prefix(count).map { bounded(Float($0 * ratio + offset)) }
    default:
      return Self.evenly(points, to: Double(known - 1)).prefix(count).map {
        Float(grid.isWhole ? $0.rounded(.toNearestOrEven) : $0)
      }
    }
  }

  /// `count` numbers from `last` down to 0; a single one is 0.
  static func evenly(_ count: Int, to last: Double) -> [Double] {
    let step = count > 1 ? last / Double(count - 1) : 0
    return (0..<count).reversed().map { index in
      index == count - 1 && count > 1 ? last : Double(index) * step
    }
  }

  /// `count` timesteps down from the last, the first step left out.
  ///
  /// - Parameters:
  ///   - count: their number, less those that fall below the first where the last are left out.
  ///   - known: how many training steps there are.
  /// - Returns: the timesteps, the noisiest first.
  private func trailing(_ count: Int, from known: Int) -> [Float] {
    let (train, start) = (Double(trainingSteps), Double(known))
    // NumPy's arange finds its stride so, and ties are rounded by its last bit.
    let stride = (start - train / Double(count)) - start
    let steps = (0..<count).map {
      Float((start + Double($0) * stride).rounded(.toNearestOrEven) - 1)
    }
    return Array(steps.prefix { $0 >= 0 })
  }

  /// A timestep kept within the training steps.
  func bounded(_ timestep: Float) -> Float { min(max(timestep, 0), Float(trainingSteps - 1)) }

  /// Levels of unit variance at whole timesteps.
  func discreteLevels(_ timesteps: [Float]) -> [NoiseLevel] {
    timesteps.map { NoiseLevel(timestep: $0, alphaBar: Double(alphaBars[Int(bounded($0))])) }
  }

  /// Each step aims a fixed number of training steps back, wherever the next level lies: diffusers'
  /// DDIM and PNDM.
  func stridedTargets(_ levels: [NoiseLevel], end: NoiseLevel) -> [NoiseLevel] {
    let stride = Float(trainingSteps / levels.count)
    return levels.map { level in
      level.timestep < stride ? end : discreteLevels([level.timestep - stride])[0]
    }
  }
}

extension Spacing {
  /// Whether sigmas are spaced, and their timesteps found, rather than the other way round.
  var isCurve: Bool { ![.discrete, .leading, .linspace, .trailing].contains(self) }
}
