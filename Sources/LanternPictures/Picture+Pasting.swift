extension Picture {
  /// This picture where a mask is black, byte for byte, and another where it is white, with a soft
  /// seam on the white side: the other comes in over `seam` pixels.
  ///
  /// - Parameters:
  ///   - drawn: the other, of the same size.
  ///   - mask: of the same size; from the middle up it counts as white.
  ///   - seam: how many pixels from black the other stands alone, at least 1.
  /// - Returns: both in one.
  /// - Throws: ``PictureError/size(width:height:byteCount:)`` for other sizes,
  ///   ``PictureError/outOfMemory(byteCount:)``.
  package func replaced(by drawn: Picture, where mask: Mask, seam: Int) throws(PictureError)
    -> Picture
  {
    guard drawn.width == width, drawn.height == height, mask.width == width, mask.height == height
    else { throw .size(width: width, height: height, byteCount: drawn.pixels.count) }
    // Each pixel's steps from black, up to `seam`: in how many erosions of the mask it is left.
    var shares = try [UInt8].zeros(width * height)
    var eroded = mask.binarized.pixels
    var scratch = try [UInt8].zeros(width * height)
    let count = min(max(seam, 1), 255)
    for erosion in 0..<count {
      if erosion > 0 { erode(&eroded, &scratch) }
      for index in shares.indices where eroded[index] != 0 { shares[index] += 1 }
    }
    var mixed = try [UInt8].zeros(pixels.count)
    for pixel in shares.indices {
      let share = Int(shares[pixel])
      for index in 3 * pixel..<3 * pixel + 3 {
        let sum = Int(drawn.pixels[index]) * share + Int(pixels[index]) * (count - share)
        mixed[index] = UInt8((sum + count / 2) / count)
      }
    }
    return Picture(known: width, height, mixed)
  }

  /// Takes from white what touches black, corners too; beyond the picture's edge is nothing.
  private func erode(_ mask: inout [UInt8], _ scratch: inout [UInt8]) {
    for start in stride(from: 0, to: mask.count, by: width) {
      for x in start..<start + width {
        let left = x > start ? mask[x - 1] : 255
        let right = x + 1 < start + width ? mask[x + 1] : 255
        scratch[x] = min(left, mask[x], right)
      }
    }
    for index in mask.indices {
      let above = index >= width ? scratch[index - width] : 255
      let below = index + width < mask.count ? scratch[index + width] : 255
      mask[index] = min(above, scratch[index], below)
    }
  }
}
