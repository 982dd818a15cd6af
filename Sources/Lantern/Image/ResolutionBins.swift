import LanternPictures
import LanternTensor

/// The sizes that PixArt and SANA were trained on, one for each ratio of height to width (SDXL's, Podell et al. 2023,
/// arXiv:2307.01952, appendix I, scaled): a picture of another size is drawn in the nearest and then resized.
package enum ResolutionBins {
  /// Height and width in sixteenths of the side of a square picture.
  private static let sixteenths = [
    (8, 32), (8, 31), (8, 30), (8, 29), (9, 28), (9, 27), (9, 26), (10, 25), (10, 24), (11, 23),
    (11, 22), (11, 21), (12, 21), (12, 20), (13, 19), (13, 18), (14, 18), (14, 17), (15, 17),
    (15, 16), (16, 16), (16, 15), (17, 15), (17, 14), (18, 14), (18, 13), (19, 13), (20, 12),
    (21, 12), (22, 11), (23, 11), (24, 10), (25, 10), (26, 9), (27, 9), (28, 9), (29, 8), (30, 8),
    (31, 8), (32, 8),
  ]
  /// Widths or heights of very long pictures that models of less than 2048² lack.
  private static let large: Set<[Int]> = [
    [8, 31], [8, 30], [26, 9], [28, 9], [29, 8], [30, 8], [31, 8],
  ]

  /// The size that a picture is drawn in.
  ///
  /// - Parameters:
  ///   - width: of the picture, in pixels.
  ///   - height: likewise.
  ///   - side: of the square pictures that the model was trained on.
  /// - Returns: a size of as near a ratio as there is.
  package static func size(width: Int, height: Int, side: Int) -> (width: Int, height: Int) {
    let ratio = Double(height) / Double(width)
    let bins = sixteenths.filter { side >= 2048 || !large.contains([$0.0, $0.1]) }
    // By ratios of two decimals, as diffusers lists them.
    func distance(_ bin: (Int, Int)) -> Double {
      let listed = (100 * Double(bin.0) / Double(bin.1)).rounded(.toNearestOrEven) / 100
      return abs(listed - ratio)
    }
    let best = bins.min { distance($0) < distance($1) } ?? (16, 16)
    return (best.1 * side / 16, best.0 * side / 16)
  }

  /// A drawn picture, in another size where one is given: enlarged or reduced until it covers that, and its middle cut
  /// out.
  ///
  /// - Parameters:
  ///   - image: `[1, height, width, 3]`, 0…1.
  ///   - mask: whose kept pixels are pasted into it; nil for none.
  ///   - size: in pixels; as it is when nil.
  /// - Returns: the picture.
  /// - Throws: an error of the room where it arose.
  static func picture(
    of image: Tensor, pastingKept mask: MaskedLatent?, in size: ImageRequest.Size?
  ) throws -> Picture {
    guard let mask else { return try Picture(size.map { try fitted(image, $0) } ?? image) }
    let whole = try mask.pastingKept(in: Picture(image))
    return try size.map { try Picture(fitted(whole.tensor, $0)) } ?? whole
  }

  private static func fitted(_ image: Tensor, _ size: ImageRequest.Size) throws -> Tensor {
    let (own, wanted) = ((image.shape[1], image.shape[2]), (size.height, size.width))
    guard own != wanted else { return image }
    let scale = max(
      Double(wanted.0) / Double(own.0), Double(wanted.1) / Double(own.1))
    let high = max(wanted.0, Int(Double(own.0) * scale))
    let wide = max(wanted.1, Int(Double(own.1) * scale))
    let resized = try Interpolation(.bilinear).resized(image, height: high, width: wide)
    let (top, left) = ((high - wanted.0) / 2, (wide - wanted.1) / 2)
    return try resized.sliced(axis: 1, top..<top + wanted.0)
      .sliced(axis: 2, left..<left + wanted.1).contiguous()
  }
}
