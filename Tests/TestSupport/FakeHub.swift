import Foundation
import Lantern
package import LanternFormats
package import LanternHub
import LanternPlatform

/// Repositories behind a ``HubServer`` that speaks the hub's protocol; large files come from a second server,
/// as they do there.
package final class FakeHub: Sendable {
  package static let commit = "0123456789abcdef0123456789abcdef01234567"

  /// A repository's files by their paths.
  package struct Repository: Sendable {
    package var files: [String: [UInt8]]
    package var revision = "main"
    package var extra: [String: JSONValue] = [:]
    /// Names in the list that no file has.
    package var listed: [String] = []

    package init(files: [String: [UInt8]]) { self.files = files }
  }

  package let hub: HubServer
  package let store: HubServer

  /// Starts both servers.
  ///
  /// - Parameters:
  ///   - repository: of the name `me/tiny`.
  ///   - tamper: an answer that goes before the hub's and the store's; nil for theirs.
  /// - Throws: what NIO throws where they cannot start.
  package init(
    _ repository: Repository,
    tamper: @escaping @Sendable (HubServer.Request) -> HubServer.Response? = { _ in nil }
  ) async throws {
    // Before the servers' threads would have to, for each request.
    let etags = Dictionary(
      uniqueKeysWithValues: repository.files.map { ($0, Self.etag($0, $1)) })
    let store = try await HubServer { request in
      tamper(request) ?? Self.content(of: request, repository)
    }
    self.store = store
    let address = store.address
    hub = try await HubServer { request in
      tamper(request) ?? Self.answer(request, repository, etags, store: address)
    }
  }

  package func stop() async throws {
    try await hub.stop()
    try await store.stop()
  }

  /// All requests to either server.
  package var requests: [HubServer.Request] { hub.requests + store.requests }

  /// A hub as a client sees it.
  package func client(_ home: String, _ more: [String: String] = [:]) throws -> Hub {
    Hub(try settings(home, more))
  }

  package func settings(_ home: String, _ more: [String: String] = [:]) throws -> HubSettings {
    // A machine that does much else is slow to answer.
    let variables = [
      "HF_ENDPOINT": hub.address, "HF_HOME": home, "HF_HUB_DOWNLOAD_TIMEOUT": "60",
    ].merging(more) { _, new in new }
    var settings = try HubSettings { variables[$0] }
    settings.pause = 0.01
    settings.longestPause = 2
    return settings
  }

  /// Large files are known by their SHA-256, others by git's SHA-1.
  package static func etag(_ path: String, _ bytes: [UInt8]) -> String {
    isLarge(path)
      ? SHA256.hex(of: bytes) : SHA1.hex(of: Array("blob \(bytes.count)\0".utf8) + bytes)
  }

  package static func isLarge(_ path: String) -> Bool { path.hasSuffix(".safetensors") }

  private static func answer(
    _ request: HubServer.Request, _ repository: Repository, _ etags: [String: String],
    store: String
  ) -> HubServer.Response {
    let parts = request.path.split(separator: "/").compactMap { String($0).removingPercentEncoding }
    func missing(_ code: String) -> HubServer.Response {
      .text(404, code, [("X-Error-Code", code), ("X-Repo-Commit", commit)])
    }
    if parts.first == "api" {
      guard parts.count == 6, parts[2...3] == ["me", "tiny"] else { return missing("RepoNotFound") }
      guard [repository.revision, commit].contains(parts[5]) else {
        return missing("RevisionNotFound")
      }
      let siblings = (repository.files.keys.sorted() + repository.listed).map {
        JSONValue.object(["rfilename": .string($0)])
      }
      let info: [String: JSONValue] = ["sha": .string(commit), "siblings": .array(siblings)]
      return .text(
        200, JSON.write(.object(info.merging(repository.extra) { _, new in new })))
    }
    let path = parts.dropFirst(4).joined(separator: "/")
    guard parts.count > 4, parts[..<2] == ["me", "tiny"], let bytes = repository.files[path],
      let etag = etags[path]
    else {
      return missing("EntryNotFound")
    }
    let facts = [("X-Repo-Commit", commit), ("ETag", "\"\(etag)\"")]
    guard isLarge(path) else {
      return HubServer.Response(headers: facts, body: bytes)
    }
    return HubServer.Response(
      status: 302,
      headers: [
        ("X-Repo-Commit", commit), ("X-Linked-ETag", "\"\(etag)\""),
        ("X-Linked-Size", "\(bytes.count)"), ("Location", "\(store)/\(path)?signature=a%2Fb"),
      ])
  }

  /// Bytes of a large file, or a part of them.
  package static func content(of request: HubServer.Request, _ repository: Repository)
    -> HubServer.Response
  {
    let path = request.path.dropFirst().prefix { $0 != "?" }
    guard let bytes = repository.files[String(path).removingPercentEncoding ?? ""] else {
      return .text(404, "nothing")
    }
    return part(of: bytes, request)
  }

  /// Bytes as `Range` wants them.
  package static func part(of bytes: [UInt8], _ request: HubServer.Request) -> HubServer.Response {
    guard let range = request.header("range"),
      let start = Int(range.dropFirst("bytes=".count).dropLast())
    else { return HubServer.Response(body: bytes) }
    guard start < bytes.count else {
      return .text(416, "", [("Content-Range", "bytes */\(bytes.count)")])
    }
    return HubServer.Response(
      status: 206,
      headers: [("Content-Range", "bytes \(start)-\(bytes.count - 1)/\(bytes.count)")],
      body: Array(bytes[start...]))
  }
}

/// Runs `body` with a hub and an empty home, and stops the hub.
package func withHub(
  _ repository: FakeHub.Repository,
  tamper: @escaping @Sendable (HubServer.Request) -> HubServer.Response? = { _ in nil },
  _ body: (FakeHub, _ home: String) async throws -> Void
) async throws {
  let hub = try await FakeHub(repository, tamper: tamper)
  do {
    try await withTemporaryFolder { try await body(hub, $0) }
  } catch {
    try? await hub.stop()
    throw error
  }
  // A body may have stopped it.
  try? await hub.stop()
}

/// Bytes that are the same each time.
package func bytes(_ count: Int, seed: Int = 1) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 31 &+ seed) ^ ($0 >> 7)) }
}

/// Each file and link below a folder: a link's target, otherwise the bytes as text; none of folders.
package func entries(of root: String) throws -> [String: String] {
  var found: [String: String] = [:]
  for name in try FileManager.default.subpathsOfDirectory(atPath: root) {
    let path = "\(root)/\(name)"
    if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) {
      found[name] = "-> \(target)"
    } else if !FileSystem.isDirectory(path) {
      found[name] = String(
        decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }
  }
  return found
}
