import Lantern
import LanternFormats
import LanternPictures

/// A picture's way out of noise, as an animated PNG.
struct PictureAnimation {
  /// How long a frame is shown.
  private static let milliseconds = 120

  private var frames: [Picture] = []

  /// Adds what a step left.
  mutating func add(_ picture: Picture) { frames.append(picture) }

  /// Writes all frames in the size of the finished picture, which is the last one.
  ///
  /// - Parameters:
  ///   - picture: the finished picture.
  ///   - path: of the file, which is replaced.
  /// - Throws: `PictureError`, ``FormatError/cannotWrite(path:code:)``.
  func write(endingWith picture: Picture, to path: String) throws {
    var animation = AnimatedPNG(milliseconds: Self.milliseconds, path: path)
    for frame in frames {
      try animation.add(frame.resized(width: picture.width, height: picture.height))
    }
    try animation.add(picture)
    try AtomicFile.write(animation.png(showing: picture), to: path)
  }
}
