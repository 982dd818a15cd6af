import HTTPTypes
import Hummingbird
import LanternFormats
import NIOCore

/// Stands before all endpoints: who may call, what errors look like, and what is counted.
struct Gatekeeper: RouterMiddleware {
  typealias Context = BasicRequestContext

  let configuration: ServerConfiguration
  let endpoints: Endpoints
  let metrics: Metrics
  let log: @Sendable (String) -> Void

  func handle(
    _ request: Request, context: Context, next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    let start = ContinuousClock.now
    let (path, origin) = (request.uri.path, request.headers[.origin])
    var response: Response
    do {
      try check(request, origin)
      if request.method == .options, origin != nil {
        response = Response(status: .noContent)
        response.headers[.accessControlAllowMethods] = "GET, POST, DELETE"
        response.headers[.accessControlAllowHeaders] = "Authorization, Content-Type"
      } else {
        response = try await next(request, context)
      }
    } catch {
      response = self.response(error, request)
    }
    if let origin, isAllowed(origin, request) {
      response.headers[.accessControlAllowOrigin] = origin
      response.headers[.vary] = "Origin"
    }
    response.headers[.xContentTypeOptions] = "nosniff"
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    metrics.note(request.method.rawValue, response.status.code, seconds: seconds)
    log("\(request.method.rawValue) \(path) \(response.status.code) \(Int(seconds * 1000)) ms")
    return response
  }

  /// - Throws: ``ServerError/foreign(header:value:)``, ``ServerError/unauthorized``.
  private func check(_ request: Request, _ origin: String?) throws(ServerError) {
    // A page elsewhere may have a name that leads to this machine (DNS rebinding).
    let host = request.head.authority ?? ""
    if configuration.isLoopback, !Self.isLocal(host) {
      throw .foreign(header: "Host", value: host)
    }
    if let origin, !isAllowed(origin, request) { throw .foreign(header: "Origin", value: origin) }
    guard let token = configuration.token, request.method != .options,
      !["/", "/health"].contains(request.uri.path)
    else { return }
    let given = request.headers[.authorization] ?? ""
    guard Self.areEqual(given, "Bearer \(token)") else { throw .unauthorized }
  }

  /// Whether a page of an origin may call: one of the server's own pages, or one that was allowed.
  private func isAllowed(_ origin: String, _ request: Request) -> Bool {
    if configuration.origins.contains(where: { $0 == origin || $0 == "*" }) { return true }
    let own = request.head.authority ?? ""
    return origin == "http://\(own)" || origin == "https://\(own)"
  }

  /// Whether a host's name is one that this machine alone has.
  private static func isLocal(_ host: String) -> Bool {
    let name =
      host.hasPrefix("[")
      ? String(host.prefix { $0 != "]" }) + "]" : String(host.prefix { $0 != ":" })
    return ["localhost", "127.0.0.1", "[::1]"].contains(name.lowercased())
  }

  /// Whether two texts are equal, in a time that does not tell where they part.
  private static func areEqual(_ a: String, _ b: String) -> Bool {
    let (a, b) = (Array(a.utf8), Array(b.utf8))
    var difference: UInt8 = a.count == b.count ? 0 : 1
    for index in b.indices { difference |= b[index] ^ (index < a.count ? a[index] : 0) }
    return difference == 0
  }

  private func response(_ error: any Error, _ request: Request) -> Response {
    let (form, method, path) = (
      ErrorForm(path: request.uri.path), request.method.rawValue, request.uri.path
    )
    if let error = error as? HTTPError, error.status == .notFound {
      let allowed = endpoints.methods(of: path)
      return form.response(
        allowed.isEmpty
          ? ServerError.unknownPath("\(method) \(path)")
          : ServerError.method(method, path: path, allowed: allowed))
    }
    // Nobody waits for the answer.
    if error is CancellationError { return Response(status: .init(code: 499)) }
    return form.response(error)
  }
}
