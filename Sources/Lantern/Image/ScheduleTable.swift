import LanternFormats
package import LanternSamplers

/// The table of a run's noise levels: timestep, sigma and evaluations of each step.
package struct ScheduleTable {
  /// A step.
  package struct Row {
    /// The level at which the step starts.
    package let level: NoiseLevel
    /// The level at which it ends.
    package let target: NoiseLevel
    /// Number of evaluations of the model.
    package let calls: Int
  }

  /// The sampler's name.
  package let sampler: String
  /// The steps.
  package let rows: [Row]
  /// Factor of the initial unit noise.
  package let initialScale: Double
  /// Whether the sampler's latents are clean + sigma · noise.
  package let usesSigma: Bool
  /// Whether the steps are but an example, since the sampler chooses its own.
  package let isExample: Bool
  /// Notes on names of samplers and schedules that another one stands in for: a line each.
  package let notes: [String]
  /// The class of diffusers, or the other program, whose levels these are.
  package let equals: String

  /// The levels of a model.
  ///
  /// - Parameters:
  ///   - model: a folder as diffusers lays it out, or a model in one file.
  ///   - parts: what goes before its own parts.
  ///   - sampler: a sampler's name; the model's own when nil.
  ///   - steps: their number; the model's own when nil.
  ///   - spacing: a schedule's name; the model's own when nil.
  ///   - convention: the program whose levels to follow.
  /// - Throws: an error that names what is wrong.
  package init(
    model: String, with parts: ModelParts = ModelParts(), sampler: String?, steps: Int?,
    spacing: String?, convention: Convention
  ) throws {
    let source = try parts.source(at: model)
    let pipeline = try? Pipeline.of(source)
    var schedule = try source.noiseSchedule(pipeline?.times)
    schedule.convention = convention
    let named = try sampler.map { try SamplerCatalogue.meaning(of: $0) }
    let curve = try spacing.map { try SamplerCatalogue.spacingMeaning(of: $0) }
    let row = named?.row ?? SamplerCatalogue.default(for: schedule)
    let solver = try row.make(schedule)
    let steps =
      try steps
      ?? ModelDefaults(folder: source.path, steps: Pipeline.of(source).steps).steps
    let plan = try solver.plan(
      steps: steps, over: schedule, spacing: curve?.spacing ?? named?.spacing)
    var notes = (named?.notes ?? []) + (curve?.notes ?? [])
    if let requested = curve?.spacing ?? named?.spacing,
      !solver.heedsSpacing(plan, steps: steps, over: schedule)
    {
      notes.append(Self.idleNote(requested.rawValue, row.name))
    }
    self.notes = notes
    self.sampler = row.name
    let calls = try solver.calls(over: plan)
    rows = plan.levels.indices.map { index in
      Row(
        level: plan.levels[index], target: plan.targets[index],
        calls: index < calls.count ? calls[index] : 0)
    }
    initialScale = plan.initialScale
    usesSigma = solver.usesSigma
    isExample = solver.choosesLevels
    let isItsOwn = SamplerCatalogue.default(for: schedule).name == row.name
    equals =
      schedule.isContinuous
      ? "diffusers' \(schedule.schedulerClass)"
        + (isItsOwn ? "" : "; no program has this sampler over them")
      : Self.origin(row, convention)
  }

  /// The note on a spacing that changes nothing.
  static func idleNote(_ spacing: String, _ sampler: String) -> String {
    "schedule \(spacing) has no effect: \(sampler) takes the same steps with any other"
  }

  private static func origin(_ row: SamplerCatalogue.Row, _ convention: Convention) -> String {
    switch (convention, row.schedulerClass) {
    // A distilled model's timesteps are those that it was distilled with, in every convention.
    case (_, let name?) where ["LCMScheduler", "TCDScheduler"].contains(name): "diffusers' \(name)"
    case (.kDiffusion, _): "k-diffusion's get_sigmas and what grew from it (ComfyUI, webui)"
    case (.diffusers, let name?): "diffusers' \(name)"
    case (.diffusers, nil): "diffusers' schedulers of this kind; this sampler is k-diffusion's"
    }
  }

  /// The logarithm, of base 10, of each step's sigma, for a plot.
  package var logSigmas: [Double] { rows.map { $0.level.lambda / -2.302585092994046 } }
}

extension Sampler {
  /// Whether there is a spacing that makes another plan than `plan`.
  func heedsSpacing(_ plan: NoisePlan, steps: Int, over schedule: NoiseSchedule) -> Bool {
    ([nil] + Spacing.allCases.map(Optional.some)).contains { spacing in
      ((try? self.plan(steps: steps, over: schedule, spacing: spacing)) ?? plan) != plan
    }
  }
}
