import GRDB
import LanternFormats
import LanternPlatform

// GRDB takes bytes as Foundation's.
#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What a server keeps of its jobs in an SQLite database, so that a restart loses nothing that was finished. One
/// server has a store at a time.
final class ResultStore: Sendable {
  private let database: any DatabaseWriter
  private let path: String
  private let lock: Locked<Held?>
  /// Pictures that are kept.
  private let limit: Int

  /// Opens a store. Jobs that another run of the server left unfinished are interrupted now.
  ///
  /// - Parameters:
  ///   - folder: where it is, and made when it is not there; in memory when nil.
  ///   - limit: pictures that are kept; the oldest jobs are removed beyond that.
  /// - Throws: `FormatError/inUse(path:)` while another server has it; ``ServerError/store(path:reason:)``.
  init(folder: String?, limit: Int) throws {
    self.limit = limit
    guard let folder else {
      lock = Locked(nil)
      path = "memory"
      database = try DatabaseQueue()
      try Self.tables.migrate(database)
      return
    }
    try FileSystem.makeFolder(folder, mode: 0o700)
    lock = Locked(Held(lock: try FolderLock(folder)))
    path = FileSystem.join(folder, "results.sqlite")
    // Prompts are private. What SQLite makes next to a database gets the database's permissions.
    for suffix in ["", "-wal", "-shm"] {
      try FileSystem.makePrivate(path + suffix, creating: suffix.isEmpty)
    }
    do {
      database = try DatabasePool(path: path)
      try Self.tables.migrate(database)
      try database.write {
        try $0.execute(
          sql: "UPDATE job SET phase = 'interrupted' WHERE phase IN ('waiting', 'running')")
      }
    } catch {
      throw ServerError.store(path: path, reason: Self.reason(error))
    }
  }

  /// The lock of the folder, which ends with this object.
  private final class Held: Sendable {
    private let lock: FolderLock

    init(lock: consuming FolderLock) { self.lock = lock }
  }

  /// Closes the store, which another server may open then.
  func close() {
    try? database.close()
    lock { $0 = nil }
  }

  private static var tables: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("jobs") { database in
      try database.execute(
        sql: """
          CREATE TABLE job (
            number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created INTEGER NOT NULL,
            phase TEXT NOT NULL, model TEXT, prompt TEXT NOT NULL, count INTEGER NOT NULL, error TEXT);
          CREATE TABLE picture (
            job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE, number INTEGER NOT NULL,
            seed INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
            recipe TEXT NOT NULL, notes TEXT NOT NULL, png BLOB NOT NULL,
            PRIMARY KEY (job, number));
          """)
    }
    migrator.registerMigration("stories") { database in
      try database.execute(
        sql: """
          ALTER TABLE job ADD COLUMN kind TEXT NOT NULL DEFAULT 'image';
          ALTER TABLE picture ADD COLUMN text TEXT;
          """)
    }
    return migrator
  }

  private static func reason(_ error: any Error) -> String {
    guard let error = error as? DatabaseError else { return "\(error)" }
    return error.message ?? "SQLite's error \(error.resultCode.rawValue)"
  }

  private func write(_ change: @escaping @Sendable (Database) throws -> Void)
    async throws(ServerError)
  {
    do {
      try await database.write(change)
    } catch {
      throw .store(path: path, reason: Self.reason(error))
    }
  }

  private func read<Value: Sendable>(_ read: @escaping @Sendable (Database) throws -> Value)
    async throws(ServerError) -> Value
  {
    do {
      return try await database.read(read)
    } catch {
      throw .store(path: path, reason: Self.reason(error))
    }
  }
}

