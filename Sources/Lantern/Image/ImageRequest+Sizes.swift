extension ImageRequest {
  /// A size in pixels.
  public struct Size: Sendable, Equatable {
    /// Pixels from left to right.
    public var width: Int
    /// Pixels from top to bottom.
    public var height: Int

    /// A size in pixels.
    public init(width: Int, height: Int) { (self.width, self.height) = (width, height) }
  }

  /// The upper left corner of a crop, in pixels.
  public struct Corner: Sendable, Equatable {
    /// Pixels cut off on the left.
    public var left: Int
    /// Pixels cut off above.
    public var top: Int

    /// The corner of a crop.
    public init(left: Int, top: Int) { (self.left, self.top) = (left, top) }
  }

  /// The numbers that SDXL is told of a picture: height and width before cropping, top and left of the crop,
  /// height and width after it, or the aesthetic score. Scores, and that with them the negative prompt has no crop, are diffusers'.
  func sizeRow(
    of size: (width: Int, height: Int), withScore takesAestheticScore: Bool, isNegative: Bool
  ) -> [Float] {
    let own = Size(width: size.width, height: size.height)
    let (original, target) = (originalSize ?? own, targetSize ?? own)
    let whole = Corner(left: 0, top: 0)
    let crop = (isNegative && takesAestheticScore ? nil : cropCorner) ?? whole
    let row = [original.height, original.width, crop.top, crop.left]
    guard takesAestheticScore else { return (row + [target.height, target.width]).map(Float.init) }
    return row.map(Float.init) + [isNegative ? 2.5 : 6]
  }
}
