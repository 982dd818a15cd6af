import LanternFormats

/// The support of a scheduler's settings by every class of diffusers: any sampler may be used with any
/// configuration.
struct SchedulerSupport: Sendable {
  /// The first unsupported setting, by class.
  private let refusals: [String: FormatError]
  /// A line for each setting without effect, by class.
  private let notesByClass: [String: [String]]

  /// Applies the rules of ``SchedulerTable`` to a configuration.
  ///
  /// - Parameters:
  ///   - config: `scheduler/scheduler_config.json`.
  ///   - className: the class that reads it.
  init(_ config: Config, of className: String) {
    let rows = SchedulerTable.rows.map { ($0.name, $0) }
    refusals = Dictionary(
      uniqueKeysWithValues: rows.compactMap { name, row in
        row.refusal(config, of: className).map { (name, $0) }
      })
    notesByClass = Dictionary(uniqueKeysWithValues: rows.map { ($0, $1.notes(config)) })
  }

  /// A line for each setting without effect with a class.
  func notes(for className: String) -> [String] { notesByClass[className] ?? [] }

  /// Checks that all settings of the file are supported with a class.
  ///
  /// - Throws: ``SamplerError/file(_:)``.
  func check(_ className: String) throws(SamplerError) {
    if let error = refusals[className] { throw .file(error) }
  }
}

extension NoiseSchedule {
  /// Checks that a sampler can be used with this schedule.
  ///
  /// - Throws: ``SamplerError/unsuited(name:scheduler:suited:)``.
  func check(sampler: String) throws(SamplerError) {
    guard let continuous, !continuous.samplers.contains(sampler) else { return }
    throw .unsuited(name: sampler, scheduler: schedulerClass, suited: continuous.samplers)
  }

  /// Checks that a spacing can be used with this schedule.
  ///
  /// - Throws: ``SamplerError/unsuited(name:scheduler:suited:)``.
  func check(spacing: Spacing?) throws(SamplerError) {
    guard let spacing, isContinuous, !ContinuousNoise.spacings.contains(spacing) else { return }
    throw .unsuited(
      name: "schedule \(spacing.rawValue)", scheduler: schedulerClass,
      suited: ContinuousNoise.spacings.map(\.rawValue))
  }

  /// A line for each setting without effect with a class.
  package func notes(for sampler: String) -> [String] { support.notes(for: sampler) }

  /// A line on the settings that no class has.
  package var fileNotes: [String] { settings.notes }

  /// Checks that all settings are supported with a sampler.
  ///
  /// - Parameter sampler: the class of diffusers that the sampler equals. Settings of other classes
  ///   are ignored.
  /// - Throws: ``SamplerError/file(_:)``.
  func check(for sampler: String) throws(SamplerError) { try support.check(sampler) }
}
