import LanternPlatform
import NIOCore
import NIOHTTP1
import NIOPosix

/// A server on 127.0.0.1 that answers as it is told, and notes what it was asked.
package final class HubServer: Sendable {
  package struct Request: Sendable {
    package let method: String
    /// Path and query, as they came.
    package let path: String
    fileprivate let headers: HTTPHeaders

    /// A header's first value.
    package func header(_ name: String) -> String? { headers.first(name: name) }
  }

  package struct Response: Sendable {
    package var status = 200
    package var headers: [(String, String)] = []
    package var body: [UInt8] = []
    /// The connection is cut after as many bytes of the body.
    package var cutAfter: Int?
    /// Nothing more is sent after as many bytes of the body, and the connection stays open.
    package var stallsAfter: Int?
    /// The connection is cut before anything is sent.
    package var isMute = false

    package init(
      status: Int = 200, headers: [(String, String)] = [], body: [UInt8] = [],
      cutAfter: Int? = nil, stallsAfter: Int? = nil, isMute: Bool = false
    ) {
      (self.status, self.headers, self.body) = (status, headers, body)
      (self.cutAfter, self.stallsAfter, self.isMute) = (cutAfter, stallsAfter, isMute)
    }

    package static func text(
      _ status: Int, _ text: String, _ headers: [(String, String)] = []
    ) -> Response {
      Response(status: status, headers: headers, body: Array(text.utf8))
    }
  }

  package let address: String
  private let channel: any Channel
  private let log: RequestLog

  /// Starts it on a free port.
  package init(_ answer: @escaping @Sendable (Request) -> Response) async throws {
    let log = RequestLog()
    self.log = log
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(Handler(answer, log))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    address = "http://127.0.0.1:\(channel.localAddress?.port ?? 0)"
  }

  /// What it was asked so far.
  package var requests: [Request] { log.requests }

  package func stop() async throws { try await channel.close() }
}

/// What was asked, behind a lock.
private final class RequestLog: Sendable {
  private let box = Locked<[HubServer.Request]>([])
  var requests: [HubServer.Request] { box { $0 } }
  func add(_ request: HubServer.Request) { box { $0.append(request) } }
}

private final class Handler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let answer: @Sendable (HubServer.Request) -> HubServer.Response
  private let log: RequestLog
  private var head: HTTPRequestHead?

  init(
    _ answer: @escaping @Sendable (HubServer.Request) -> HubServer.Response, _ log: RequestLog
  ) {
    (self.answer, self.log) = (answer, log)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): self.head = head
    case .body: break
    case .end:
      guard let head else { return }
      let request = HubServer.Request(
        method: head.method.rawValue, path: head.uri, headers: head.headers)
      log.add(request)
      write(answer(request), to: request, context)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  private func write(
    _ response: HubServer.Response, to request: HubServer.Request, _ context: ChannelHandlerContext
  ) {
    if response.isMute { return context.close(promise: nil) }
    var headers = HTTPHeaders(response.headers)
    if headers.first(name: "content-length") == nil {
      headers.add(name: "Content-Length", value: "\(response.body.count)")
    }
    let head = HTTPResponseHead(
      version: .http1_1, status: .init(statusCode: response.status), headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    let end = response.cutAfter ?? response.stallsAfter ?? response.body.count
    if request.method != "HEAD", end > 0 {
      context.write(
        wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: response.body[..<end])))), promise: nil)
    }
    if response.cutAfter != nil {
      let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
      context.flush()
      context.eventLoop.scheduleTask(in: .milliseconds(20)) { bound.value.close(promise: nil) }
    } else if response.stallsAfter != nil {
      context.flush()
    } else {
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
  }
}
