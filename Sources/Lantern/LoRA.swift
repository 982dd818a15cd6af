import LanternFormats
import LanternLayers

/// What one file adds to a model's weights (LoRA, Hu et al. 2021, arXiv:2106.09685): a style, a
/// subject, or drawing in few steps.
public struct LoRA: Sendable, Equatable {
  /// A safetensors file in diffusers', PEFT's or kohya's spelling.
  public var path: String
  /// How much of it is added; 1 is all, and less than 0 goes the other way.
  public var strength: Float

  /// All of a file, or a part of it.
  public init(_ path: String, strength: Float = 1) {
    self.path = path
    self.strength = strength
  }

  /// The file's name without its folder, and the strength after a colon.
  package var label: String { "\(FileSystem.split(path).name):\(strength)" }

  /// Opens the file.
  func adapter() throws -> LowRankAdapter {
    guard strength.isFinite else {
      throw RequestError.range(
        name: "strength of \(path)", found: "\(strength)", allowed: "a number")
    }
    return try LowRankAdapter(SafetensorsFile(path), strength: strength)
  }
}
