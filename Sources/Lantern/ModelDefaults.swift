package import LanternFormats

/// What suits a model when nothing is said: its folder's `lantern.json`, or what people use for Stable
/// Diffusion.
package struct ModelDefaults: Sendable {
  /// Number of steps.
  package let steps: Int
  /// Strength of guidance.
  package let guidance: Float

  /// Reads the optional file of a model's folder.
  ///
  /// - Throws: ``FormatError`` when it is there and unsound.
  package init(folder: String) throws(FormatError) {
    let path = FileSystem.join(folder, "lantern.json")
    guard FileSystem.exists(path) else {
      steps = 30
      guidance = 7.5
      return
    }
    let config = try Config(path: path)
    steps = try config.integer("steps", default: 30)
    guidance = try config.float("guidance", default: 7.5)
    try config.finish()
  }
}
