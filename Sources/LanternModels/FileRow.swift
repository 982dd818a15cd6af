package import LanternFormats
package import LanternLayers
package import LanternTensor

/// How the files of an architecture are recognised and read: all that it is shows in its tensors.
package struct FileRow<Model>: Sendable {
  /// The architecture's name.
  package let name: String
  /// The file under the architecture's own names of tensors; nil for a file of another one.
  let renamed: @Sendable (any TensorFile) -> (any TensorFile)?
  /// Makes it of the renamed file, and a cursor at its root.
  let make: @Sendable (any TensorFile, Weights) throws(ModelError) -> Model

  /// The model of a file; nil for one of another architecture.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package func model(of file: any TensorFile, _ precision: Precision) throws(ModelError)
    -> Model?
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
