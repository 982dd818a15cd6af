import LanternPlatform
package import LanternFormats

/// The defaults of a transformer that writes and draws: its folder's `lantern.json`, or
/// what Show-o's authors use.
package struct StoryDefaults: Sendable {
  /// Pages of a story.
  package let pages: Int
  /// Pages of the stories that it was trained on; nil where unknown.
  package let trainedPages: Int?
  /// Steps to a picture.
  package let imageSteps: Int
  /// Strength of guidance, Muse's.
  package let guidance: Float
  /// Of the text.
  package let temperature: Float
  /// See ``temperature``.
  package let topP: Float
  /// Whether it was trained to open pictures by itself and to read its own.
  package let isInterleaved: Bool
  /// The words that it knows; nil where its vocabulary is not closed.
  package let world: ClosedWorld?

  /// Reads the optional file of a model's folder.
  ///
  /// - Parameters:
  ///   - folder: the transformer's.
  ///   - codes: of a picture; Show-o draws its large pictures in more steps.
  /// - Throws: ``FormatError`` when the file is there and unsound.
  package init(folder: String, codes: Int) throws(FormatError) {
    let path = FileSystem.join(folder, "lantern.json")
    let config = FileSystem.exists(path) ? try Config(path: path) : Config([:], file: path)
    let isLarge = codes > 256
    pages = try config.integer("pages", default: 4)
    trainedPages = try config.optionalInteger("trained_pages")
    if let trainedPages, trainedPages < 1 {
      throw .wrongType(key: "trained_pages", expected: "1 or more", file: path)
    }
    imageSteps = try config.integer("image_steps", default: isLarge ? 50 : 16)
    guidance = try config.float("guidance", default: isLarge ? 5 : 1.75)
    temperature = try config.float("temperature", default: 0.8)
    topP = try config.float("top_p", default: 0.95)
    isInterleaved = try config.bool("interleaved", default: false)
    world = try ClosedWorld(config)
    try config.finishStrictly()
  }
}
