import Hummingbird
import LanternFormats
import LanternPlatform
import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals

/// A server that keeps models and answers over HTTP.
package struct Server: Sendable {
  private let configuration: ServerConfiguration
  private let service: Service
  private let log: @Sendable (String) -> Void

  /// Makes a server; no model is loaded yet.
  ///
  /// - Parameters:
  ///   - configuration: how it is started.
  ///   - log: takes lines for people.
  /// - Throws: `FormatError` for models and folders that are not there.
  package init(_ configuration: ServerConfiguration, log: @escaping @Sendable (String) -> Void)
    throws
  {
    let shelf = try ModelShelf(configuration, log: log)
    (self.configuration, self.log) = (configuration, log)
    service = Service(
      configuration: configuration, shelf: shelf, pictures: PictureQueue(shelf, configuration),
      metrics: Metrics())
  }

  /// Answers until the task is cancelled, or a signal comes: then what is being drawn is stopped, and what is being
  /// answered ends.
  ///
  /// - Parameters:
  ///   - stopsBySignals: whether SIGTERM and SIGINT end it.
  ///   - onListening: called with the port once it listens.
  /// - Throws: ``ServerError/cannotListen(address:reason:)``.
  package func run(
    stopsBySignals: Bool = true, onListening: @escaping @Sendable (Int) -> Void
  ) async throws {
    var logger = Logger(label: "lantern", factory: { _ in SwiftLogNoOpLogHandler() })
    logger.logLevel = .critical
    var application = Application(
      router: router(),
      server: .http1(configuration: .init(idleTimeout: .seconds(60))),
      configuration: ApplicationConfiguration(
        address: .hostname(configuration.host, port: configuration.port), serverName: "lantern"),
      onServerRunning: { channel in
        if let port = channel.localAddress?.port { onListening(port) }
      },
      logger: logger)
    application.addServices(Stopping(pictures: service.pictures))
    do {
      try await application.runService(
        gracefulShutdownSignals: stopsBySignals ? [.sigterm, .sigint] : [])
    } catch let error as IOError {
      throw ServerError.cannotListen(
        address: "\(configuration.host):\(configuration.port)",
        reason: FileSystem.reason(error.errnoCode))
    }
  }

  /// All endpoints.
  private func router() -> Router<Service.Context> {
    let router = Router(context: Service.Context.self)
    router.addMiddleware {
      Gatekeeper(configuration: configuration, metrics: service.metrics, log: log)
    }
    service.addPage(router)
    service.addModels(router)
    service.addChat(router)
    service.addCompletions(router)
    service.addEmbeddings(router)
    service.addImages(router)
    service.addWebUI(router)
    service.addOllama(router)
    service.addJobs(router)
    return router
  }
}

/// Stops what is being drawn when the server is to end.
private struct Stopping: ServiceLifecycle.Service {
  let pictures: PictureQueue

  func run() async throws {
    try? await gracefulShutdown()
    await pictures.stop()
  }
}
