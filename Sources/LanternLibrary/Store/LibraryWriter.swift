import GRDB
import LanternFormats
import LanternPlatform

/// The one writer of a library, which is locked as long as this lives. Each document is added whole or not at all, so
/// that a process that is killed leaves a sound library, to which adding goes on.
package struct LibraryWriter: ~Copyable {
  package let library: Library
  private let folder: LibraryFolder
  private let isNew: Bool
  private let lock: FolderLock

  /// Opens a library to change it; makes it where it is not there.
  ///
  /// - Parameters:
  ///   - name: the library's.
  ///   - folder: where libraries lie.
  ///   - pageLimit: pages of the file at most, to try what a full disk does; nil for no limit.
  /// - Throws: ``LibraryError/inUse(library:)`` while another writes, and as of ``Library/init(_:in:)``.
  package init(_ name: String, in folder: LibraryFolder, pageLimit: Int? = nil)
    throws(LibraryError)
  {
    try LibraryFolder.check(name)
    do { try FileSystem.makeFolder(folder.folder(of: name)) } catch { throw .format(error) }
    let lock = try folder.lock(name)
    let isNew = !FileSystem.exists(folder.file(of: name))
    let library = try Library(
      name, path: folder.file(of: name), isWriting: true, pageLimit: pageLimit)
    try library.write { db in
      let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
      guard version <= Library.version else {
        throw LibraryError.newerLibrary(path: library.path, version: version)
      }
      if version == 0 { try Self.makeTables(db) }
    }
    self.library = library
    (self.folder, self.isNew) = (folder, isNew)
    self.lock = lock
  }

  /// Removes the library where this made it and nothing is in it.
  func discardIfEmpty() {
    guard isNew, (try? library.counts())?.documents == 0 else { return }
    folder.discard(library.name)
  }

  /// A passage with the same text in several documents is one passage in several locations. Its words, without an order
  /// that anything reads but their counts, are in an index of FTS5 that keeps no text of its own; `ascii` splits them
  /// where they are joined, at spaces, and takes all other scripts as they are.
  private static func makeTables(_ db: Database) throws {
    try db.execute(
      sql: """
        CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE document (
          id INTEGER PRIMARY KEY, source TEXT NOT NULL UNIQUE, title TEXT, language TEXT,
          checksum TEXT NOT NULL UNIQUE);
        CREATE TABLE passage (
          id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, heading TEXT NOT NULL,
          text TEXT NOT NULL, length INTEGER NOT NULL);
        CREATE INDEX passage_length ON passage (length);
        CREATE TABLE location (
          document_id INTEGER NOT NULL REFERENCES document ON DELETE CASCADE,
          position INTEGER NOT NULL, passage_id INTEGER NOT NULL REFERENCES passage,
          heading TEXT NOT NULL, page INTEGER, PRIMARY KEY (document_id, position)) WITHOUT ROWID;
        CREATE INDEX location_passage ON location (passage_id);
        CREATE TABLE vector (
          passage_id INTEGER PRIMARY KEY REFERENCES passage ON DELETE CASCADE, value BLOB NOT NULL);
        CREATE VIRTUAL TABLE passage_words USING fts5(words, content='', tokenize='ascii');
        CREATE VIRTUAL TABLE word_instance USING fts5vocab(passage_words, instance);
        CREATE VIRTUAL TABLE word_row USING fts5vocab(passage_words, row);
        PRAGMA user_version = \(Library.version);
        """)
  }

  // MARK: Documents

  /// A document with its passages.
  package struct NewDocument: Sendable {
    package let source: String
    package let title: String?
    package let language: String?
    package let checksum: String
    package let passages: [Passage]

    package init(
      source: String, title: String? = nil, language: String? = nil, checksum: String,
      passages: [Passage]
    ) {
      (self.source, self.title, self.language) = (source, title, language)
      (self.checksum, self.passages) = (checksum, passages)
    }
  }

  /// The source of the document with these bytes; nil where there is none.
  func source(withChecksum checksum: String) throws(LibraryError) -> String? {
    try library.read { db in
      try String.fetchOne(
        db, sql: "SELECT source FROM document WHERE checksum = ?", arguments: [checksum])
    }
  }

  /// Adds a document, in place of one of the same source.
  ///
  /// - Returns: how many of its passages the library had not.
  /// - Throws: ``LibraryError/cannotWrite(path:reason:)``; the library is then as it was.
  @discardableResult
  package func add(_ document: NewDocument) throws(LibraryError) -> Int {
    try library.write { db in
      let former = try Self.removeDocument(document.source, db)
      try db.execute(
        sql: "INSERT INTO document (source, title, language, checksum) VALUES (?, ?, ?, ?)",
        arguments: [document.source, document.title, document.language, document.checksum])
      let id = db.lastInsertedRowID
      let location = try db.cachedStatement(
        sql: "INSERT INTO location VALUES (?, ?, ?, ?, ?)")
      var added = 0
      for (position, passage) in document.passages.enumerated() {
        let (passageID, isNew) = try Self.add(passage, db)
        added += isNew ? 1 : 0
        try location.execute(arguments: [
          id, position, passageID, passage.heading, passage.page,
        ])
      }
      // Only now: what the document still has keeps its vectors.
      try Self.removePassages(former ?? [], db)
      return added
    }
  }

  private static func add(_ passage: Passage, _ db: Database) throws -> (id: Int64, isNew: Bool) {
    let digest = passage.digest
    let find = try db.cachedStatement(sql: "SELECT id FROM passage WHERE digest = ?")
    if let id = try Int64.fetchOne(find, arguments: [digest]) { return (id, false) }
    let words = passage.words
    try db.cachedStatement(
      sql: "INSERT INTO passage (digest, heading, text, length) VALUES (?, ?, ?, ?)"
    ).execute(arguments: [digest, passage.heading, passage.text, words.count])
    let id = db.lastInsertedRowID
    try db.cachedStatement(sql: "INSERT INTO passage_words (rowid, words) VALUES (?, ?)")
      .execute(arguments: [id, words.joined(separator: " ")])
    return (id, true)
  }

  /// Removes a document, and the passages that no other has.
  ///
  /// - Throws: ``LibraryError/noDocument(source:library:nearest:)``.
  package func remove(_ source: String) throws(LibraryError) {
    let isThere = try library.write { db in
      guard let passages = try Self.removeDocument(source, db) else { return false }
      try Self.removePassages(passages, db)
      return true
    }
    guard isThere else {
      let known = try library.documents().map(\.source)
      throw .noDocument(
        source: source, library: library.name, nearest: Spelling.nearest(to: source, in: known))
    }
  }

  /// Removes a document without its passages, which are returned; nil where it is not there.
  private static func removeDocument(_ source: String, _ db: Database) throws -> [Int64]? {
    let find = "SELECT id FROM document WHERE source = ?"
    guard let id = try Int64.fetchOne(db, sql: find, arguments: [source]) else { return nil }
    let passages = try Int64.fetchAll(
      db, sql: "SELECT DISTINCT passage_id FROM location WHERE document_id = ?", arguments: [id])
    try db.execute(sql: "DELETE FROM document WHERE id = ?", arguments: [id])
    return passages
  }

  /// Removes those of the passages that no document has.
  private static func removePassages(_ passages: [Int64], _ db: Database) throws {
    for passage in passages {
      let row = try Row.fetchOne(
        db,
        sql: """
          SELECT heading, text FROM passage
          WHERE id = ? AND NOT EXISTS (SELECT 1 FROM location WHERE passage_id = passage.id)
          """, arguments: [passage])
      guard let row else { continue }
      // An index without texts must be given what it had of the passage.
      let words = Passage(heading: row["heading"], text: row["text"]).words
      try db.execute(
        sql: "INSERT INTO passage_words (passage_words, rowid, words) VALUES ('delete', ?, ?)",
        arguments: [passage, words.joined(separator: " ")])
      try db.execute(sql: "DELETE FROM passage WHERE id = ?", arguments: [passage])
    }
  }

  // MARK: Vectors

  /// Passages that have no vector yet, with the title of a document that each is from, in the order of their ids.
  func passagesWithoutVector(after id: Int64, limit: Int) throws(LibraryError) -> [(
    id: Int64, title: String?, passage: Passage
  )] {
    try library.read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT id, heading, text, (SELECT title FROM location JOIN document
            ON document.id = document_id WHERE passage_id = passage.id LIMIT 1) AS title
          FROM passage WHERE id > ? AND id NOT IN (SELECT passage_id FROM vector)
          ORDER BY id LIMIT ?
          """, arguments: [id, limit]
      ).map { row in
        (row["id"], row["title"], Passage(heading: row["heading"], text: row["text"]))
      }
    }
  }

  /// Keeps vectors of passages, and the model that made them.
  func keep(_ vectors: [(id: Int64, vector: [Float])], of model: LibraryModel)
    throws(LibraryError)
  {
    try library.write { db in
      try db.execute(
        sql: "INSERT OR REPLACE INTO setting VALUES (?, ?)",
        arguments: [LibraryModel.key, model.text])
      for (id, vector) in vectors { try db.keep(vector, of: id) }
    }
  }
}
