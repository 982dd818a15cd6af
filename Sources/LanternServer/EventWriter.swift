import HTTPTypes
import Hummingbird
import LanternFormats
import NIOCore

/// Writes an answer piece by piece.
struct EventWriter {
  private var writer: any ResponseBodyWriter

  /// Server-sent events: a line of data each.
  mutating func send(_ json: JSONValue, event: String? = nil) async throws {
    let name = event.map { "event: \($0)\n" } ?? ""
    let data = JSON.write(json, keepsOrder: true)
    try await writer.write(ByteBuffer(string: "\(name)data: \(data)\n\n"))
  }

  /// An event that its object names too.
  mutating func send(typed object: [String: JSONValue]) async throws {
    try await send(.object(object), event: object["type"]?.string)
  }

  /// A text as the data of an event.
  mutating func send(_ text: String) async throws {
    try await writer.write(ByteBuffer(string: "data: \(text)\n\n"))
  }

  /// JSON by lines.
  mutating func line(_ json: JSONValue) async throws {
    try await writer.write(ByteBuffer(string: JSON.write(json, keepsOrder: true) + "\n"))
  }

  /// How an answer is written.
  enum Form: String {
    case events = "text/event-stream; charset=utf-8"
    case lines = "application/x-ndjson"
  }

  /// An answer that is written piece by piece. What goes wrong on the way is its last piece.
  static func response(
    _ form: Form, errors: ErrorForm,
    _ write: @escaping @Sendable (inout EventWriter) async throws -> Void
  ) -> Response {
    Response(
      status: .ok,
      headers: [.contentType: form.rawValue, .cacheControl: "no-store"],
      body: ResponseBody { writer in
        var events = EventWriter(writer: writer)
        do {
          try await write(&events)
        } catch is CancellationError {
          // Nobody listens any more.
        } catch {
          switch form {
          case .events: try await events.send(errors.body(error))
          case .lines: try await events.line(errors.body(error))
          }
        }
        writer = events.writer
        try await writer.finish(nil)
      })
  }
}
