package import LanternFormats
package import LanternLayers
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

/// How the files of an architecture are recognised and read: all that it is shows in its tensors.
package struct UpscalerRow: Sendable {
  /// The architecture's name.
  package let name: String
  /// The file under the architecture's own names of tensors; nil for a file of another one.
  let renamed: @Sendable (any TensorFile) -> (any TensorFile)?
  /// Makes it of the renamed file, and a cursor at its root.
  let make: @Sendable (any TensorFile, Weights) throws(ModelError) -> any UpscalerNetwork

  /// The network of a file; nil for one of another architecture.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package func network(of file: any TensorFile, _ precision: Precision) throws(ModelError)
    -> (any UpscalerNetwork)?
  {
    guard let renamed = renamed(file) else { return nil }
    return try make(
      renamed, Weights(TensorArchive(files: [renamed]), precision: precision))
  }
}

extension TensorFile {
  /// The size of a tensor along an axis; 0 where it has none.
  func size(_ name: String, _ axis: Int) -> Int {
    guard let shape = info(name)?.shape, shape.indices.contains(axis) else { return 0 }
    return shape[axis]
  }

  /// How many numbers from 0 on stand between `prefix` and `suffix` in the names.
  func count(_ prefix: String, _ suffix: String) -> Int {
    (0...).first { !contains("\(prefix)\($0)\(suffix)") } ?? 0
  }
}
