import LanternPlatform
internal import LanternFormats

extension Picture {
  /// Reads a PNG or JPEG file, recognised by content.
  ///
  /// Pictures of any depth become 8 bits for each channel, grey ones get three equal channels, and
  /// what is transparent lies on white. EXIF's orientation turns the picture
  /// upright, as `diffusers.utils.load_image` does. Colour profiles are not applied.
  ///
  /// - Throws: ``PictureError`` when the file cannot be read, is damaged, or is too large.
  public init(contentsOf path: String) throws(PictureError) {
    self = try PictureFile(path).onWhite(path)
  }

  /// Reads the bytes of a PNG or JPEG file, which errors call `path`.
  ///
  /// - Throws: as ``init(contentsOf:)``.
  public init(_ bytes: [UInt8], path: String = "the picture") throws(PictureError) {
    self = try PictureFile(bytes, path: path).onWhite(path)
  }

  /// Writes a PNG or JPEG file (quality 95), as the ending of `path` says, whole or not at all.
  ///
  /// - Parameters:
  ///   - path: of the file.
  ///   - metadata: texts that go with the picture; its own ``Picture/metadata`` when nil, as
  ///     `write(to: path, metadata: [:])` writes none.
  ///   - replacing: whether a file that is there gives way; where not, it is an error.
  /// - Throws: ``PictureError`` for another ending, metadata that the format cannot hold, or a file
  ///   that cannot be written.
  public func write(
    to path: String, metadata: PictureMetadata? = nil, replacing: Bool = true
  ) throws(PictureError) {
    try encoded(for: path, metadata ?? self.metadata).write(
      to: path, replacing ? .replace : .create)
  }

  /// Encodes the picture as PNG.
  ///
  /// - Parameter metadata: texts that go with the picture; its own when nil.
  /// - Returns: the bytes of a file.
  /// - Throws: ``PictureError`` for want of memory or metadata that it cannot hold.
  public func png(_ metadata: PictureMetadata? = nil) throws(PictureError) -> [UInt8] {
    try PNG.encode(pixels, width, height, channels: 3, metadata ?? self.metadata, "PNG").array()
  }

  /// Encodes the picture as JPEG.
  ///
  /// - Parameters:
  ///   - quality: 1 to 100.
  ///   - metadata: texts that go with the picture; its own when nil.
  /// - Returns: the bytes of a file.
  /// - Throws: ``PictureError`` for another quality, metadata that it cannot hold, want of memory, or a
  ///   picture that is too large.
  public func jpeg(quality: Int = 95, _ metadata: PictureMetadata? = nil) throws(PictureError)
    -> [UInt8]
  {
    guard (1...100).contains(quality) else { throw .quality(quality) }
    return try JPEG.encode(self, quality: quality, metadata ?? self.metadata, "JPEG").array()
  }

  /// Checks that a picture could be written to `path`, before the work to make one: that its ending
  /// is known.
  ///
  /// - Throws: ``PictureError/unknownExtension(path:)``.
  public static func checkExtension(of path: String) throws(PictureError) {
    _ = try Encoding(path)
  }

  /// Whether the ending of `path` is PNG's.
  ///
  /// - Throws: ``PictureError/unknownExtension(path:)``.
  static func isPNG(_ path: String) throws(PictureError) -> Bool {
    if case .png = try Encoding(path) { true } else { false }
  }

  /// Checks the size of a picture that is to be made, before the work.
  ///
  /// - Throws: ``PictureError/tooLarge(path:width:height:)``.
  package static func checkSize(_ width: Int, _ height: Int, path: String) throws(PictureError) {
    guard width <= sideLimit, height <= sideLimit, width * height <= pixelLimit else {
      throw .tooLarge(path: path, width: width, height: height)
    }
  }

  /// The quality that JPEG files are written with.
  package static let jpegQuality = 95

  private enum Encoding {
    case png
    case jpeg

    init(_ path: String) throws(PictureError) {
      let name = FileSystem.split(path).name.lowercased()
      if name.hasSuffix(".png") {
        self = .png
      } else if name.hasSuffix(".jpg") || name.hasSuffix(".jpeg") {
        self = .jpeg
      } else {
        throw .unknownExtension(path: path)
      }
    }
  }

  private func encoded(for path: String, _ metadata: PictureMetadata) throws(PictureError)
    -> EncodedPicture
  {
    switch try Encoding(path) {
    case .png:
      return try PNG.encode(pixels, width, height, channels: 3, metadata, path)
    case .jpeg:
      return try JPEG.encode(self, quality: Self.jpegQuality, metadata, path)
    }
  }
}

