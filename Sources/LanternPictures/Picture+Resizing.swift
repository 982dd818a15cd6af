internal import CLanternPictures

extension Picture {
  /// The picture in another size, by a Lanczos window of three lobes: Pillow's `Image.LANCZOS`,
  /// which diffusers uses for pictures to begin from.
  ///
  /// - Throws: ``PictureError/size(width:height:byteCount:)`` for sizes that are not positive or
  ///   above 16,384, ``PictureError/outOfMemory(byteCount:)``.
  public func resized(width newWidth: Int, height newHeight: Int) throws(PictureError) -> Picture {
    let resized = try Resampling.lanczos(pixels, width, height, 3, newWidth, newHeight)
    return Picture(known: newWidth, newHeight, resized)
  }
}

extension Picture {
  /// The middle square in another size, as pictures are shown to image tokenizers.
  ///
  /// - Throws: as ``resized(width:height:)``.
  package func middleSquare(_ side: Int) throws(PictureError) -> Picture {
    let square = MiddleSquare(width, height)
    return try Picture(known: square.side, square.side, square.cut(pixels, channels: 3))
      .resized(width: side, height: side)
  }
}

extension Mask {
  /// Whether each of `side` · `side` squares of the middle square is to be painted, for the most part.
  ///
  /// - Throws: as ``resized(width:height:)``.
  package func cells(_ side: Int) throws(PictureError) -> [Bool] {
    let square = MiddleSquare(width, height)
    let cut = try Mask(
      width: square.side, height: square.side, pixels: square.cut(pixels, channels: 1))
    return try cut.resized(width: side, height: side).pixels.map { $0 >= 128 }
  }
}

/// The largest square in the middle of a picture.
private struct MiddleSquare {
  let side: Int
  private let width: Int
  private let left: Int
  private let top: Int

  init(_ width: Int, _ height: Int) {
    self.width = width
    side = min(width, height)
    left = (width - side) / 2
    top = (height - side) / 2
  }

  func cut(_ pixels: [UInt8], channels: Int) -> [UInt8] {
    (top..<top + side).flatMap { y -> ArraySlice<UInt8> in
      let start = (y * width + left) * channels
      return pixels[start..<start + side * channels]
    }
  }
}

enum Resampling {
  static func lanczos(
    _ pixels: [UInt8], _ width: Int, _ height: Int, _ channels: Int, _ newWidth: Int,
    _ newHeight: Int
  ) throws(PictureError) -> [UInt8] {
    guard (1...Picture.sideLimit).contains(newWidth), (1...Picture.sideLimit).contains(newHeight)
    else { throw .size(width: newWidth, height: newHeight, byteCount: pixels.count) }
    if newWidth == width, newHeight == height { return pixels }
    var resized = [UInt8](repeating: 0, count: newWidth * newHeight * channels)
    let isDone = resized.withUnsafeMutableBufferPointer { buffer in
      lp_resample_lanczos(
        pixels, width, height, channels, buffer.baseAddress, newWidth, newHeight)
    }
    guard isDone else { throw .outOfMemory(byteCount: newWidth * height * channels) }
    return resized
  }
}
