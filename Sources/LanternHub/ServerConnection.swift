import AsyncHTTPClient
import Lantern
package import LanternFormats
import LanternPlatform
import NIOCore
import NIOHTTP1

/// A running server of this program, as `lantern serve` starts it: its calls, and the events that it answers with.
package struct ServerConnection: Sendable {
  /// The server's address, without a slash at its end.
  package let address: String
  private let token: String?
  private let client: WebClient

  /// Seconds that a server may be silent: it loads models, and draws what was there before.
  private static let patience = 3600
  /// The same before it has said that it is there, which it says at once.
  private static let firstPatience: Int64 = 10
  private static let bodyLimit = 256 << 20

  /// Runs `body` with a connection.
  ///
  /// - Parameters:
  ///   - address: the server's, as `http://127.0.0.1:7860`.
  ///   - token: what it wants; nil for nothing.
  ///   - body: what is to be done.
  /// - Returns: what `body` returns.
  /// - Throws: ``HubError/serverAddress(found:)``, and what `body` throws; `CancellationError`.
  package static func with<Result: Sendable>(
    _ address: String, token: String?, _ body: (ServerConnection) async throws -> Result
  ) async throws -> Result {
    var address = address
    while address.hasSuffix("/") { address.removeLast() }
    guard let url = HubURL(address), url.path == "/" else {
      throw HubError.serverAddress(found: address)
    }
    let proxies = try url.isOfThisMachine ? HubProxies { _ in nil } : HubProxies(HubCache.variable)
    let connection = ServerConnection(
      address: address, token: token, client: WebClient(proxies, patience: patience))
    do {
      try await connection.greet()
      let result = try await body(connection)
      await connection.client.shutDown()
      return result
    } catch {
      await connection.client.shutDown()
      if Task.isCancelled { throw CancellationError() }
      throw error
    }
  }

  /// Asks whether a server of this program is there.
  private func greet() async throws {
    let reason = "no server of lantern answers there"
    guard let url = HubURL(address + "/health") else {
      throw HubError.serverAddress(found: address)
    }
    do {
      let response = try await client.client(for: url).execute(
        HTTPClientRequest(url: url.text), deadline: .now() + .seconds(Self.firstPatience))
      let answer = try await response.body.collect(upTo: 1 << 16)
      let status = (try? parsed(Array(answer.readableBytesView), "/health"))?.object?["status"]
      guard response.status == .ok, status?.string == "ok" else {
        throw HubError.noServer(address: address, reason: reason)
      }
    } catch let error as HubError {
      throw error
    } catch {
      if Task.isCancelled { throw CancellationError() }
      if error as? HTTPClientError == .deadlineExceeded {
        throw HubError.noServer(
          address: address, reason: "\(reason) within \(Self.firstPatience) s")
      }
      throw unreachable(error)
    }
  }

  /// The JSON that a call answers with.
  ///
  /// - Parameters:
  ///   - path: of the call, with a slash at its beginning.
  ///   - body: what is sent; a `GET` without.
  /// - Returns: the answer.
  /// - Throws: ``HubError`` for a server that is not there, or that refuses; `CancellationError`.
  package func json(_ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
    let bytes = try await bytes(path, body)
    return try parsed(bytes, path)
  }

  /// The bytes of a file that the server has.
  package func bytes(_ path: String, _ body: JSONValue? = nil) async throws -> [UInt8] {
    let response = try await send(body == nil ? .GET : .POST, path, body)
    return try await collected(response, path)
  }

  /// Cancels a job, and waits for nothing but the server's word.
  package func cancel(job id: String) async {
    _ = try? await send(.POST, "/jobs/\(HubURL.encoded(id))/cancel", nil)
  }

  /// Reads server-sent events whose data are JSON, to the end, or to OpenAI's `[DONE]`.
  ///
  /// - Parameters:
  ///   - path: of the call.
  ///   - body: what is sent; a `GET` without.
  ///   - onEvent: called with the data of each; throw to stop.
  /// - Throws: as ``json(_:_:)``, and what `onEvent` throws.
  package func events(
    _ path: String, _ body: JSONValue? = nil, onEvent: (JSONValue) async throws -> Void
  ) async throws {
    let response = try await send(body == nil ? .GET : .POST, path, body)
    var line: [UInt8] = []
    do {
      for try await part in response.body {
        for byte in part.readableBytesView {
          guard byte == UInt8(ascii: "\n") else {
            line.append(byte)
            continue
          }
          let text = String(decoding: line, as: UTF8.self)
          line = []
          guard text.hasPrefix("data: ") else { continue }
          let data = String(text.dropFirst("data: ".count))
          if data == "[DONE]" { return }
          let event = try parsed(Array(data.utf8), path)
          if event.object?["error"]?.object != nil { throw refusal(event, status: 500) }
          try await onEvent(event)
        }
        guard line.count <= Self.bodyLimit else {
          throw HubError.malformed(url: address + path, reason: "an event without an end")
        }
      }
    } catch {
      throw Self.isOfClient(error) ? unreachable(error) : error
    }
  }

  /// Whether an error is the connection's, and not the reader's.
  private static func isOfClient(_ error: any Error) -> Bool {
    error is HTTPClientError || error is HTTPParserError || error is IOError
      || error is ChannelError
  }

  private func parsed(_ bytes: [UInt8], _ path: String) throws -> JSONValue {
    do {
      return try bytes.withUnsafeBytes { try JSON.parse($0, file: path) }
    } catch {
      throw HubError.malformed(url: address + path, reason: "no JSON")
    }
  }

  private func send(_ method: HTTPMethod, _ path: String, _ body: JSONValue?) async throws
    -> HTTPClientResponse
  {
    var request = HTTPClientRequest(url: address + path)
    request.method = method
    request.headers.add(name: "User-Agent", value: PullEvent.program)
    if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
    if let body {
      request.headers.add(name: "Content-Type", value: "application/json")
      request.body = .bytes(Array(JSON.write(body, keepsOrder: true).utf8))
    }
    let response: HTTPClientResponse
    do {
      guard let url = HubURL(address + path) else {
        throw HubError.serverAddress(found: address + path)
      }
      response = try await client.client(for: url).execute(request, deadline: .distantFuture)
    } catch let error as HubError {
      throw error
    } catch {
      if Task.isCancelled { throw CancellationError() }
      throw unreachable(error)
    }
    guard response.status.code >= 400 else { return response }
    let bytes = (try? await collected(response, path)) ?? []
    let answer = (try? parsed(bytes, path)) ?? .null
    throw refusal(answer, status: Int(response.status.code))
  }

  private func collected(_ response: HTTPClientResponse, _ path: String) async throws -> [UInt8] {
    do {
      let buffer = try await response.body.collect(upTo: Self.bodyLimit)
      return Array(buffer.readableBytesView)
    } catch {
      if Task.isCancelled { throw CancellationError() }
      throw unreachable(error)
    }
  }

  private func unreachable(_ error: any Error) -> HubError {
    .noServer(address: address, reason: client.reason(error))
  }

  /// The error of an answer that is one: of the kind that the server says, or that its status stands for.
  private func refusal(_ answer: JSONValue, status: Int) -> HubError {
    let error = answer.object?["error"]
    let message =
      status == 401
      ? "it wants its token: give it in LANTERN_TOKEN"
      : error?.object?["message"]?.string ?? error?.string ?? "status \(status)"
    let kind =
      error?.object?["kind"]?.string.flatMap(ErrorKind.init)
      ?? {
        switch status {
        case 404: .missing
        case 422: .data
        case 429, 503: .busy
        case 400..<500: .usage
        default: .network
        }
      }()
    return .server(address: address, kind: kind, message: message)
  }
}

extension HubURL {
  /// Whether it is an address of this machine, which is reached through no proxy.
  fileprivate var isOfThisMachine: Bool {
    let hosts = ["127.0.0.1", "localhost", "[::1]"]
    return hosts.flatMap { ["http://\($0)", "https://\($0)"] }
      .contains { origin == $0 || origin.hasPrefix($0 + ":") }
  }
}
