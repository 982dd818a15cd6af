import AsyncHTTPClient
import Foundation
import Lantern
import LanternFormats
import LanternPlatform
import LanternServer
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

/// A server of small random models on a free port, and calls of it.
struct RunningServer: Sendable {
  let port: Int

  /// Runs `body` while a server answers.
  static func with(
    _ change: (inout ServerConfiguration) -> Void = { _ in },
    _ body: (RunningServer) async throws -> Void
  ) async throws {
    try await withTemporaryFolder { (folder: String) async throws in
      let writer = folder + "/writer"
      try FileManager.default.copyItem(
        atPath: fixture("language_folders/llama"), toPath: writer)
      try template.write(toFile: writer + "/chat_template.jinja", atomically: true, encoding: .utf8)
      var configuration = ServerConfiguration()
      (configuration.port, configuration.precision) = (0, .exact)
      configuration.models = [
        ("painter", fixture("tiny_pipeline")), ("writer", writer),
        ("encoder", fixture("sentence_folders/bert")),
      ]
      change(&configuration)
      let server = try Server(configuration) { _ in }
      let (ports, listening) = AsyncStream<Int>.makeStream()
      let task = Task {
        defer { listening.finish() }
        try await server.run(stopsBySignals: false) { listening.yield($0) }
      }
      var iterator = ports.makeAsyncIterator()
      let port = try #require(await iterator.next())
      var failure: (any Error)?
      do { try await body(RunningServer(port: port)) } catch { failure = error }
      task.cancel()
      _ = await task.result
      if let failure { throw failure }
    }
  }

  /// Turns of few tokens: the model's context has 64.
  static let template =
    "{% for m in messages %}{{ m.role[0] + m.content + '#' }}{% endfor %}{{ 'a' }}"

  struct Answer {
    let status: Int
    let headers: HTTPHeaders
    let bytes: [UInt8]

    var text: String { String(decoding: bytes, as: UTF8.self) }
    var json: JSONValue {
      get throws { try JSON.parse(text: text, file: "the answer") }
    }

    /// The data of server-sent events, as JSON where they are such.
    var events: [JSONValue] {
      text.split(separator: "\n").filter { $0.hasPrefix("data: ") }
        .compactMap { try? JSON.parse(text: String($0.dropFirst(6)), file: "an event") }
    }

    subscript(_ path: String...) -> JSONValue? {
      path.reduce(try? json) { value, key in
        Int(key).map { index in
          value?.array.flatMap { $0.indices.contains(index) ? $0[index] : nil }
        } ?? value?.object?[key]
      }
    }
  }

  func get(_ path: String, _ headers: [(String, String)] = []) async throws -> Answer {
    try await call(.GET, path, nil, headers)
  }

  func post(_ path: String, _ body: JSONValue, _ headers: [(String, String)] = []) async throws
    -> Answer
  {
    try await call(
      .POST, path, Array(JSON.write(body, keepsOrder: true).utf8),
      [("Content-Type", "application/json")] + headers)
  }

  func call(
    _ method: HTTPMethod, _ path: String, _ body: [UInt8]?, _ headers: [(String, String)] = []
  ) async throws -> Answer {
    var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
    request.method = method
    for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
    if let body { request.body = .bytes(body) }
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(120))
    var bytes: [UInt8] = []
    for try await part in response.body { bytes += part.readableBytesView }
    return Answer(
      status: Int(response.status.code), headers: response.headers, bytes: bytes)
  }
}
