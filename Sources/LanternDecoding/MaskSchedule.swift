import LanternPlatform

/// The mask schedule: the share of a picture's codes that is masked after each step (Chang et al. 2022,
/// arXiv:2202.04200), as in Show-o's `get_mask_chedule`.
public enum MaskSchedule: Sendable, Equatable {
  /// cos(πr/2): few codes at first, many at last.
  case cosine
  /// 1 − r.
  case linear
  /// 1 − rⁿ.
  case power(Float)
  /// From sigmoid(3) down to sigmoid(−3).
  case sigmoid

  /// The schedule of a name: `cosine`, `linear`, `sigmoid`, or `pow` and a number; nil for others.
  public init?(named name: String) {
    switch name {
    case "cosine": self = .cosine
    case "linear": self = .linear
    case "sigmoid": self = .sigmoid
    default:
      guard name.hasPrefix("pow"), let exponent = Float(name.dropFirst(3)), exponent.isFinite,
        exponent > 0
      else { return nil }
      self = .power(exponent)
    }
  }

  /// The name that stands for it.
  package var name: String {
    switch self {
    case .cosine: "cosine"
    case .linear: "linear"
    case .power(let exponent): "pow\(exponent)"
    case .sigmoid: "sigmoid"
    }
  }

  /// The names, for help and errors.
  public static let names = ["cosine", "linear", "pow<number>", "sigmoid"]

  /// The share of codes that stay masked when a share `done` (0…1) of the steps is done.
  public func masked(_ done: Float) -> Float {
    switch self {
    case .cosine: return cos(done * Float.pi * 0.5)
    case .linear: return min(max(1 - done, 1e-6), 1)
    case .power(let exponent): return min(max(1 - pow(done, exponent), 1e-6), 1)
    case .sigmoid:
      func sigmoid(_ x: Float) -> Float { 1 / (1 + exp(-x)) }
      let (low, high) = (sigmoid(-3), sigmoid(3))
      return min(max((high - sigmoid(done * 6 - 3)) / (high - low), 1e-6), 1)
    }
  }
}
