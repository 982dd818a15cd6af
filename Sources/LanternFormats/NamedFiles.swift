import LanternPlatform

/// The files of a folder, and of those within it, that prompts call by name, as LoRAs and embeddings.
package struct NamedFiles: Sendable {
  /// Path of the folder.
  package let folder: String
  /// Paths from the folder, sorted.
  private let paths: [String]
  private let endings: [String]

  private static let depthLimit = 8
  private static let countLimit = 100_000

  /// Lists a folder. Names that begin with a dot are passed over.
  ///
  /// - Parameters:
  ///   - folder: its path.
  ///   - endings: of the files, without the dot, the preferred ones first.
  ///   - markers: names of files whose folder counts as a file.
  /// - Throws: ``FormatError`` when it cannot be listed, or holds too much.
  package init(
    folder: String, endings: [String], markers: Set<String> = []
  ) throws(FormatError) {
    self.folder = folder
    self.endings = endings
    var paths: [String] = []
    var open = [(path: "", depth: 0)]
    var count = 0
    while let (path, depth) = open.popLast() {
      let whole = path.isEmpty ? folder : FileSystem.join(folder, path)
      // A folder within that cannot be read is none of these.
      let names = depth == 0 ? try FileSystem.list(whole) : (try? FileSystem.list(whole)) ?? []
      if !path.isEmpty, names.contains(where: markers.contains) {
        paths.append(path)
        continue
      }
      count += names.count
      guard count <= Self.countLimit else {
        throw .unsupportedFileKind(
          path: folder, remedy: "holds more than \(Self.countLimit) files: name one within it")
      }
      for name in names where !name.hasPrefix(".") {
        let inner = path.isEmpty ? name : FileSystem.join(path, name)
        if endings.contains(where: { name.lowercased().hasSuffix(".\($0)") }) {
          paths.append(inner)
        } else if depth < Self.depthLimit, FileSystem.isDirectory(FileSystem.join(folder, inner)) {
          open.append((inner, depth + 1))
        }
      }
    }
    self.paths = paths.sorted()
  }

  /// Names of the files, without folders and endings.
  package var names: [String] { Set(paths.map { stem(FileSystem.split($0).name) }).sorted() }

  /// The path of a file.
  ///
  /// - Parameters:
  ///   - name: its name, with or without its ending and the folders above it; letters in another case count
  ///     where no name has the same.
  ///   - kind: what it is, for the error.
  /// - Returns: the path, from where the folder's is.
  /// - Throws: ``FormatError/missingFile(path:remedy:)`` when there is none, with the nearest name, or
  ///   several.
  package func path(of name: String, kind: String) throws(FormatError) -> String {
    // Recipes of other programs say no ending, or not the right one.
    let found =
      matches(name) { $0 }.nonEmpty ?? matches(name.lowercased()) { $0.lowercased() }.nonEmpty
      ?? matches(stem(name.lowercased())) { $0.lowercased() }
    // The same name with several endings is one file in several formats.
    let best =
      endings.lazy.compactMap { ending in
        found.filter { $0.lowercased().hasSuffix(".\(ending)") }.nonEmpty
      }.first ?? found
    if best.count == 1 { return FileSystem.join(folder, best[0]) }
    let wanted = FileSystem.join(folder, name)
    if best.count > 1 {
      throw .missingFile(
        path: wanted,
        remedy: "there are \(best.prefix(4).joined(separator: ", ")): name it with its folder")
    }
    let names = names
    let near = Spelling.nearest(to: name.lowercased(), in: names.map { $0.lowercased() })
    let nearest = names.first { $0.lowercased() == near }
    throw .missingFile(
      path: wanted,
      remedy: names.isEmpty
        ? "the folder holds no \(kind)"
        : nearest.map { "did you mean \(JSON.quoted($0))?" }
          ?? "the folder has \(names.prefix(8).joined(separator: ", "))"
          + (names.count > 8 ? " and \(names.count - 8) more" : ""))
  }

  /// The name by which one of the files is found again: with the folders above it where others are called so
  /// too.
  ///
  /// - Parameter path: of ``path(of:kind:)``.
  /// - Returns: the name, with its ending.
  package func name(of path: String) -> String {
    let own = FileSystem.split(path).name
    let others = paths.filter { stem(FileSystem.split($0).name) == stem(own) }
    return others.count == 1
      ? own : others.first { FileSystem.join(folder, $0) == path } ?? own
  }

  private func matches(_ name: String, _ folded: (String) -> String) -> [String] {
    // With its ending a file at the top goes before those of its name within folders.
    paths.filter { folded($0) == name }.nonEmpty
      ?? paths.filter { path in
        let path = folded(path)
        let file = FileSystem.split(path).name
        return [stem(path), file, stem(file)].contains(name)
      }
  }

  /// A path without the ending, where it has one of ``endings``.
  private func stem(_ path: String) -> String {
    guard let ending = endings.first(where: { path.lowercased().hasSuffix(".\($0)") }) else {
      return path
    }
    return String(path.dropLast(ending.count + 1))
  }
}

extension Array {
  /// Nil for an array without elements.
  fileprivate var nonEmpty: [Element]? { isEmpty ? nil : self }
}
