import AsyncHTTPClient
import Lantern
import LanternFormats
import LanternPlatform
import NIOCore
import NIOHTTP1
import NIOPosix

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
  /// The client without a proxy.
  private let direct: HTTPClient
  /// Those through proxies.
  private let proxied: [HubProxies.Proxy: HTTPClient]
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
      settings: settings, direct: client(settings),
      proxied: Dictionary(
        uniqueKeysWithValues: settings.proxies.all.map { ($0, client(settings, through: $0)) }),
      onEvent: onEvent)
    do {
      let result = try await body(connection)
      await connection.shutDown()
      return result
    } catch {
      await connection.shutDown()
      if Task.isCancelled { throw CancellationError() }
      throw error
    }
  }

  private static func client(
    _ settings: HubSettings, through proxy: HubProxies.Proxy? = nil
  ) -> HTTPClient {
    var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
    configuration.timeout = .init(
      connect: .seconds(Int64(settings.patience)), read: .seconds(Int64(settings.patience)))
    configuration.connectionPool.retryConnectionEstablishment = false
    // One file at a time has nothing to share a connection with.
    configuration.httpVersion = .http1Only
    configuration.proxy = proxy.map { proxy in
      .server(
        host: proxy.host, port: proxy.port,
        authorization: proxy.user.map { .basic(username: $0, password: proxy.password) })
    }
    return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }

  private func shutDown() async {
    for client in [direct] + proxied.values { try? await client.shutdown() }
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
    let proxy = settings.proxies.proxy(for: url)
    do {
      let client = proxy.flatMap { proxied[$0] } ?? direct
      let response = try await client.execute(request, deadline: .distantFuture)
      return Answer(
        status: Int(response.status.code), headers: response.headers, body: response.body, url: url)
    } catch {
      if Task.isCancelled { throw CancellationError() }
      let way = proxy.map { " (through the proxy \($0.host):\($0.port))" } ?? ""
      throw HubError.unreachable(url: url.text, reason: reason(error) + way)
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
  func reason(_ error: any Error) -> String {
    switch error {
    case let error as HTTPClientError where error == .readTimeout:
      "no byte came for \(settings.patience) s"
    case let error as HTTPClientError where error == .connectTimeout:
      "no connection within \(settings.patience) s"
    case let error as HTTPClientError where error == .remoteConnectionClosed:
      "the connection was cut"
    case let error as HTTPClientError where error == .proxyAuthenticationRequired:
      "the proxy wants a name and a password, which stand in its address: http://NAME:PASSWORD@HOST:PORT"
    case let error as HTTPClientError where error == .invalidProxyResponse:
      "the proxy does not connect to it"
    case let error as HTTPClientError where error == .httpProxyHandshakeTimeout:
      "the proxy does not answer"
    case let error as IOError: FileSystem.reason(error.errnoCode)
    case let error as NIOConnectionError:
      if let inner = error.connectionErrors.first?.error {
        reason(inner)
      } else {
        "the name of the server is not known"
      }
    case is HTTPParserError: "the connection was cut, or what came is not HTTP"
    default: "\(error)"
    }
  }
}

extension Substring {
  fileprivate var trimmedText: String { String(self).trimmed }
}
