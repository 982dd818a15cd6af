public import LanternPictures

/// A ControlNet or T2I-Adapter, and the picture whose lines, depth or pose it makes the drawn one follow
/// (Zhang et al. 2023, arXiv:2302.05543; Mou et al. 2023, arXiv:2302.08453).
///
/// ```swift
/// var control = Control(network: "control_canny", picture: try Picture(contentsOf: "photo.png"))
/// control.preprocessor = .canny
/// request.controls = [control]
/// ```
public struct Control: Sendable, Equatable {
  /// What is made of a picture before a network follows it.
  public enum Preprocessor: String, Sendable, CaseIterable {
    /// White edges on black, by Canny's detector with the thresholds 100 and 200.
    case canny
  }

  /// The network: a folder that diffusers wrote, or a file of weights.
  public var network: String
  /// The picture that is followed, of the kind that the network was trained on; it is resized to the
  /// drawn one. A recipe does not have it.
  public var picture: Picture?
  /// What is made of the picture before.
  public var preprocessor: Preprocessor?
  /// How strongly it is followed, 0…10.
  public var strength: Float = 1
  /// The share of the steps after which it is followed, 0…1.
  public var start = 0.0
  /// The share of the steps up to which it is followed, 0…1.
  public var end = 1.0

  /// A picture to follow.
  public init(network: String, picture: Picture?) {
    (self.network, self.picture) = (network, picture)
  }

  /// The network's name without the folder it is in.
  package var name: String { LoRA(network).name }

  /// Whether it is followed in a step, by its number from 0, of how many: as diffusers counts.
  func isActive(_ step: Int, of count: Int) -> Bool {
    strength != 0 && Self.holds(step, of: count, from: start, to: end)
  }

  /// Whether a share of the steps has all of one.
  static func holds(_ step: Int, of count: Int, from start: Double, to end: Double) -> Bool {
    let count = Double(max(count, 1))
    return Double(step) / count >= start && Double(step + 1) / count <= end
  }

  /// What the network is shown: of one channel, grey in all three.
  func hint(width: Int, height: Int, channels: Int) throws -> Picture? {
    let shown = channels == 1 && preprocessor == nil ? picture?.grey : picture
    let resized = try shown?.resized(width: width, height: height)
    return switch preprocessor {
    case .canny: try resized?.cannyEdges()
    case nil: resized
    }
  }
}