extension PictureMetadata {
  /// Reads the texts of a PNG or JPEG file, up to 16 MiB together, and not its pixels.
  ///
  /// - Throws: ``PictureError`` when the file cannot be read or is damaged.
  public init(contentsOf path: String) throws(PictureError) {
    try self.init(PictureFile.read(path), path: path)
  }

  /// Reads the texts of the bytes of a PNG or JPEG file, which errors call `path`.
  ///
  /// - Throws: as ``init(contentsOf:)``.
  public init(_ bytes: [UInt8], path: String = "the picture") throws(PictureError) {
    self = try PictureFacts(bytes, path: path).metadata
  }
}

/// A decoded picture file, upright.
struct PictureFile {
  private(set) var width: Int
  private(set) var height: Int
  /// 3, or 4 where anything may be transparent.
  let channels: Int
  /// `[height, width, channels]`.
  private(set) var pixels: [UInt8]
  let facts: PictureFacts

  private static let sizeLimit = 1 << 30

  init(_ path: String) throws(PictureError) {
    try self.init(Self.read(path), path: path)
  }

  init(_ bytes: [UInt8], path: String) throws(PictureError) {
    let format = PictureFormat(bytes)
    self = try bytes.withUnsafeBufferPointer { bytes throws(PictureError) in
      switch format {
      case .png: return try PNG.decode(bytes, path)
      case .jpeg: return try JPEG.decode(bytes, path)
      case .other(let kind):
        let refusal = FileKind.refusal(of: UnsafeRawBufferPointer(bytes), path: path)
        guard kind == nil, let refusal else { throw .unknownFormat(path: path, kind: kind) }
        throw .file(.unsupportedFileKind(path: path, remedy: refusal))
      }
    }
    try turnUpright(from: facts.orientation)
  }

  init(width: Int, height: Int, channels: Int, pixels: [UInt8], facts: PictureFacts) {
    self.width = width
    self.height = height
    self.channels = channels
    self.pixels = pixels
    self.facts = facts
  }

  /// The bytes of a file that should be a picture.
  static func read(_ path: String) throws(PictureError) -> [UInt8] {
    let bytes: [UInt8]
    do {
      bytes = try FileSystem.read(path, limit: sizeLimit)
    } catch {
      throw .file(error)
    }
    guard !bytes.isEmpty else { throw .file(.empty(path: path)) }
    return bytes
  }

  /// Checks the size a file claims, before memory is taken for it.
  static func check(_ width: UInt32, _ height: UInt32, _ path: String) throws(PictureError) {
    guard width <= Picture.sideLimit, height <= Picture.sideLimit,
      Int(width) * Int(height) <= Picture.pixelLimit
    else { throw .tooLarge(path: path, width: Int(width), height: Int(height)) }
  }

  /// The picture, what is transparent laid on white.
  func onWhite(_ path: String) throws(PictureError) -> Picture {
    var picture = Picture(known: width, height, channels == 4 ? try laidOnWhite() : pixels)
    picture.notes = facts.notes.map { "\(path): \($0)" }
    if channels == 4, stride(from: 3, to: pixels.count, by: 4).contains(where: { pixels[$0] < 255 })
    {
      picture.notes.append("\(path): what is transparent in it is taken as white")
    }
    return picture
  }

  private func laidOnWhite() throws(PictureError) -> [UInt8] {
    var opaque = try [UInt8].zeros(width * height * 3)
    for pixel in 0..<width * height {
      let alpha = Int(pixels[4 * pixel + 3])
      for channel in 0..<3 {
        let value = Int(pixels[4 * pixel + channel])
        opaque[3 * pixel + channel] = UInt8((value * alpha + 255 * (255 - alpha) + 127) / 255)
      }
    }
    return opaque
  }

  /// Turns a picture upright by EXIF's orientation.
  private mutating func turnUpright(from orientation: Int) throws(PictureError) {
    guard (2...8).contains(orientation) else { return }
    let isTurned = orientation >= 5
    let (newWidth, newHeight) = isTurned ? (height, width) : (width, height)
    let mirrorsX = [2, 3, 7, 8].contains(orientation)
    let mirrorsY = [3, 4, 6, 7].contains(orientation)
    var turned = try [UInt8].zeros(pixels.count)
    var target = 0
    for y in 0..<newHeight {
      for x in 0..<newWidth {
        var (fromX, fromY) = isTurned ? (y, x) : (x, y)
        if mirrorsX { fromX = width - 1 - fromX }
        if mirrorsY { fromY = height - 1 - fromY }
        let source = (fromY * width + fromX) * channels
        for channel in 0..<channels {
          turned[target] = pixels[source + channel]
          target += 1
        }
      }
    }
    (width, height, pixels) = (newWidth, newHeight, turned)
  }
}
