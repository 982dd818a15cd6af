import LanternPlatform

/// A GGUF file that is split into several: `NAME-00001-of-00003.gguf`, the first of which has the keys, and each some of
/// the tensors. As llama.cpp's `gguf-split` writes them.
struct GGUFSplit {
  /// All parts, in order.
  let paths: [String]
  /// Which of them was opened, from 0.
  let number: Int
  private let tensorCount: Int?

  /// What a header says of the parts; nil of a file that is whole.
  ///
  /// - Throws: ``FormatError/malformedGGUF(file:reason:)`` where the file's name does not tell those of the others.
  init?(_ header: GGUFHeader, path: String) throws(FormatError) {
    guard let count = header.values["split.count"]?.integer, count > 1 else { return nil }
    number = header.values["split.no"]?.integer ?? -1
    tensorCount = header.values["split.tensors.count"]?.integer
    guard (0..<count).contains(number), count <= 99_999 else {
      throw .malformedGGUF(file: path, reason: "it is part \(number + 1) of \(count)")
    }
    let ending = Self.ending(number, of: count)
    guard path.hasSuffix(ending) else {
      throw .unsupportedFileKind(
        path: path,
        remedy:
          "is part \(number + 1) of \(count), whose name ends in \(ending): give it that name, so that "
          + "the others are found")
    }
    let stem = path.dropLast(ending.count)
    paths = (0..<count).map { stem + Self.ending($0, of: count) }
  }

  private static func ending(_ number: Int, of count: Int) -> String {
    func padded(_ number: Int) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }
    return "-\(padded(number + 1))-of-\(padded(count)).gguf"
  }

  /// Checks that a file is the part that its name says.
  func check(_ header: GGUFHeader, is number: Int, at path: String) throws(FormatError) {
    guard header.values["split.count"]?.integer == paths.count,
      header.values["split.no"]?.integer == number
    else {
      throw .malformedGGUF(
        file: path, reason: "it is not part \(number + 1) of \(paths.count), as its name says")
    }
  }

  /// Checks that all parts have as many tensors as the model.
  func check(tensors count: Int) throws(FormatError) {
    guard let tensorCount, tensorCount != count else { return }
    throw .malformedGGUF(
      file: paths[0], reason: "its parts have \(count) tensors, and should have \(tensorCount)")
  }
}
