import ArgumentParser
import Lantern

/// A picture that is changed or extended.
struct PaintBeginningOptions: SettingOptions {
  typealias Request = TokenPictureRequest

  @Option(TokenPictureSetting.initialPicture) var initialPicture: String?
  @Option(TokenPictureSetting.mask) var mask: String?
  @Option(TokenPictureSetting.extensions) var extensions: [String] = []
  @Flag(TokenPictureSetting.pastesKept) var pastesKept: Bool?

  mutating func validate() throws {
    try checkSettings()
    if initialPicture != nil, mask == nil, extensions.isEmpty {
      throw ValidationError("--init needs --mask FILE or --extend SIDE")
    }
  }
}
