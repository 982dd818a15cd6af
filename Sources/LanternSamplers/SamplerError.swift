public import LanternFormats

/// An error of planning noise levels. Cases carry facts; ``description`` puts them in a line.
public enum SamplerError: Error, Sendable, Equatable {
  /// The scheduler's configuration could not be read, or has an unsupported setting.
  case file(FormatError)
  /// A number of steps outside 1 to the number the model was trained with.
  case steps(found: Int, maximum: Int)
  /// An eta outside 0 to 1, or for a sampler without one.
  case eta(Float, sampler: String, isTaken: Bool)
  /// A sampler or spacing that needs a table of training steps, for a scheduler class without one.
  case unsuited(name: String, scheduler: String, suited: [String])
  /// Two settings of the configuration contradict each other.
  case inconsistent(reason: String, file: String)
  /// No sampler of that name; the nearest known one, and all of them.
  case unknownSampler(name: String, nearest: String?, known: [String])
  /// No spacing of that name.
  case unknownSchedule(name: String, nearest: String?, known: [String])
  /// No convention of that name.
  case unknownConvention(name: String, nearest: String?, known: [String])
}

extension SamplerError: LanternError {
  /// What kind of failure it is.
  public var kind: ErrorKind {
    switch self {
    case .file(let inner): inner.kind
    case .inconsistent: .data
    case .steps, .eta, .unsuited, .unknownSampler, .unknownSchedule, .unknownConvention: .usage
    }
  }

  /// One line: what, where, what to do.
  public var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .steps(let found, let maximum):
      "\(found) steps: choose 1 to \(maximum) with this sampler and model"
    case .eta(let eta, let sampler, let isTaken):
      isTaken
        ? "eta \(eta): choose 0 (no fresh noise) to 1"
        : "\(sampler) draws no fresh noise: leave out eta, or choose a sampler that does, like ddim"
    case .unsuited(let name, let scheduler, let suited):
      "\(name) needs a table of training steps, which a model of \(scheduler) has not: choose one of "
        + suited.joined(separator: ", ")
    case .inconsistent(let reason, let file): "\(file): \(reason); \(FormatError.mending)"
    case .unknownSampler(let name, let nearest, let known):
      "no sampler \"\(name)\"\(Self.hint(nearest)) \(known.joined(separator: ", "))"
    case .unknownSchedule(let name, let nearest, let known):
      "no schedule \"\(name)\"\(Self.hint(nearest)) \(known.joined(separator: ", "))"
    case .unknownConvention(let name, let nearest, let known):
      "no conventions of \"\(name)\"\(Self.hint(nearest)) \(known.joined(separator: ", "))"
    }
  }

  private static func hint(_ nearest: String?) -> String {
    nearest.map { ": did you mean \"\($0)\"? There are" } ?? "; there are"
  }
}
