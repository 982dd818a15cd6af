import Hummingbird

/// The paths that are answered, and by which methods.
struct Endpoints: Sendable {
  private let all: [(path: [Substring], method: String)]

  /// The endpoints of a router.
  init(_ router: Router<Service.Context>) {
    all = router.routes.map { (Self.parts(of: $0.path.description), $0.method.rawValue) }
  }

  /// The methods that a path is answered by, in the order of their names; none for a path that is no endpoint.
  func methods(of path: String) -> [String] {
    let parts = Self.parts(of: path)
    return all.filter { Self.matches($0.path, parts) }.map(\.method).sorted()
  }

  /// The parts of a path between its slashes, as the router has them: without empty ones.
  private static func parts(of path: String) -> [Substring] { path.split(separator: "/") }

  /// Whether a path is of a route, whose parts that begin with a colon stand for any one.
  private static func matches(_ route: [Substring], _ path: [Substring]) -> Bool {
    route.count == path.count
      && zip(route, path).allSatisfy { $0 == $1 || $0.first == ":" || $0.first == "{" }
  }
}
