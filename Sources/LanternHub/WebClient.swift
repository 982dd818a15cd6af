package import AsyncHTTPClient
import LanternFormats
import LanternPlatform
import NIOCore
import NIOHTTP1
import NIOPosix

/// Clients of HTTP: one that reaches servers itself, and those that go through proxies. None follows redirects.
package struct WebClient: Sendable {
  private let direct: HTTPClient
  private let proxied: [HubProxies.Proxy: HTTPClient]
  private let proxies: HubProxies
  /// Seconds without a byte after which a connection counts as cut.
  private let patience: Int

  /// - Parameters:
  ///   - proxies: which addresses are reached through which.
  ///   - patience: seconds without a byte after which a connection counts as cut.
  package init(_ proxies: HubProxies, patience: Int) {
    (self.proxies, self.patience) = (proxies, patience)
    direct = Self.client(patience)
    proxied = Dictionary(
      uniqueKeysWithValues: proxies.all.map { ($0, Self.client(patience, through: $0)) })
  }

  /// The client for an address.
  package func client(for url: HubURL) -> HTTPClient {
    proxies.proxy(for: url).flatMap { proxied[$0] } ?? direct
  }

  /// Through what an address is reached, as a line that says why it is not ends.
  package func way(to url: HubURL) -> String {
    proxies.proxy(for: url).map { " (through the proxy \($0.host):\($0.port))" } ?? ""
  }

  /// Closes all connections; to be called once, when nothing more is asked.
  package func shutDown() async {
    for client in [direct] + proxied.values { try? await client.shutdown() }
  }

  private static func client(_ patience: Int, through proxy: HubProxies.Proxy? = nil) -> HTTPClient
  {
    var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
    configuration.timeout = .init(
      connect: .seconds(Int64(patience)), read: .seconds(Int64(patience)))
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

  /// What went wrong, in words.
  package func reason(_ error: any Error) -> String {
    switch error {
    case let error as HTTPClientError where error == .readTimeout:
      "no byte came for \(patience) s"
    case let error as HTTPClientError where error == .connectTimeout:
      "no connection within \(patience) s"
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
