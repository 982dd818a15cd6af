import ArgumentParser
import LanternFormats
import LanternHub
import LanternPlatform

/// A running server that does the work in place of this program.
struct RemoteOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A running server (lantern serve) that does the work, as http://127.0.0.1:7860; --model is the name that a "
        + "model has there. (default: none)", valueName: "address"))
  var server: String?

  @Option(
    help: ArgumentHelp(
      "What the server wants as its token. (default: LANTERN_TOKEN of the environment)",
      valueName: "token"))
  var serverToken: String?

  mutating func validate() throws {
    if serverToken != nil, server == nil {
      throw ValidationError("--server-token is for a server: give --server too")
    }
  }

  /// Refuses what a server cannot be given.
  ///
  /// - Parameter options: options by their names, and whether they were given.
  /// - Throws: `ValidationError` for the first that was.
  func refuse(_ options: [(name: String, isGiven: Bool)]) throws {
    if server != nil, let option = options.first(where: \.isGiven) {
      throw ValidationError(
        "\(option.name) is not sent to a server: leave it out, or leave out --server")
    }
  }

  /// Runs `body` with a connection to the server, and takes what it yields on this thread; Ctrl-C
  /// cancels it.
  ///
  /// - Parameters:
  ///   - address: the server's.
  ///   - body: what is to be done there, which yields events.
  ///   - onEvent: called with each event; throw to cancel the work.
  /// - Returns: what `body` returns.
  /// - Throws: what `body` or the closure throws, or `Interruption.Stopped`.
  func run<Event: Sendable, Result: Sendable>(
    _ address: String,
    _ body:
      @escaping @Sendable (ServerConnection, @escaping @Sendable (Event) -> Void) async throws
      -> Result,
    onEvent: (Event) throws -> Void
  ) throws -> Result {
    let token = token
    return try Waiting.run(
      { yield in
        try await ServerConnection.with(address, token: token) { try await body($0, yield) }
      },
      onEvent: onEvent)
  }

  private var token: String? {
    serverToken ?? getenv("LANTERN_TOKEN").map { String(cString: $0) }
  }

  /// Runs `body` with a connection to the server; Ctrl-C cancels it.
  ///
  /// - Parameters:
  ///   - address: the server's.
  ///   - body: what is to be done there.
  /// - Returns: what `body` returns.
  /// - Throws: what `body` throws, or `Interruption.Stopped`.
  func run<Result: Sendable>(
    _ address: String, _ body: @escaping @Sendable (ServerConnection) async throws -> Result
  ) throws -> Result {
    let token = token
    return try Waiting.run { try await ServerConnection.with(address, token: token, body) }
  }
}