extension ResultStore {
  /// Takes a new job.
  ///
  /// - Throws: ``ServerError/store(path:reason:)``, as all of these.
  func add(_ job: JobRecord) async throws(ServerError) {
    try await write {
      try $0.execute(
        sql: """
          INSERT INTO job (id, kind, created, phase, model, prompt, count) VALUES (?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          job.id, job.kind, job.created, job.phase.rawValue, job.model, job.prompt,
          job.count,
        ])
    }
  }

  /// Takes a picture of a job; not of one that was removed.
  ///
  /// - Parameters:
  ///   - picture: what is known of it.
  ///   - number: which of the job's it is.
  ///   - png: its file.
  ///   - job: the job's name.
  /// - Throws: ``ServerError/store(path:reason:)``.
  func add(_ picture: JobRecord.Drawn, _ number: Int, png: [UInt8], of job: String)
    async throws(ServerError)
  {
    let limit = limit
    try await write { database in
      try database.execute(
        sql: """
          INSERT INTO picture (job, number, seed, width, height, recipe, notes, png, text)
          SELECT ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM job WHERE id = ?)
          """,
        arguments: [
          job, number, Int64(bitPattern: picture.seed), picture.width, picture.height,
          JSON.write(picture.recipe), JSON.write(.array(picture.notes.map(JSONValue.string))),
          Data(png), picture.text, job,
        ])
      // The job of the picture before the oldest that is kept, and all before it.
      try database.execute(
        sql: """
          DELETE FROM job WHERE id <> ? AND phase NOT IN ('waiting', 'running') AND number <= (
            SELECT job.number FROM job JOIN picture ON picture.job = job.id
            ORDER BY job.number DESC, picture.number DESC LIMIT 1 OFFSET ?)
          """, arguments: [job, limit])
    }
  }

  /// A job is over.
  func end(_ job: String, _ phase: Job.State.Phase, error: JSONValue?)
    async throws(ServerError)
  {
    try await write {
      try $0.execute(
        sql: "UPDATE job SET phase = ?, error = ? WHERE id = ?",
        arguments: [phase.rawValue, error.map { JSON.write($0) }, job])
    }
  }

  /// Forgets a job and its pictures.
  func remove(_ job: String) async throws(ServerError) {
    try await write { try $0.execute(sql: "DELETE FROM job WHERE id = ?", arguments: [job]) }
  }

  /// The job of a name.
  func job(_ id: String) async throws(ServerError) -> JobRecord? {
    try await read { database in
      try Row.fetchOne(database, sql: "SELECT * FROM job WHERE id = ?", arguments: [id])
        .flatMap { try Self.record($0, database) }
    }
  }

  /// Jobs, the newest first.
  ///
  /// - Parameters:
  ///   - text: what their prompts contain.
  ///   - limit: how many at most.
  ///   - first: how many are passed over.
  /// - Returns: the jobs.
  /// - Throws: ``ServerError/store(path:reason:)``.
  func jobs(containing text: String, limit: Int, from first: Int) async throws(ServerError)
    -> [JobRecord]
  {
    try await read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT * FROM job WHERE ? = '' OR instr(lower(prompt), lower(?)) > 0
          ORDER BY number DESC LIMIT ? OFFSET ?
          """, arguments: [text, text, limit, first]
      ).compactMap { try Self.record($0, database) }
    }
  }

  /// The file of a picture.
  func png(_ number: Int, of job: String) async throws(ServerError) -> [UInt8]? {
    try await read { database in
      try Data.fetchOne(
        database, sql: "SELECT png FROM picture WHERE job = ? AND number = ?",
        arguments: [job, number]
      ).map { Array($0) }
    }
  }

  private static func record(_ row: Row, _ database: Database) throws -> JobRecord? {
    let id: String = row["id"]
    let pictures = try Row.fetchAll(
      database,
      sql: """
        SELECT text, seed, width, height, recipe, notes FROM picture WHERE job = ? ORDER BY number
        """, arguments: [id])
    func json(_ text: String) -> JSONValue { (try? JSON.parse(text: text, file: "store")) ?? .null }
    let (phase, kind, error): (String, String, String?) = (row["phase"], row["kind"], row["error"])
    return Job.State.Phase(rawValue: phase).map {
      JobRecord(
        id: id, kind: kind, created: row["created"],
        model: row["model"], prompt: row["prompt"],
        count: row["count"], phase: $0, error: error.map(json),
        pictures: pictures.map {
          JobRecord.Drawn(
            text: $0["text"], seed: UInt64(bitPattern: $0["seed"] as Int64), width: $0["width"],
            height: $0["height"], recipe: json($0["recipe"]),
            notes: json($0["notes"]).array?.compactMap(\.string) ?? [])
        })
    }
  }
}
