import LanternLayers

/// Checks of the sizes that transformers which draw have in their settings, before anything is allocated.
enum TransformerSizes {
  private static let maximum = 1 << 20

  /// Features between the maps of a feed-forward layer, which are `ratio` times those of a token.
  ///
  /// - Throws: ``ModelError/inconsistent(reason:file:)`` for sizes that cannot be.
  static func inner(_ heads: Int, _ headSize: Int, ratio: Double, file: String) throws(ModelError)
    -> Int
  {
    guard (1...4096).contains(heads), (1...1024).contains(headSize),
      ratio * Double(heads * headSize) >= 1, ratio <= 64
    else {
      throw .inconsistent(
        reason: "there must be 1 to 4096 attention heads of 1 to 1024 features each, and a "
          + "feed-forward layer of up to 64 times as many", file: file)
    }
    return Int(ratio * Double(heads * headSize))
  }

  /// - Throws: ``ModelError/inconsistent(reason:file:)`` for sizes or numbers of layers that cannot be.
  static func check(_ sizes: [Int], layers: [Int], file: String) throws(ModelError) {
    guard sizes.allSatisfy({ (1...maximum).contains($0) }),
      layers.allSatisfy({ (0...1024).contains($0) })
    else {
      throw .inconsistent(
        reason: "features and channels must be 1 to \(maximum), and layers 1024 at most", file: file
      )
    }
  }

  /// - Throws: ``ModelError/inconsistent(reason:file:)`` unless the axes of positions share out a head.
  static func check(axes: [Int], count: Int, theta: Double, of headSize: Int, file: String)
    throws(ModelError)
  {
    guard axes.count == count, axes.allSatisfy({ (0...headSize).contains($0) && $0 % 2 == 0 }),
      axes.reduce(0, +) == headSize, theta > 0
    else {
      throw .inconsistent(
        reason: "the axes of positions must be \(count) even numbers that add up to the "
          + "\(headSize) features of a head, and the base of their angles above 0", file: file)
    }
  }
}
