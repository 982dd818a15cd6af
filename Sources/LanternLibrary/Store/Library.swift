import GRDB
import LanternFormats
import LanternPlatform
import LanternTensor

/// A library of documents in a file of SQLite: their passages, the words by which passages are found, and vectors. One
/// process at a time writes (``LibraryWriter``), any number read.
package struct Library: Sendable {
  /// The layout of the file that this program writes.
  package static let version = 1

  package let name: String
  /// Path of the file.
  package let path: String
  private let pool: DatabasePool

  /// Opens a library to read it.
  ///
  /// - Throws: ``LibraryError/noLibrary(name:folder:nearest:)``, ``LibraryError/damagedLibrary(path:reason:)``,
  ///   ``LibraryError/newerLibrary(path:version:)``.
  package init(_ name: String, in folder: LibraryFolder) throws(LibraryError) {
    try LibraryFolder.check(name)
    guard FileSystem.isFile(folder.file(of: name)) else { throw folder.missing(name) }
    try self.init(name, path: folder.file(of: name), isWriting: false, pageLimit: nil)
    let version = try read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
    guard version <= Self.version else { throw .newerLibrary(path: path, version: version) }
    // As an interrupted first run may leave it.
    guard version > 0 else {
      throw .damagedLibrary(path: path, reason: "it is empty, and has no tables")
    }
  }

  // Pages of the file may be limited, to try what a full disk does.
  init(_ name: String, path: String, isWriting: Bool, pageLimit: Int?) throws(LibraryError) {
    (self.name, self.path) = (name, path)
    var configuration = Configuration()
    configuration.readonly = !isWriting
    configuration.busyMode = .timeout(10)
    configuration.maximumReaderCount = 2
    if let pageLimit {
      configuration.prepareDatabase { try $0.execute(sql: "PRAGMA max_page_count = \(pageLimit)") }
    }
    do {
      pool = try DatabasePool(path: path, configuration: configuration)
    } catch {
      throw LibraryError(error, library: name, path: path, isWriting: isWriting)
    }
  }

  /// Reads what is there at one moment, whatever is written meanwhile.
  func read<Value>(_ body: (Database) throws -> Value) throws(LibraryError) -> Value {
    do { return try pool.read(body) } catch {
      throw LibraryError(error, library: name, path: path, isWriting: false)
    }
  }

  /// Changes all that `body` changes, or nothing.
  func write<Value>(_ body: (Database) throws -> Value) throws(LibraryError) -> Value {
    do { return try pool.write(body) } catch {
      throw LibraryError(error, library: name, path: path, isWriting: true)
    }
  }

  // MARK: What is in it

  /// A document of a library.
  package struct Document: Sendable, Equatable {
    /// Path or address.
    package let source: String
    package let title: String?
    package let language: String?
    /// SHA-256 of the bytes that were read.
    package let checksum: String
    package let passages: Int
  }

  /// The documents, in the order of their sources.
  package func documents() throws(LibraryError) -> [Document] {
    try read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT source, title, language, checksum,
            (SELECT COUNT(*) FROM location WHERE document_id = document.id) AS passages
          FROM document ORDER BY source
          """
      ).map {
        Document(
          source: $0["source"], title: $0["title"], language: $0["language"],
          checksum: $0["checksum"], passages: $0["passages"])
      }
    }
  }

  /// How much there is.
  package struct Counts: Sendable, Equatable {
    package let documents: Int
    package let passages: Int
    package let vectors: Int
  }

  /// How much there is.
  package func counts() throws(LibraryError) -> Counts {
    try read { db in
      func count(_ table: String) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM \(table)") ?? 0
      }
      return try Counts(
        documents: count("document"), passages: count("passage"), vectors: count("vector"))
    }
  }

  /// What the library says of itself; nil where it does not.
  func setting(_ name: String) throws(LibraryError) -> String? {
    try read { db in
      try String.fetchOne(db, sql: "SELECT value FROM setting WHERE name = ?", arguments: [name])
    }
  }

  /// The model of the vectors; nil where there are none.
  package func model() throws(LibraryError) -> LibraryModel? {
    guard let text = try setting(LibraryModel.key) else { return nil }
    guard let model = LibraryModel(text) else {
      throw .damagedLibrary(path: path, reason: "what it says of its model is not sound")
    }
    return model
  }
}

extension LibraryError {
  /// The error that one of SQLite's, or another, stands for.
  init(_ error: any Error, library: String, path: String, isWriting: Bool) {
    if let error = error as? LibraryError {
      self = error
      return
    }
    guard let error = error as? DatabaseError else {
      self = .damagedLibrary(path: path, reason: "\(error)")
      return
    }
    let reason = error.message ?? "\(error.resultCode)"
    self =
      switch error.resultCode {
      case .SQLITE_BUSY, .SQLITE_LOCKED: .inUse(library: library)
      case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_READONLY, .SQLITE_PERM:
        .cannotWrite(path: path, reason: reason)
      case .SQLITE_CANTOPEN where isWriting: .cannotWrite(path: path, reason: reason)
      case .SQLITE_NOMEM: .format(.tensor(.outOfMemory(byteCount: 0)))
      default: .damagedLibrary(path: path, reason: reason)
      }
  }
}
