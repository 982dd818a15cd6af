import LanternPlatform
package import LanternTensor

/// A file that holds tensors under names.
package protocol TensorFile: Sendable {
  /// Path of the file.
  var path: String { get }
  /// Names of the tensors.
  var names: [String] { get }
  /// The texts that came with the tensors.
  var metadata: [String: String] { get }
  /// Bytes the file takes.
  var byteCount: Int { get }

  /// The type, as safetensors spells it, and the shape of a tensor; `nil` where there is none.
  func info(_ name: String) -> (dtype: String, shape: [Int])?

  /// A tensor that shares the file's bytes, or a copy where they are unaligned or decoded; `nil` where
  /// there is none of this name.
  ///
  /// - Throws: ``FormatError/unsupportedElementType(name:type:file:)`` for types that Lantern does
  ///   not compute with, ``FormatError/tensor(_:)`` for want of memory.
  func tensor(_ name: String) throws(FormatError) -> Tensor?

  /// A matrix, or a stack of some, in the blocks that it is stored in, of a format that has a
  /// ``BlockFormat/packedForm``; `nil` for every other tensor.
  ///
  /// - Throws: as ``tensor(_:)``.
  func blocks(_ name: String) throws(FormatError) -> StoredTensor?

  /// A tensor of one number, of any type that the format has; `nil` where there is none of this
  /// name or it holds more.
  ///
  /// - Throws: as ``tensor(_:)``.
  func number(_ name: String) throws(FormatError) -> Double?

  /// Releases the mapped pages that were read; the system reads them again when they are touched.
  func releasePages()
}

extension TensorFile {
  package func blocks(_ name: String) throws(FormatError) -> StoredTensor? { nil }

  package func number(_ name: String) throws(FormatError) -> Double? { try computableNumber(name) }

  /// A tensor of one number of the types that Lantern computes with.
  func computableNumber(_ name: String) throws(FormatError) -> Double? {
    guard let tensor = try tensor(name), tensor.elementCount == 1 else { return nil }
    do {
      let isWhole = tensor.dtype == .int32
      return try isWhole
        ? tensor.integers().first.map(Double.init) : tensor.floats().first.map(Double.init)
    } catch {
      throw .tensor(error)
    }
  }

  /// Whether there is a tensor of this name.
  package func contains(_ name: String) -> Bool { info(name) != nil }
}

/// Opens a file of tensors, safetensors, GGUF or PyTorch's, recognised by content.
///
/// - Throws: ``FormatError`` when it cannot be read, is of another kind, or is not sound.
package func openTensorFile(_ path: String) throws(FormatError) -> any TensorFile {
  let bytes = try FileSystem.beginning(of: path, count: 9)
  // A ZIP archive, or a pickle, which the reader names.
  let isPyTorch = bytes.withUnsafeBytes { bytes in
    !FileKind.isSafetensors(bytes) && (bytes.starts(with: [0x50, 0x4B]) || bytes[0] == 0x80)
  }
  if bytes.withUnsafeBytes(GGUFFile.isGGUF) { return try GGUFFile(path) }
  return isPyTorch ? try TorchFile(path) : try SafetensorsFile(path)
}
