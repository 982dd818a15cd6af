package import LanternTensor

/// An encoder of pictures: from pixels to features.
package protocol ImageEncoder: Sendable {
  /// Pixels a side of the pictures that it takes.
  var imageSize: Int { get }
  /// Features of ``states(of:)``.
  var stateFeatures: Int { get }
  /// Features of ``embedding(of:)``.
  var embeddingFeatures: Int { get }

  /// Colours of 0…1 as it takes them.
  func normalized(_ picture: Tensor) throws(TensorError) -> Tensor

  /// Hidden states before the last layer, `[batch, position, feature]`: transformers' `hidden_states[-2]`.
  ///
  /// - Parameter pixels: `[batch, size, size, 3]`, see ``normalized(_:)``.
  /// - Returns: features.
  /// - Throws: ``TensorError`` for a wrong shape.
  func states(of pixels: Tensor) throws(TensorError) -> Tensor

  /// The projected vector, `[batch, feature]`: transformers' `image_embeds`.
  ///
  /// - Parameter pixels: `[batch, size, size, 3]`, see ``normalized(_:)``.
  /// - Returns: features.
  /// - Throws: ``TensorError`` for a wrong shape.
  func embedding(of pixels: Tensor) throws(TensorError) -> Tensor
}
