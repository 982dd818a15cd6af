import Lantern
import LanternFormats
import LanternHub
import LanternPictures

/// A job of a server: from its start until it is over.
enum RemoteJob {
  /// Runs a job. Where the task is cancelled the job is too.
  ///
  /// - Parameters:
  ///   - body: what `POST /jobs` takes.
  ///   - connection: the server's.
  ///   - onEvent: called with what comes of it; throw to cancel it.
  /// - Throws: the job's own error, of its kind; what the closure throws; `CancellationError`.
  static func run(
    _ body: [String: JSONValue], on connection: ServerConnection,
    onEvent: (_ name: String, _ fields: [String: JSONValue]) async throws -> Void
  ) async throws {
    let job = try await connection.json("/jobs", .object(body)).object ?? [:]
    let id = job["id"]?.string ?? ""
    for note in notes(job) { try await onEvent("note", ["message": .string(note)]) }
    var isOver = false
    do {
      try await connection.events("/jobs/\(id)/events") { event in
        let fields = event.object ?? [:]
        let name = fields["event"]?.string ?? ""
        switch name {
        case "error":
          isOver = true
          throw HubError.server(
            address: connection.address,
            kind: fields["kind"]?.string.flatMap(ErrorKind.init) ?? .network,
            message: fields["message"]?.string ?? "")
        case "cancelled", "interrupted":
          isOver = true
          throw HubError.server(
            address: connection.address, kind: .lost, message: "the job was \(name) there")
        case "done": isOver = true
        default: try await onEvent(name, fields)
        }
      }
    } catch {
      if !isOver { await Task.detached { await connection.cancel(job: id) }.value }
      throw error
    }
    guard isOver else {
      if Task.isCancelled {
        await Task.detached { await connection.cancel(job: id) }.value
        throw CancellationError()
      }
      throw HubError.noServer(
        address: connection.address, reason: "it ended before the job was done")
    }
  }

  /// The notes of a job, or of one of its pictures.
  static func notes(_ fields: [String: JSONValue]) -> [String] {
    (fields["notes"]?.array ?? []).compactMap(\.string)
  }

  /// The picture of a job's event, with the texts of its file.
  static func picture(_ fields: [String: JSONValue], on connection: ServerConnection) async throws
    -> Picture
  {
    let path = fields["path"]?.string ?? ""
    let bytes = try await connection.bytes(path)
    var picture = try Picture(bytes, path: connection.address + path)
    picture.metadata = try PictureMetadata(bytes, path: connection.address + path)
    return picture
  }

  /// The preview of a step's event, if it has one.
  static func preview(_ fields: [String: JSONValue]) throws -> Picture? {
    guard let bytes = fields["preview"]?.string.flatMap({ Base64.decode($0.utf8) }) else {
      return nil
    }
    return try Picture(bytes, path: "the preview")
  }
}
