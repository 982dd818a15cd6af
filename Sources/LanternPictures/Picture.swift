public import LanternTensor

/// A picture of 8 bits for each of red, green and blue.
public struct Picture: Sendable, Equatable {
  /// Pixels across.
  public let width: Int
  /// Pixels down.
  public let height: Int
  /// Red, green, blue of each pixel, row by row: `[height, width, 3]`.
  public let pixels: [UInt8]
  /// Notes on its file, or on a request's settings, without an effect or with another one than may be
  /// expected: a line each.
  public package(set) var notes: [String] = []
  /// Texts that its file will carry: of a picture that was drawn, how it was drawn. Those of a picture
  /// that was read stay in its file (``PictureMetadata/init(contentsOf:)``).
  ///
  /// ```swift
  /// try image.picture.write(to: "fox.png")                 // with prompt, seed and settings
  /// try image.picture.write(to: "bare.png", metadata: [:])  // without
  /// print(try PictureMetadata(contentsOf: "fox.png")["parameters"] ?? "")
  /// ```
  public var metadata = PictureMetadata()

  /// The most pixels a side that a file may have.
  static let sideLimit = 16_384
  /// The most pixels that a file may have.
  static let pixelLimit = 128 << 20

  /// A picture of the given bytes.
  ///
  /// - Throws: ``PictureError/size(width:height:byteCount:)`` unless there are `[height, width, 3]`.
  public init(width: Int, height: Int, pixels: [UInt8]) throws(PictureError) {
    let (area, overflow) = width.multipliedReportingOverflow(by: height)
    guard width > 0, height > 0, !overflow, area <= Int.max / 3, pixels.count == 3 * area else {
      throw .size(width: width, height: height, byteCount: pixels.count)
    }
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// For sizes that are known to fit.
  init(known width: Int, _ height: Int, _ pixels: [UInt8]) {
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// A picture of numbers, rounded as diffusers rounds: 0…1 times 255, halves to even, the rest
  /// clamped.
  ///
  /// - Parameter image: `[1, height, width, 3]` or `[height, width, 3]`, f32.
  /// - Throws: ``PictureError/shape(found:expected:)`` for others, or
  ///   ``PictureError/notANumber(index:)``.
  public init(_ image: Tensor) throws(PictureError) {
    let expected = "it should be [1, height, width, 3] of f32"
    let shape =
      image.rank == 4 && image.shape[0] == 1 ? Array(image.shape.dropFirst()) : image.shape
    guard shape.count == 3, shape[2] == 3, image.elementCount > 0, image.dtype == .float32 else {
      throw .shape(found: image.shape, expected: expected)
    }
    self.init(known: shape[1], shape[0], try Self.bytes(of: image))
  }

  /// Whether both have the same size and pixels.
  public static func == (a: Picture, b: Picture) -> Bool {
    a.width == b.width && a.height == b.height && a.pixels == b.pixels
  }

  /// The picture as numbers, `[1, height, width, 3]` of 0…1.
  ///
  /// - Throws: ``PictureError/tensor(_:)`` for want of memory.
  public var tensor: Tensor {
    get throws(PictureError) { try Self.tensor(of: pixels, shape: [1, height, width, 3]) }
  }

  /// The picture in three equal channels of grey, by the luma of ITU-R 601 as Pillow rounds it
  /// (`convert("L")`).
  package var grey: Picture {
    var grey = pixels
    for start in stride(from: 0, to: pixels.count, by: 3) {
      let sum =
        19595 * Int(pixels[start]) + 38470 * Int(pixels[start + 1]) + 7471 * Int(pixels[start + 2])
      for index in start..<start + 3 { grey[index] = UInt8((sum + (1 << 15)) >> 16) }
    }
    return Picture(known: width, height, grey)
  }

  private static func bytes(of image: Tensor) throws(PictureError) -> [UInt8] {
    let source: Tensor
    do {
      source = try image.contiguous()
    } catch {
      throw .tensor(error)
    }
    let count = source.elementCount
    let floats = source.floatPointer
    var strangeIndex: Int?
    var bytes = try [UInt8].zeros(count)
    for index in 0..<count {
      let value = (floats[index] * 255).rounded(.toNearestOrEven)
      if value.isNaN, strangeIndex == nil { strangeIndex = index }
      // NaN is not greater than zero.
      bytes[index] = value > 0 ? UInt8(min(value, 255)) : 0
    }
    withExtendedLifetime(source) {}
    if let strangeIndex { throw .notANumber(index: strangeIndex) }
    return bytes
  }

  static func tensor(of bytes: [UInt8], shape: [Int]) throws(PictureError) -> Tensor {
    do {
      let draft = try Draft(shape)
      let floats = draft.floats
      bytes.withUnsafeBufferPointer { buffer in
        for index in buffer.indices { floats[index] = Float(buffer[index]) / 255 }
      }
      return draft.tensor()
    } catch {
      throw .tensor(error)
    }
  }
}
