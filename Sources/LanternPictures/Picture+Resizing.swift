internal import CLanternPictures

extension Picture {
  /// The picture in another size, by a Lanczos window of three lobes: Pillow's `Image.LANCZOS`,
  /// which diffusers uses for pictures to begin from.
  ///
  /// - Throws: ``PictureError/size(width:height:byteCount:)`` for sizes that are not positive or
  ///   above 16,384, ``PictureError/outOfMemory(byteCount:)``.
  public func resized(width newWidth: Int, height newHeight: Int) throws(PictureError) -> Picture {
    let resized = try Resampling.resized(pixels, width, height, 3, newWidth, newHeight)
    return Picture(known: newWidth, newHeight, resized)
  }

  /// The middle square of the picture, whose shorter side is resized to that of the square by a cubic window
  /// first: as transformers' `CLIPImageProcessor` shows pictures to CLIP.
  ///
  /// - Throws: as ``resized(width:height:)``.
  package func croppedForCLIP(_ side: Int) throws(PictureError) -> Picture {
    let shorter = min(width, height)
    let (newWidth, newHeight) = (side * width / shorter, side * height / shorter)
    let resized = try Resampling.resized(
      pixels, width, height, 3, newWidth, newHeight, LP_BICUBIC)
    let (left, top) = ((newWidth - side) / 2, (newHeight - side) / 2)
    return try Picture(known: newWidth, newHeight, resized).cropped(
      rows: top..<top + side, columns: left..<left + side)
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

  /// A part of the picture.
  ///
  /// - Throws: ``PictureError/size(width:height:byteCount:)`` for a part that is empty or reaches beyond it.
  package func cropped(rows: Range<Int>, columns: Range<Int>) throws(PictureError) -> Picture {
    guard !rows.isEmpty, !columns.isEmpty, rows.lowerBound >= 0, columns.lowerBound >= 0,
      rows.upperBound <= height, columns.upperBound <= width
    else { throw .size(width: columns.count, height: rows.count, byteCount: pixels.count) }
    var part: [UInt8] = []
    part.reserveCapacity(3 * rows.count * columns.count)
    for row in rows {
      let start = 3 * row * width
      part += pixels[start + 3 * columns.lowerBound..<start + 3 * columns.upperBound]
    }
    return Picture(known: columns.count, rows.count, part)
  }

  /// The picture as a part of a larger one, in which its edges go on.
  ///
  /// - Throws: ``PictureError/outOfMemory(byteCount:)``.
  package func enlarged(width: Int, height: Int, left: Int, top: Int) throws(PictureError)
    -> Picture
  {
    var larger = try [UInt8].zeros(width * height * 3)
    for y in 0..<height {
      let row = min(max(y - top, 0), self.height - 1) * self.width
      for x in 0..<width {
        let source = 3 * (row + min(max(x - left, 0), self.width - 1))
        for channel in 0..<3 { larger[3 * (y * width + x) + channel] = pixels[source + channel] }
      }
    }
    return Picture(known: width, height, larger)
  }
}

extension Mask {
  /// The middle square in another size.
  ///
  /// - Throws: as ``resized(width:height:)``.
  package func middleSquare(_ side: Int) throws(PictureError) -> Mask {
    let square = MiddleSquare(width, height)
    return try Mask(
      width: square.side, height: square.side, pixels: square.cut(pixels, channels: 1)
    ).resized(width: side, height: side)
  }

  /// Whether each of `side` · `side` squares of the middle square is to be painted, for the most part.
  ///
  /// - Throws: as ``resized(width:height:)``.
  package func cells(_ side: Int) throws(PictureError) -> [Bool] {
    try middleSquare(side).pixels.map { $0 >= 128 }
  }

  /// The mask as a part of a larger one, which is white around it.
  ///
  /// - Throws: ``PictureError/outOfMemory(byteCount:)``.
  package func enlarged(width: Int, height: Int, left: Int, top: Int) throws(PictureError) -> Mask {
    var larger = try [UInt8].zeros(width * height)
    for index in larger.indices { larger[index] = 255 }
    for y in 0..<self.height {
      let row = pixels[y * self.width..<(y + 1) * self.width]
      let start = (top + y) * width + left
      larger.replaceSubrange(start..<start + row.count, with: row)
    }
    return try Mask(width: width, height: height, pixels: larger)
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
  static func resized(
    _ pixels: [UInt8], _ width: Int, _ height: Int, _ channels: Int, _ newWidth: Int,
    _ newHeight: Int, _ window: lp_window = LP_LANCZOS
  ) throws(PictureError) -> [UInt8] {
    guard (1...Picture.sideLimit).contains(newWidth), (1...Picture.sideLimit).contains(newHeight)
    else { throw .size(width: newWidth, height: newHeight, byteCount: pixels.count) }
    if newWidth == width, newHeight == height { return pixels }
    var resized = try [UInt8].zeros(newWidth * newHeight * channels)
    let isDone = resized.withUnsafeMutableBufferPointer { buffer in
      lp_resample(
        pixels, width, height, channels, buffer.baseAddress, newWidth, newHeight, window)
    }
    guard isDone else { throw .outOfMemory(byteCount: newWidth * height * channels) }
    return resized
  }
}
