import GRDB
import GRDBSQLite
import LanternFormats

// A vector is f32 numbers as they lie in memory, little-endian. GRDB's own type for bytes is Foundation's, so
// these two calls are SQLite's.
extension Database {
  /// Keeps the vector of a passage.
  func keep(_ vector: [Float], of passage: Int64) throws {
    let statement = try cachedStatement(sql: "INSERT OR REPLACE INTO vector VALUES (?, ?)")
    let handle = statement.sqliteStatement
    sqlite3_reset(handle)
    sqlite3_bind_int64(handle, 1, passage)
    let code = vector.withUnsafeBytes { bytes in
      // Without a destructor the bytes must stay until the statement has run.
      sqlite3_bind_blob(handle, 2, bytes.baseAddress, Int32(bytes.count), nil)
      return sqlite3_step(handle)
    }
    sqlite3_reset(handle)
    sqlite3_clear_bindings(handle)
    guard code == SQLITE_DONE else {
      throw DatabaseError(
        resultCode: ResultCode(rawValue: code), message: lastErrorMessage)
    }
  }

  /// All vectors of a number of features, one after the other, and whose they are; the others are left out.
  func vectors(features: Int) throws -> (ids: [Int64], values: [Float]) {
    let count = try Int.fetchOne(self, sql: "SELECT COUNT(*) FROM vector") ?? 0
    var ids: [Int64] = []
    var values: [Float] = []
    ids.reserveCapacity(count)
    values.reserveCapacity(count * features)
    let statement = try makeStatement(
      sql: "SELECT passage_id, value FROM vector ORDER BY passage_id")
    let handle = statement.sqliteStatement
    while true {
      let code = sqlite3_step(handle)
      if code == SQLITE_DONE { break }
      guard code == SQLITE_ROW else {
        throw DatabaseError(resultCode: ResultCode(rawValue: code), message: lastErrorMessage)
      }
      let size = Int(sqlite3_column_bytes(handle, 1))
      guard size == 4 * features, let bytes = sqlite3_column_blob(handle, 1) else { continue }
      ids.append(sqlite3_column_int64(handle, 0))
      let row = UnsafeRawBufferPointer(start: bytes, count: size)
      for index in 0..<features {
        values.append(row.loadUnaligned(fromByteOffset: 4 * index, as: Float.self))
      }
    }
    return (ids, values)
  }
}
