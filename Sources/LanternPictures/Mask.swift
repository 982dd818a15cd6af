public import LanternTensor

/// A picture of one channel that says where to paint: 255 (white) there, 0 (black) elsewhere.
public struct Mask: Sendable, Equatable {
  /// Pixels across.
  public let width: Int
  /// Pixels down.
  public let height: Int
  /// How much each pixel is to be painted, row by row.
  public let pixels: [UInt8]
  /// Notes on how its file is read, where another way may be expected: a line each.
  public private(set) var notes: [String] = []

  /// A mask of the given bytes.
  ///
  /// - Throws: ``PictureError/size(width:height:byteCount:)`` unless there are `[height, width]`.
  public init(width: Int, height: Int, pixels: [UInt8]) throws(PictureError) {
    let (area, overflow) = width.multipliedReportingOverflow(by: height)
    guard width > 0, height > 0, !overflow, pixels.count == area else {
      throw .size(width: width, height: height, byteCount: pixels.count)
    }
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// Reads a PNG or JPEG file, recognised by content: brightness times opacity. Where
  /// all visible pixels have one colour, opacity alone decides: paint is white, and black paint
  /// with holes in it stays black and is white in its holes.
  ///
  /// - Throws: ``PictureError`` when the file cannot be read, is damaged, or is too large.
  public init(contentsOf path: String) throws(PictureError) {
    try self.init(PictureFile(path), path)
  }

  /// Reads the bytes of a PNG or JPEG file, which errors call `path`, in the same way.
  ///
  /// - Throws: as ``init(contentsOf:)``.
  public init(_ bytes: [UInt8], path: String = "the mask") throws(PictureError) {
    try self.init(PictureFile(bytes, path: path), path)
  }

  private init(_ file: PictureFile, _ path: String) throws(PictureError) {
    width = file.width
    height = file.height
    switch file.paint {
    case .colours: pixels = try file.paintedBrightness()
    case .one(isDark: false): pixels = try file.opacity(inverted: false)
    case .one(isDark: true):
      pixels = try file.opacity(inverted: true)
      notes = ["\(path): black with holes: the holes are drawn anew, what is black stays"]
    }
    let grey = pixels.count { (32..<224).contains($0) }
    if grey > pixels.count / 4 {
      notes.append(
        "\(path): much of this mask is grey or coloured: what is at least half as bright as white "
          + "counts as white"
      )
    }
    if let brightest = pixels.max(), (1..<128).contains(brightest) {
      notes.append(
        "\(path): brightness times opacity is \(brightest) of 255 at most, less than half of white: all "
          + "of it counts as black")
    }
  }

  /// The mask as numbers, `[1, height, width, 1]` of 0…1.
  ///
  /// - Throws: ``PictureError/tensor(_:)`` for want of memory.
  public var tensor: Tensor {
    get throws(PictureError) { try Picture.tensor(of: pixels, shape: [1, height, width, 1]) }
  }

  /// The mask with every pixel either 0 or 255, from the middle up: what diffusers' inpainting
  /// makes of masks after it resized them.
  public var binarized: Mask {
    Mask(known: width, height, pixels.map { $0 >= 128 ? 255 : 0 })
  }

  /// The mask in another size, by the same window as ``Picture/resized(width:height:)``: diffusers
  /// resizes masks as it does pictures.
  ///
  /// - Throws: as ``Picture/resized(width:height:)``.
  public func resized(width newWidth: Int, height newHeight: Int) throws(PictureError) -> Mask {
    let resized = try Resampling.resized(pixels, width, height, 1, newWidth, newHeight)
    return Mask(known: newWidth, newHeight, resized)
  }

  /// Whether both have the same size and pixels.
  public static func == (a: Mask, b: Mask) -> Bool {
    a.width == b.width && a.height == b.height && a.pixels == b.pixels
  }

  private init(known width: Int, _ height: Int, _ pixels: [UInt8]) {
    self.width = width
    self.height = height
    self.pixels = pixels
  }
}

extension Mask {
  /// The mask without what lies in cells that are not drawn: `columns` · `rows` of them, row by row.
  ///
  /// - Throws: ``PictureError/outOfMemory(byteCount:)``.
  package func limited(to cells: [Bool], columns: Int, rows: Int) throws(PictureError) -> Mask {
    var limited = try [UInt8].zeros(pixels.count)
    for y in 0..<height {
      for x in 0..<width where cells[y * rows / height * columns + x * columns / width] {
        limited[y * width + x] = pixels[y * width + x]
      }
    }
    return Mask(known: width, height, limited)
  }

  /// Whether a picture has this shape too, within a fiftieth.
  package func fits(_ picture: Picture) -> Bool {
    let (one, other) = (Double(width * picture.height), Double(height * picture.width))
    return abs(one - other) <= 0.02 * max(one, other)
  }
}

/// What a mask's file is painted with.
private enum Paint {
  case colours
  case one(isDark: Bool)
}

extension PictureFile {
  /// Whether all visible pixels have one colour, and some pixels are transparent.
  fileprivate var paint: Paint {
    guard channels == 4 else { return .colours }
    var (mostOpaque, minimum) = (0, UInt8.max)
    for start in stride(from: 0, to: pixels.count, by: 4) {
      if pixels[start + 3] > pixels[mostOpaque + 3] { mostOpaque = start }
      minimum = min(minimum, pixels[start + 3])
    }
    guard minimum < 128 else { return .colours }
    let colour = pixels[mostOpaque..<mostOpaque + 3].map(Int.init)
    for start in stride(from: 0, to: pixels.count, by: 4) {
      let alpha = Int(pixels[start + 3])
      for channel in 0..<3 {
        // What is hardly opaque has hardly a colour: programs round it in their own ways.
        let difference = abs(Int(pixels[start + channel]) - colour[channel])
        if difference * alpha > 4 * 255 { return .colours }
      }
    }
    return .one(isDark: colour.allSatisfy { $0 < 128 })
  }

  /// How bright each pixel is by Pillow's `convert("L")`, ITU-R 601 in fixed point, times how opaque.
  fileprivate func paintedBrightness() throws(PictureError) -> [UInt8] {
    var bright = try [UInt8].zeros(width * height)
    for pixel in bright.indices {
      let start = pixel * channels
      let red = Int(pixels[start])
      let green = Int(pixels[start + 1])
      let blue = Int(pixels[start + 2])
      let value = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
      let alpha = channels == 4 ? Int(pixels[start + 3]) : 255
      bright[pixel] = UInt8((value * alpha + 127) / 255)
    }
    return bright
  }

  /// How opaque each pixel is, of a picture of four channels, or how transparent.
  fileprivate func opacity(inverted: Bool) throws(PictureError) -> [UInt8] {
    var opacity = try [UInt8].zeros(width * height)
    for pixel in opacity.indices {
      let alpha = pixels[4 * pixel + 3]
      opacity[pixel] = inverted ? 255 - alpha : alpha
    }
    return opacity
  }
}
