/// Reuse of a denoiser's features between steps: most of the network runs in every ``interval``th evaluation
/// alone, and between these its features are forecast from earlier ones.
///
/// Features of neighbouring steps are much alike, so that a picture of many steps changes little. Another
/// method is another row of ``methods``.
public struct StepCache: Sendable, Equatable {
  /// A way of forecasting features.
  public struct Method: Sendable, Equatable {
    /// Its name on the command line and in recipes.
    public let name: String
    /// What it does, in a line.
    public let summary: String
    /// Order of the Taylor expansion that forecasts features; 0 reuses them as they are.
    package let order: Int
  }

  /// All methods.
  public static let methods = [
    Method(
      name: "deepcache", summary: "reuses features as they are (Ma et al. 2023, arXiv:2312.00858)",
      order: 0),
    Method(
      name: "taylor",
      summary: "forecasts features by a Taylor expansion (Liu et al. 2025, arXiv:2503.06923)",
      order: 1),
  ]

  /// How features are forecast.
  public let method: Method
  /// Evaluations from one of the whole network to the next, 2…100.
  public let interval: Int

  /// The interval where none is given.
  public static let defaultInterval = 3

  /// What ``init(_:)`` takes, in words.
  package static var allowed: String {
    "\(methods.map(\.name).joined(separator: " or ")), with :2 to :100 for the evaluations from one of the "
      + "whole network to the next (default: \(defaultInterval))"
  }

  /// A cache from its text: a method's name, as `deepcache`, or with an interval, as `deepcache:2`.
  ///
  /// Nil for an unknown method, and for an interval out of range.
  ///
  /// - Parameter text: the text.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let method = Self.methods.first(where: { $0.name == parts[0].lowercased() }) else {
      return nil
    }
    self.method = method
    guard parts.count > 1 else {
      interval = Self.defaultInterval
      return
    }
    guard let interval = Int(parts[1]), (2...100).contains(interval) else { return nil }
    self.interval = interval
  }

  /// Its text, which ``init(_:)`` takes.
  public var text: String { "\(method.name):\(interval)" }
}
