package import LanternTensor

/// A file of tensors under other names: one spelling of a checkpoint read as another.
package struct RenamedTensorFile: TensorFile {
  private let file: any TensorFile
  package let names: [String]
  private let originals: [String: String]

  /// - Parameters:
  ///   - file: the tensors.
  ///   - name: the new name of an old one; nil for a tensor that is left out. Of two with one new name the
  ///     first counts.
  package init(_ file: any TensorFile, _ name: (String) -> String?) {
    self.file = file
    var names: [String] = []
    var originals: [String: String] = [:]
    for original in file.names {
      guard let new = name(original), originals[new] == nil else { continue }
      originals[new] = original
      names.append(new)
    }
    (self.names, self.originals) = (names, originals)
  }

  package var path: String { file.path }
  package var metadata: [String: String] { file.metadata }
  package var byteCount: Int { file.byteCount }

  package func info(_ name: String) -> (dtype: String, shape: [Int])? {
    originals[name].flatMap { file.info($0) }
  }

  package func tensor(_ name: String) throws(FormatError) -> Tensor? {
    guard let original = originals[name] else { return nil }
    return try file.tensor(original)
  }

  package func blocks(_ name: String) throws(FormatError) -> StoredTensor? {
    guard let original = originals[name] else { return nil }
    return try file.blocks(original)
  }

  package func number(_ name: String) throws(FormatError) -> Double? {
    guard let original = originals[name] else { return nil }
    return try file.number(original)
  }

  package func releasePages() { file.releasePages() }
}
