import AsyncHTTPClient
import Lantern
import LanternFormats
import LanternPlatform
import NIOCore
import NIOHTTP1

/// Talks to a hub: follows redirects, waits when it wants that, and makes errors of its refusals.
struct HubConnection: Sendable {
  /// An answer whose body has not been read.
  struct Answer {
    let status: Int
    let headers: HTTPHeaders
    let body: HTTPClientResponse.Body
    let url: HubURL

    /// A header's only or first value.
    func header(_ name: String) -> String? { headers.first(name: name) }
  }

  let settings: HubSettings
  private let client: WebClient
  private let onEvent: @Sendable (PullEvent) -> Void

  private static let redirectLimit = 10
  /// Status codes of servers that fail for now.
  private static let busyCodes: Set<Int> = [408, 429, 500, 502, 503, 504]
  private static let bodyLimit = 64 << 20

  /// Runs `body` with a connection.
  static func with<Result: Sendable>(
    _ settings: HubSettings, _ onEvent: @escaping @Sendable (PullEvent) -> Void,
    _ body: (HubConnection) async throws -> Result
  ) async throws -> Result {
    let connection = HubConnection(
      settings: settings, client: WebClient(settings.proxies, patience: settings.patience),
      onEvent: onEvent)
    do {
      let result = try await body(connection)
      await connection.client.shutDown()
      return result
    } catch {
      await connection.client.shutDown()
      if Task.isCancelled { throw CancellationError() }
      throw error
    }
  }

  /// Sends a request.
  ///
  /// - Parameters:
  ///   - method: `GET` or `HEAD`.
  ///   - url: where.
  ///   - headers: in addition to the usual ones.
  ///   - leavesSite: whether redirects to other sites are followed; their answer is returned otherwise.
  /// - Returns: the answer, whatever its status.
  /// - Throws: ``HubError`` or `CancellationError`.
  func send(
    _ method: HTTPMethod, _ url: HubURL, _ headers: [(String, String)] = [], leavesSite: Bool
  ) async throws -> Answer {
    var url = url
    for _ in 0..<Self.redirectLimit {
      let answer = try await patiently(method, url, headers)
      guard [301, 302, 303, 307, 308].contains(answer.status),
        let location = answer.header("location")
      else { return answer }
      guard let next = url.resolved(location) else {
        throw HubError.malformed(url: url.text, reason: "a redirect to no address")
      }
      if next.origin != url.origin, !leavesSite { return answer }
      guard next.isSecure || !url.isSecure else {
        throw HubError.redirect(
          url: url.text, reason: "leads from an encrypted connection to a plain one, \(next.origin)"
        )
      }
      url = next
    }
    throw HubError.redirect(
      url: url.text, reason: "leads on after \(Self.redirectLimit) redirects")
  }

  /// The JSON at an address of the hub.
  func json(_ url: HubURL, of reference: RemoteModel.Name) async throws -> JSONValue {
    let answer = try await send(.GET, url, leavesSite: false)
    guard answer.status == 200 else { throw refusal(answer, of: reference, path: nil) }
    let buffer: ByteBuffer
    do {
      buffer = try await answer.body.collect(upTo: Self.bodyLimit)
    } catch {
      throw HubError.unreachable(url: url.text, reason: reason(error))
    }
    do {
      return try buffer.withUnsafeReadableBytes { try JSON.parse($0, file: url.text) }
    } catch {
      throw HubError.malformed(url: url.text, reason: "no JSON")
    }
  }

  /// The same on one site, again when the server is busy.
  private func patiently(
    _ method: HTTPMethod, _ url: HubURL, _ headers: [(String, String)]
  ) async throws -> Answer {
    for attempt in 1... {
      let answer = try await once(method, url, headers)
      guard Self.busyCodes.contains(answer.status) else { return answer }
      let wanted = Self.wait(answer.headers)
      guard attempt < HubSettings.attempts, (wanted ?? 0) <= settings.longestPause else {
        throw HubError.busy(url: url.text, status: answer.status, seconds: wanted)
      }
      try await pause(
        before: attempt, atLeast: wanted, "the server is busy (status \(answer.status))")
    }
    throw HubError.unreachable(url: url.text, reason: "no answer")
  }

  private func once(
    _ method: HTTPMethod, _ url: HubURL, _ headers: [(String, String)]
  ) async throws -> Answer {
    try Task.checkCancellation()
    var request = HTTPClientRequest(url: url.text)
    request.method = method
    request.headers = HTTPHeaders(headers)
    request.headers.add(name: "User-Agent", value: PullEvent.program)
    request.headers.add(name: "Accept-Encoding", value: "identity")
    if let token = settings.token, url.origin == HubURL(settings.endpoint)?.origin {
      request.headers.add(name: "Authorization", value: "Bearer \(token)")
    }
    do {
      let response = try await client.client(for: url).execute(request, deadline: .distantFuture)
      return Answer(
        status: Int(response.status.code), headers: response.headers, body: response.body, url: url)
    } catch {
      if Task.isCancelled { throw CancellationError() }
      throw HubError.unreachable(url: url.text, reason: reason(error) + client.way(to: url))
    }
  }

  /// Waits before another attempt.
  ///
  /// - Parameters:
  ///   - attempt: how many there were.
  ///   - seconds: how long the server wants at least.
  ///   - reason: why, for people.
  /// - Throws: `CancellationError`.
  func pause(before attempt: Int, atLeast seconds: Int? = nil, _ reason: String) async throws {
    let usual = settings.pause * Double(1 << min(attempt - 1, 6))
    let length = max(usual, Double(seconds ?? 0))
    onEvent(.waiting(seconds: length, reason: reason))
    try await Task.sleep(nanoseconds: UInt64(length * 1e9))
  }

  /// The seconds that a busy server wants: `Retry-After`, or `t` of the IETF's `RateLimit`.
  private static func wait(_ headers: HTTPHeaders) -> Int? {
    if let text = headers.first(name: "retry-after") { return Int(text).map { max($0, 0) } }
    let limits = headers.first(name: "ratelimit")?.split(separator: ";").map(\.trimmedText)
    return limits?.first { $0.hasPrefix("t=") }.flatMap { Int($0.dropFirst(2)) }.map { max($0, 0) }
  }

  /// The error of an answer that is none.
  func refusal(_ answer: Answer, of model: RemoteModel.Name, path: String?) -> HubError {
    let hasToken = settings.token != nil
    switch (answer.status, answer.header("x-error-code")) {
    case (401, "GatedRepo"), (403, "GatedRepo"):
      return .gated(
        repository: model.repository, page: "\(settings.endpoint)/\(model.repository)",
        hasToken: hasToken)
    case (404, "RevisionNotFound"):
      return .noRevision(revision: model.revision, repository: model.repository)
    case (404, "EntryNotFound"):
      return .noFile(path: path ?? "", repository: model.repository, nearest: nil)
    case (_, "RepoNotFound"), (401, _), (403, _), (404, _):
      return .noRepository(
        repository: model.repository, endpoint: settings.endpoint, hasToken: hasToken)
    default: return .status(url: answer.url.text, status: answer.status)
    }
  }

  /// What went wrong, in words.
  func reason(_ error: any Error) -> String { client.reason(error) }
}

extension Substring {
  fileprivate var trimmedText: String { String(self).trimmed }
}
