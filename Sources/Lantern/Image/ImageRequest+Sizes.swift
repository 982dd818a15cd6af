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
}
