/// How a class of diffusers turns a spacing into levels: the options in which classes differ.
struct Grid: Sendable {
  /// The class of diffusers that the sampler equals.
  var scheduler: String
  /// The spacing of timesteps where the configuration has none.
  var defaultSpacing = Spacing.linspace
  /// Whether `timestep_spacing` of the configuration is used.
  var usesFileSpacing = true
  /// Whether timesteps are integers.
  var isInteger = false
  /// Whether one timestep more is spaced, and the last left out.
  var leavesOutEnd = false
  /// Whether curves span the whole schedule, rather than from the first to the last timestep.
  var spansSchedule = false
  /// How timesteps of Karras' sigmas are rounded.
  var karrasRounding: FloatingPointRoundingRule?
  /// How timesteps of other curves' sigmas are rounded.
  var curveRounding: FloatingPointRoundingRule?
  /// Whether `sigma_min` and `sigma_max` are used for Karras' curve.
  var karrasUsesFileEnds = true
  /// Whether `use_lu_lambdas` is used.
  var takesLuLambdas = false
  /// Whether training steps beyond `lambda_min_clipped` are left out.
  var leavesOutClipped = false
}

extension NoiseSchedule {
  /// Levels for a number of steps, noisiest first.
  ///
  /// - Parameters:
  ///   - count: 1 to ``trainingSteps``.
  ///   - spacing: how they are spaced; as the configuration has it when nil.
  ///   - grid: the options of the sampler's class.
  /// - Returns: a level for each step.
  func levels(_ count: Int, _ spacing: Spacing?, _ grid: Grid) -> [NoiseLevel] {
    if let continuous {
      let curve = spacing == .discrete ? nil : spacing
      return continuous.levels(
        count, curve ?? settings.curve ?? .discrete, trainingSteps: trainingSteps,
        tokens: tokens)
    }
    let requested = spacing
    let spacing = spacing ?? settings.curve ?? .discrete
    let table = SigmaTable(self)
    if convention == .kDiffusion { return kLevels(count, spacing, table) }
    let steps = timesteps(count, spacing, grid)
    var ends = table.ends
    if !grid.spansSchedule, let first = steps.first, let last = steps.last {
      let (top, bottom) = (table.sigma(at: Double(first)), table.sigma(at: Double(last)))
      ends = min(bottom, top)...max(bottom, top)
    }
    if requested == nil, grid.takesLuLambdas, settings.usesLuLambdas, spacing != .karras {
      let sigmas = Curves.polyexponential(count, over: table.ends, rho: 1)
      return sigmas.map { table.level($0, rounding: grid.karrasRounding) }
    }
    if spacing != .karras || grid.karrasUsesFileEnds { ends = fileEnds(of: spacing, within: ends) }
    if let sigmas = curve(spacing, count, over: ends, table) {
      let rounding = spacing == .karras ? grid.karrasRounding : grid.curveRounding
      return sigmas.map { table.level($0, rounding: rounding) }
    }
    return steps.map {
      NoiseLevel(timestep: $0, sigma: Double(Float(table.sigma(at: Double($0)))))
    }
  }

  /// The ends of a curve: `sigma_min` and `sigma_max` where the configuration has them.
  private func fileEnds(of spacing: Spacing, within ends: ClosedRange<Double>)
    -> ClosedRange<Double>
  {
    guard [.karras, .exponential, .beta].contains(spacing) else { return ends }
    let (minimum, maximum) = (
      settings.curveEnds.minimum ?? ends.lowerBound, settings.curveEnds.maximum ?? ends.upperBound
    )
    return minimum...max(minimum, maximum)
  }

  /// Levels at integer timesteps, with ᾱ of the schedule.
  func integerLevels(_ count: Int, _ spacing: Spacing?, _ grid: Grid) -> [NoiseLevel] {
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
    // A single step is at the noisiest timestep, where diffusers takes the last.
    let grid = Grid(
      scheduler: "", defaultSpacing: count > 1 ? .linspace : .trailing, usesFileSpacing: false)
    return timesteps(count, spacing, grid).map {
      NoiseLevel(timestep: $0, sigma: Double(Float(table.geometricSigma(at: Double($0)))))
    }
  }

  /// Quantiles of the beta distribution over the training steps, without repetition (ComfyUI).
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

  /// The sigmas of a curve or a table; nil for spacings of timesteps.
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
    let requested: Spacing? = [.leading, .linspace, .trailing].contains(spacing) ? spacing : nil
    let points = grid.leavesOutEnd ? count + 1 : count
    let known = trainingSteps - (grid.leavesOutClipped ? clippedSteps : 0)
    switch requested ?? (grid.usesFileSpacing ? settings.spacing : nil) ?? grid.defaultSpacing {
    case .trailing: return trailing(count, from: known)
    case .leading:
      let ratio = max(known / points, 1)
      let offset = stepsOffset(for: grid.scheduler)
      return (0..<points).reversed().prefix(count).map { bounded(Float($0 * ratio + offset)) }
    default:
      return Self.evenly(points, to: Double(known - 1)).prefix(count).map {
        Float(grid.isInteger ? $0.rounded(.toNearestOrEven) : $0)
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

  /// A timestep clamped to the training steps.
  func bounded(_ timestep: Float) -> Float { min(max(timestep, 0), Float(trainingSteps - 1)) }

  /// Levels at integer timesteps.
  func discreteLevels(_ timesteps: [Float]) -> [NoiseLevel] {
    timesteps.map { NoiseLevel(timestep: $0, alphaBar: Double(alphaBars[Int(bounded($0))])) }
  }
}

extension Spacing {
  /// Whether sigmas are spaced, and their timesteps found, rather than the other way round.
  var isCurve: Bool { ![.discrete, .leading, .linspace, .trailing].contains(self) }
}
