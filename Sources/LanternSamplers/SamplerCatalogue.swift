/// All samplers: a row for each file in `Solvers/`, in the order of the alphabet.
public enum SamplerCatalogue {
  /// A sampler and the names it goes by.
  public struct Row: Sendable {
    /// What people type.
    public let name: String
    /// Other spellings of theirs.
    public let aliases: [String]
    /// What it is good for.
    public let summary: String
    /// The class of diffusers that it equals.
    public let schedulerClass: String
    let build: @Sendable (NoiseSchedule) -> any Sampler

    /// The sampler as a model's schedule wants it.
    ///
    /// - Throws: when the schedule's file asks this sampler for what it does not have.
    public func make(_ schedule: NoiseSchedule) throws -> any Sampler {
      try schedule.check(for: schedulerClass)
      return build(schedule)
    }
  }

  /// The rows.
  public static let rows: [Row] = [
    Row(
      name: "ddim", aliases: ["DDIM", "ddim_uniform", "DDIMScheduler"],
      summary: "deterministic; steady with 30 to 50 steps", schedulerClass: "DDIMScheduler",
      build: { DDIM($0) }),
    Row(
      name: "ddpm", aliases: ["DDPM", "DDPMScheduler"],
      summary: "the model's own random walk; wants hundreds of steps",
      schedulerClass: "DDPMScheduler", build: { DDPM($0) }),
    Row(
      name: "dpm++2m",
      aliases: [
        "dpmpp2m", "dpmpp_2m", "dpm++_2m", "dpmpp", "k_dpmpp_2m", "DPM++ 2M",
        "DPMSolverMultistepScheduler",
      ],
      summary: "second order; the best picture for 15 to 30 steps",
      schedulerClass: "DPMSolverMultistepScheduler", build: { DPMPP2M($0) }),
    Row(
      name: "euler", aliases: ["k_euler", "Euler", "EulerDiscreteScheduler"],
      summary: "simple and predictable; 20 to 50 steps", schedulerClass: "EulerDiscreteScheduler",
      build: { _ in Euler() }),
    Row(
      name: "euler_a",
      aliases: [
        "euler-a", "eulera", "k_euler_a", "euler_ancestral", "Euler a",
        "EulerAncestralDiscreteScheduler",
      ],
      summary: "fresh noise in every step; lively, never settles",
      schedulerClass: "EulerAncestralDiscreteScheduler", build: { _ in EulerAncestral() }),
  ]

  /// The sampler that a model's folder asks for.
  ///
  /// Of the classes of diffusers that have no counterpart here, DPM++ 2M stands in: like most of
  /// them it is a fast deterministic solver of the same equation, and converges to the same picture.
  public static func standard(for schedule: NoiseSchedule) -> Row {
    rows.first { $0.schedulerClass == schedule.schedulerClass } ?? rows[2]
  }

  /// The sampler of a name or alias, whatever its case.
  ///
  /// - Throws: ``SamplerError/unknownSampler(name:nearest:known:)``.
  package static func row(named name: String) throws(SamplerError) -> Row {
    let wanted = name.lowercased()
    for row in rows where ([row.name] + row.aliases).contains(where: { $0.lowercased() == wanted })
    {
      return row
    }
    let known = rows.map(\.name)
    throw .unknownSampler(name: name, nearest: nearest(to: wanted, in: known), known: known)
  }

  /// The spacing of a name.
  ///
  /// - Throws: ``SamplerError/unknownSchedule(name:nearest:known:)``.
  package static func spacing(named name: String) throws(SamplerError) -> Spacing {
    let wanted = name.lowercased()
    if let spacing = Spacing(rawValue: wanted) ?? Spacing.aliases[wanted] { return spacing }
    let known = Spacing.allCases.map(\.rawValue)
    throw .unknownSchedule(name: name, nearest: nearest(to: wanted, in: known), known: known)
  }

  /// The known word with the fewest letters to change, when that is at most half of them.
  package static func nearest(to word: String, in known: [String]) -> String? {
    let scored = known.map { ($0, distance(Array(word.utf8.prefix(64)), Array($0.utf8))) }
    guard let best = scored.min(by: { $0.1 < $1.1 }), best.1 <= max(best.0.utf8.count / 2, 1) else {
      return nil
    }
    return best.0
  }

  /// Levenshtein's distance.
  private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, y) in b.enumerated() {
        let above = row[j + 1]
        row[j + 1] = min(above + 1, row[j] + 1, diagonal + (x == y ? 0 : 1))
        diagonal = above
      }
    }
    return row[b.count]
  }
}
