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
