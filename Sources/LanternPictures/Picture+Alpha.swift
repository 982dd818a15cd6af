internal import LanternFormats

/// A picture with an alpha channel: its colours as they are stored, and how opaque each pixel is.
package struct PictureWithAlpha: Sendable {
  /// The colours, those of transparent pixels too.
  package let colours: Picture
  /// How opaque each pixel is, `[height, width]`; nil where all are.
  package let alpha: [UInt8]?

  /// - Parameters:
  ///   - colours: the colours.
  ///   - alpha: a byte for each pixel, 255 where it is opaque.
  /// - Throws: ``PictureError/size(width:height:byteCount:)`` for another number of bytes.
  package init(_ colours: Picture, alpha: [UInt8]?) throws(PictureError) {
    if let alpha, alpha.count != colours.width * colours.height {
      throw .size(width: colours.width, height: colours.height, byteCount: alpha.count)
    }
    self.colours = colours
    self.alpha = alpha
  }

  /// Reads a PNG or JPEG file as ``Picture/init(contentsOf:)`` does, but for what is transparent.
  ///
  /// - Throws: ``PictureError`` when the file cannot be read, is damaged, or is too large.
  package init(contentsOf path: String) throws(PictureError) {
    try self.init(PictureFile(path), path)
  }

  /// Reads the bytes of a PNG or JPEG file, which errors call `path`, in the same way.
  ///
  /// - Throws: as ``init(contentsOf:)``.
  package init(_ bytes: [UInt8], path: String = "the picture") throws(PictureError) {
    try self.init(PictureFile(bytes, path: path), path)
  }

  private init(_ file: PictureFile, _ path: String) throws(PictureError) {
    let isTransparent =
      file.channels == 4
      && stride(from: 3, to: file.pixels.count, by: 4).contains { file.pixels[$0] < 255 }
    guard isTransparent else {
      colours = try file.onWhite(path)
      alpha = nil
      return
    }
    var (bytes, alpha) = (
      try [UInt8].zeros(file.width * file.height * 3), try [UInt8].zeros(file.width * file.height)
    )
    for pixel in alpha.indices {
      for channel in 0..<3 { bytes[3 * pixel + channel] = file.pixels[4 * pixel + channel] }
      alpha[pixel] = file.pixels[4 * pixel + 3]
    }
    var picture = Picture(known: file.width, file.height, bytes)
    picture.notes = file.facts.notes.map { "\(path): \($0)" }
    self.colours = picture
    self.alpha = alpha
  }

  /// What a function makes of the colours, and of the alpha channel as a grey picture.
  ///
  /// - Parameter change: gives pictures of one size for both.
  /// - Returns: the new picture.
  /// - Throws: what `change` throws, and ``PictureError/outOfMemory(byteCount:)``.
  package func changed(by change: (Picture) throws -> Picture) throws -> PictureWithAlpha {
    let newColours = try change(colours)
    guard let alpha else { return try PictureWithAlpha(newColours, alpha: nil) }
    var grey = try [UInt8].zeros(3 * alpha.count)
    for index in grey.indices { grey[index] = alpha[index / 3] }
    let changed = try change(Picture(known: colours.width, colours.height, grey)).pixels
    // Of an equal grey in all channels a network makes nearly one.
    var newAlpha = try [UInt8].zeros(changed.count / 3)
    for pixel in newAlpha.indices {
      let sum = (0..<3).reduce(0) { $0 + Int(changed[3 * pixel + $1]) }
      newAlpha[pixel] = UInt8((sum + 1) / 3)
    }
    return try PictureWithAlpha(newColours, alpha: newAlpha)
  }

  /// Writes a PNG or JPEG file as ``Picture/write(to:metadata:replacing:)`` does. JPEG has no alpha channel:
  /// what is transparent is laid on white.
  ///
  /// - Returns: a line each on what the format does not hold.
  /// - Throws: as ``Picture/write(to:metadata:replacing:)``.
  package func write(to path: String, metadata: PictureMetadata, replacing: Bool)
    throws(PictureError) -> [String]
  {
    guard let alpha else {
      try colours.write(to: path, metadata: metadata, replacing: replacing)
      return []
    }
    var all = try [UInt8].zeros(4 * alpha.count)
    for pixel in alpha.indices {
      for channel in 0..<3 { all[4 * pixel + channel] = colours.pixels[3 * pixel + channel] }
      all[4 * pixel + 3] = alpha[pixel]
    }
    guard try Picture.isPNG(path) else {
      let file = PictureFile(
        width: colours.width, height: colours.height, channels: 4, pixels: all,
        facts: PictureFacts())
      let opaque = try file.onWhite(path)
      try opaque.write(to: path, metadata: metadata, replacing: replacing)
      return ["\(path): JPEG holds no transparency, so what is transparent became white: use .png"]
    }
    try PNG.encode(all, colours.width, colours.height, channels: 4, metadata, path)
      .write(to: path, replacing ? .replace : .create)
    return []
  }
}
