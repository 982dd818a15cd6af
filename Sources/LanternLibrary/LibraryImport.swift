import LanternFormats
import LanternPlatform

/// What happens while documents are added.
package enum LibraryEvent: Sendable, Equatable {
  /// A document was added; `new` of its passages were not in the library.
  case added(source: String, title: String?, passages: Int, new: Int)
  /// A document is in the library as it is.
  case unchanged(source: String)
  /// A document has the same bytes as another.
  case duplicate(source: String, of: String)
  /// A document of a folder cannot be read.
  case skipped(source: String, reason: String)
  /// As many of the passages without vectors have theirs now.
  case vectors(Int, of: Int)
}

/// Adds documents to a library: reads them, cuts them into passages, and makes vectors of these.
package struct LibraryImport: ~Copyable {
  private let writer: LibraryWriter
  private let limits: DocumentLimits
  private let splitter = PassageSplitter()
  private let check: () throws -> Void
  private let onEvent: (LibraryEvent) -> Void

  /// - Parameters:
  ///   - writer: of the library.
  ///   - limits: of documents.
  ///   - check: called between documents and between vectors; throws to stop. What was added stays.
  ///   - onEvent: gets what happens.
  package init(
    _ writer: consuming LibraryWriter, limits: DocumentLimits = DocumentLimits(),
    check: @escaping () throws -> Void = {}, onEvent: @escaping (LibraryEvent) -> Void = { _ in }
  ) {
    (self.limits, self.check, self.onEvent) = (limits, check, onEvent)
    self.writer = writer
  }

  /// Adds a file, or all files of a folder and of those in it that are read.
  ///
  /// - Throws: ``LibraryError`` for a file; of a folder only where the library cannot be written, or nothing is in it.
  package func add(path: String) throws {
    // A source is a whole path, which means the same wherever the program runs.
    let path = Self.absolute(path)
    guard FileSystem.isDirectory(path) else { return try add(file: path) }
    let files = try Self.files(in: path, limit: limits.fileCount)
    guard !files.isEmpty else {
      throw LibraryError.noDocuments(folder: path, known: DocumentKind.knownEndings)
    }
    for file in files {
      do {
        try add(file: file)
      } catch let error as LibraryError where error.kind == .data || error.kind == .missing {
        onEvent(.skipped(source: file, reason: error.description))
      }
    }
  }

  /// Adds what an address gave.
  package func add(page: WebPage) throws {
    let kind =
      page.mediaType.flatMap(DocumentKind.ofMediaType) ?? DocumentKind.named(page.url)
    guard let kind else {
      let type = page.mediaType.map { "\(page.url) (\($0))" } ?? page.url
      throw LibraryError.unsupportedKind(source: type, known: DocumentKind.knownEndings)
    }
    try add(
      DocumentKind.Input(
        bytes: page.bytes, source: page.url, encoding: page.encoding, limits: limits), kind)
  }

  private func add(file: String) throws {
    guard FileSystem.exists(file) else {
      throw LibraryError.format(.missingFile(path: file, remedy: "check the name"))
    }
    guard let kind = DocumentKind.named(file) else {
      throw LibraryError.unsupportedKind(source: file, known: DocumentKind.knownEndings)
    }
    let bytes: [UInt8]
    do { bytes = try FileSystem.read(file, limit: limits.byteCount) } catch {
      throw LibraryError.format(error)
    }
    try add(DocumentKind.Input(bytes: bytes, source: file, limits: limits), kind)
  }

  private func add(_ input: DocumentKind.Input, _ kind: DocumentKind) throws {
    try check()
    let checksum = SHA256.hex(of: input.bytes)
    if let known = try writer.source(withChecksum: checksum) {
      let isSame = known == input.source
      return onEvent(
        isSame ? .unchanged(source: known) : .duplicate(source: input.source, of: known))
    }
    let text = try kind.read(input)
    let passages = splitter.passages(of: text)
    guard !passages.isEmpty else {
      throw LibraryError.noText(source: input.source, remedy: "give another")
    }
    let added = try writer.add(
      LibraryWriter.NewDocument(
        source: input.source, title: text.heading, language: text.language, checksum: checksum,
        passages: passages))
    onEvent(
      .added(source: input.source, title: text.heading, passages: passages.count, new: added))
  }

  /// Passages whose vectors are kept together.
  private static let batch = 64

  /// Makes vectors of all passages that have none.
  ///
  /// - Throws: ``LibraryError/otherModel(library:model:found:)`` where the library has another model's.
  package func addVectors(by encoder: LibraryEncoder) throws {
    try encoder.check(writer.library)
    let counts = try writer.library.counts()
    let missing = counts.passages - counts.vectors
    var (last, done) = (Int64(0), 0)
    while true {
      try check()
      let next = try writer.passagesWithoutVector(after: last, limit: Self.batch)
      guard let end = next.last?.id else { return }
      let vectors = try encoder.vectors(of: next.map { ($0.title, $0.passage) })
      try writer.keep(zip(next, vectors).map { ($0.id, $1) }, of: encoder.model)
      last = end
      done += next.count
      onEvent(.vectors(done, of: max(missing, done)))
    }
  }

  /// Leaves nothing of a library that was made for what failed.
  package func discardIfEmpty() { writer.discardIfEmpty() }

  // MARK: Files

  /// A path from the root, without links, by which the same file is known again.
  package static func absolute(_ path: String) -> String {
    if let found = realpath(path, nil) {
      defer { free(found) }
      return String(cString: found)
    }
    return FileSystem.join(FileSystem.currentFolder ?? "", path)
  }

  /// The files of a folder that are read, those of folders in it too, in their order; hidden ones are left out, and
  /// folders that a link leads to.
  private static func files(in folder: String, limit: Int) throws -> [String] {
    var (files, folders) = ([String](), [folder])
    while let next = folders.popLast() {
      let names: [String]
      do { names = try FileSystem.list(next) } catch { throw LibraryError.format(error) }
      for name in names where !name.hasPrefix(".") {
        let path = FileSystem.join(next, name)
        if FileSystem.isDirectory(path) {
          if absolute(path) == path { folders.append(path) }
        } else if FileSystem.isFile(path), DocumentKind.named(name) != nil {
          files.append(path)
        }
        guard files.count + folders.count <= limit else {
          throw LibraryError.tooLarge(
            source: folder, what: "it has more files than are read", limit: limit)
        }
      }
    }
    return files.sorted()
  }
}
