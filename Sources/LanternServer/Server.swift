import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import LanternFormats
import LanternPlatform
import Logging
import NIOCore
import NIOSSL
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
  /// - Throws: `FormatError` for models and folders that are not there, and where another server has the store;
  ///   ``ServerError/store(path:reason:)``.
  package init(_ configuration: ServerConfiguration, log: @escaping @Sendable (String) -> Void)
    throws
  {
    let shelf = try ModelShelf(configuration, log: log)
    (self.configuration, self.log) = (configuration, log)
    let store = try ResultStore(folder: configuration.store, limit: configuration.keptPictures)
    service = Service(
      configuration: configuration, shelf: shelf,
      pictures: JobQueue(shelf, configuration, store, log: log), store: store,
      addOns: try AddOns(configuration),
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
      server: try Self.listener(configuration),
      configuration: ApplicationConfiguration(
        address: .hostname(configuration.host, port: configuration.port), serverName: "lantern"),
      onServerRunning: { channel in
        if let port = channel.localAddress?.port { onListening(port) }
      },
      logger: logger)
    application.addServices(Stopping(pictures: service.pictures))
    var failure: (any Error)?
    do {
      try await application.runService(
        gracefulShutdownSignals: stopsBySignals ? [.sigterm, .sigint] : [])
    } catch let error as IOError {
      failure = ServerError.cannotListen(
        address: "\(configuration.host):\(configuration.port)",
        reason: FileSystem.reason(error.errnoCode))
    } catch {
      failure = error
    }
    await service.pictures.stop()
    service.store.close()
    if let failure { throw failure }
  }

  /// HTTP, within TLS where there is a certificate.
  ///
  /// - Throws: ``ServerError/certificate(path:reason:)``.
  private static func listener(_ configuration: ServerConfiguration) throws -> HTTPServerBuilder {
    // Longer than clients keep a connection that they do not use, so that none is closed as a call begins.
    let plain = HTTPServerBuilder.http1(configuration: .init(idleTimeout: .seconds(75)))
    guard let (chain, key) = configuration.certificate else { return plain }
    func reading<Value>(_ path: String, _ read: () throws -> Value) throws -> Value {
      guard FileSystem.isFile(path) else {
        throw FormatError.missingFile(path: path, remedy: "give a file in PEM")
      }
      do { return try read() } catch {
        throw ServerError.certificate(path: path, reason: "\(error)")
      }
    }
    let certificates = try reading(chain) { try NIOSSLCertificate.fromPEMFile(chain) }
    let privateKey = try reading(key) { try NIOSSLPrivateKey(file: key, format: .pem) }
    let tls = TLSConfiguration.makeServerConfiguration(
      certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(privateKey))
    return try reading(key) { try HTTPServerBuilder.tls(plain, tlsConfiguration: tls) }
  }

  /// All endpoints, behind the gatekeeper, which knows them.
  private func router() -> Router<Service.Context> {
    let plain = Router(context: Service.Context.self)
    addEndpoints(plain)
    let router = Router(context: Service.Context.self)
    router.addMiddleware {
      Gatekeeper(
        configuration: configuration, endpoints: Endpoints(plain), metrics: service.metrics,
        log: log)
    }
    addEndpoints(router)
    return router
  }

  private func addEndpoints(_ router: Router<Service.Context>) {
    service.addPage(router)
    service.addModels(router)
    service.addChat(router)
    service.addResponses(router)
    service.addCompletions(router)
    service.addEmbeddings(router)
    service.addImages(router)
    service.addWebUI(router)
    service.addOllama(router)
    service.addJobs(router)
  }
}

/// Stops what is being drawn when the server is to end.
private struct Stopping: ServiceLifecycle.Service {
  let pictures: JobQueue

  func run() async throws {
    try? await gracefulShutdown()
    await pictures.stop()
  }
}
