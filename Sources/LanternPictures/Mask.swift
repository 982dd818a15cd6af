public import LanternTensor

/// A picture of one channel that says where to paint: 255 (white) there, 0 (black) elsewhere.
public struct Mask: Sendable, Equatable {
  /// Pixels across.
  public let width: Int
  /// Pixels down.
  public let height: Int
  /// How much each pixel is to be painted, row by row.
  public let pixels: [UInt8]

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

  /// Reads a PNG or JPEG file, told apart by content: how bright it is, or, where it is transparent
  /// anywhere, how opaque, as stable-diffusion-webui takes masks.
  ///
  /// - Throws: ``PictureError`` when the file cannot be read, is damaged, or is too large.
  public init(contentsOf path: String) throws(PictureError) {
    let file = try PictureFile(path)
    width = file.width
    height = file.height
    let area = file.width * file.height
    if file.channels == 4 {
      let alpha = (0..<area).map { file.pixels[4 * $0 + 3] }
      if alpha.contains(where: { $0 != 255 }) {
        pixels = alpha
        return
      }
    }
    // Pillow's `convert("L")`: ITU-R 601 in fixed point.
    pixels = (0..<area).map { pixel in
      let start = pixel * file.channels
      let red = Int(file.pixels[start])
      let green = Int(file.pixels[start + 1])
      let blue = Int(file.pixels[start + 2])
      return UInt8((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16)
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
    let resized = try Resampling.lanczos(pixels, width, height, 1, newWidth, newHeight)
    return Mask(known: newWidth, newHeight, resized)
  }

  private init(known width: Int, _ height: Int, _ pixels: [UInt8]) {
    self.width = width
    self.height = height
    self.pixels = pixels
  }
}
