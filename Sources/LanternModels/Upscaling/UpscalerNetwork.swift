package import LanternTensor

/// A super-resolution network: from a picture to a larger one that shows the same.
package protocol UpscalerNetwork: Sendable {
  /// Pixels a side of the result for one of the picture.
  var scale: Int { get }
  /// Pixels a side that the network looks at as one; tiles begin at multiples of it.
  var unit: Int { get }

  /// The larger picture.
  ///
  /// - Parameter picture: `[batch, height, width, 3]`, 0…1, at least 4 pixels a side.
  /// - Returns: `[batch, height · scale, width · scale, 3]`, about 0…1.
  /// - Throws: ``TensorError`` for a wrong shape, or for want of memory.
  func callAsFunction(_ picture: Tensor) throws(TensorError) -> Tensor
}
