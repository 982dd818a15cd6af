import LanternFormats
import Lantern
import LanternPlatform

/// Tools for chat programs by the Model Context Protocol: JSON-RPC by lines, in the revision of 2026-07-28 and in those
/// before it, which begin with `initialize`.
package final class MCPServer: Sendable {
  /// The revision in which each request says its own.
  private static let revision = "2026-07-28"
  /// Those that begin with a handshake, the newest last.
  private static let older = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
  private static let versionKey = "io.modelcontextprotocol/protocolVersion"
  private static let serverKey = "io.modelcontextprotocol/serverInfo"

  private let tools: MCPTools
  private let write: @Sendable (String) -> Void
  /// Calls that run, by their requests' ids as JSON.
  private let calls = Locked<[String: Task<Void, Never>]>([:])

  /// - Parameters:
  ///   - configuration: the models, and how they compute; nothing listens.
  ///   - log: takes lines for people.
  ///   - write: takes a message, a line without its end.
  /// - Throws: `FormatError` for models that are not there.
  package init(
    _ configuration: ServerConfiguration, log: @escaping @Sendable (String) -> Void,
    write: @escaping @Sendable (String) -> Void
  ) throws {
    tools = MCPTools(shelf: try ModelShelf(configuration, log: log))
    self.write = write
  }

  /// Takes a line that a client sent.
  package func receive(_ line: String) {
    guard let message = try? JSON.parse(text: line, file: "the message") else {
      return fail(.null, -32700, "the line is no JSON")
    }
    guard let object = message.object, let method = object["method"]?.string else {
      // Answers to requests that were never made are of no concern.
      if message.object?["result"] == nil, message.object?["error"] == nil {
        fail(message.object?["id"] ?? .null, -32600, "the line is no request")
      }
      return
    }
    let parameters = object["params"]?.object ?? [:]
    guard let id = object["id"], id != .null else {
      if method == "notifications/cancelled", let request = parameters["requestId"] {
        calls { $0[JSON.write(request)] }?.cancel()
      }
      return
    }
    answer(id, method, parameters)
  }

  /// Waits until all calls have been answered.
  package func finish() async {
    while let task = calls({ $0.first?.value }) { await task.value }
  }

  private func answer(_ id: JSONValue, _ method: String, _ parameters: [String: JSONValue]) {
    let meta = parameters["_meta"]?.object ?? [:]
    let version = meta[Self.versionKey]?.string
    if let version, version != Self.revision {
      return fail(
        id, -32022, "revision \(version) is not supported",
        data: .object([
          "supported": .array([.string(Self.revision)]), "requested": .string(version),
        ]))
    }
    let isStateless = version != nil
    switch method {
    case "initialize":
      let wanted = parameters["protocolVersion"]?.string ?? ""
      let known = Self.older.contains(wanted) ? wanted : Self.older.last ?? ""
      reply(
        id,
        [
          "protocolVersion": .string(known), "capabilities": Self.capabilities,
          "serverInfo": Self.server, "instructions": Self.instructions,
        ], isStateless: false)
    case "server/discover":
      reply(
        id,
        [
          "supportedVersions": .array([.string(Self.revision)]),
          "capabilities": Self.capabilities, "instructions": Self.instructions,
          "ttlMs": 3_600_000, "cacheScope": "private",
        ], isStateless: true)
    case "ping": reply(id, [:], isStateless: isStateless)
    case "tools/list":
      var result: [String: JSONValue] = ["tools": .array(MCPTools.all.map(\.json))]
      if isStateless { (result["ttlMs"], result["cacheScope"]) = (3_600_000, "private") }
      reply(id, result, isStateless: isStateless)
    case "tools/call":
      call(id, parameters, progress: meta["progressToken"], isStateless: isStateless)
    default: fail(id, -32601, "there is no method \(method)")
    }
  }

  private static let capabilities: JSONValue = .object(["tools": .object(["listChanged": false])])
  private static let server: JSONValue = .object([
    "name": "lantern", "title": "Lantern", "version": .string(LanternVersion.number),
  ])
  private static let instructions: JSONValue =
    "Draws pictures, tells stories with pictures and describes pictures, on this machine. The shipped models know small scenes of animals, things and places; name one thing or two, their colours and the place."

  /// Runs a tool and answers when it is done.
  private func call(
    _ id: JSONValue, _ parameters: [String: JSONValue], progress token: JSONValue?,
    isStateless: Bool
  ) {
    guard let tool = MCPTools.all.first(where: { $0.name == parameters["name"]?.string }) else {
      let name = parameters["name"]?.string ?? ""
      return fail(id, -32602, "there is no tool \(JSON.quoted(name))")
    }
    let key = JSON.write(id)
    calls { calls in
      calls[key] = Task {
        defer { self.calls { $0[key] = nil } }
        do {
          let content = try await tools.run(tool, parameters["arguments"] ?? .object([:])) {
            self.progress(token, $0, of: $1)
          }
          reply(id, ["content": .array(content), "isError": false], isStateless: isStateless)
        } catch is CancellationError {
          // Who cancels a call wants no answer.
        } catch {
          // The model that called reads it, and may call again.
          let text = MCPTools.text("\(error)")
          reply(id, ["content": .array([text]), "isError": true], isStateless: isStateless)
        }
      }
    }
  }

  private func progress(_ token: JSONValue?, _ step: Int, of count: Int) {
    guard let token else { return }
    send([
      "method": "notifications/progress",
      "params": .object([
        "progressToken": token, "progress": .integer(step), "total": .integer(count),
      ]),
    ])
  }

  private func reply(_ id: JSONValue, _ result: [String: JSONValue], isStateless: Bool) {
    var result = result
    if isStateless {
      result["resultType"] = "complete"
      result["_meta"] = .object([Self.serverKey: Self.server])
    }
    send(["id": id, "result": .object(result)])
  }

  private func fail(_ id: JSONValue, _ code: Int, _ message: String, data: JSONValue? = nil) {
    var error: [String: JSONValue] = ["code": .integer(code), "message": .string(message)]
    error["data"] = data
    send(["id": id, "error": .object(error)])
  }

  private func send(_ message: [String: JSONValue]) {
    var message = message
    message["jsonrpc"] = "2.0"
    write(JSON.write(.object(message)))
  }
}
