import LanternPlatform
import NIOCore
import NIOPosix

/// A proxy on 127.0.0.1 that connects to where it is asked to (`CONNECT`), and notes what it was asked.
package final class ProxyServer: Sendable {
  /// Where it listens, without a scheme.
  package let address: String
  private let channel: any Channel
  private let log: Locked<[String]>

  /// Starts it on a free port.
  ///
  /// - Parameter authorization: what it wants under that header; nil for nothing.
  /// - Throws: what NIO throws where it cannot start.
  package init(authorization: String? = nil) async throws {
    let log = Locked<[String]>([])
    self.log = log
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(ConnectHandler(authorization, log))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    address = "127.0.0.1:\(channel.localAddress?.port ?? 0)"
  }

  /// The first lines of what it was asked.
  package var requests: [String] { log { $0 } }

  package func stop() async throws { try await channel.close() }
}

/// Reads the head of a request, connects, and from then on hands over bytes.
private final class ConnectHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let authorization: String?
  private let log: Locked<[String]>
  private var head: [UInt8] = []
  private var peer: (any Channel)?

  init(_ authorization: String?, _ log: Locked<[String]>) {
    (self.authorization, self.log) = (authorization, log)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var buffer = unwrapInboundIn(data)
    if let peer { return peer.writeAndFlush(buffer, promise: nil) }
    head += buffer.readBytes(length: buffer.readableBytes) ?? []
    guard head.suffix(4) == [13, 10, 13, 10] else { return }
    let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n").map(String.init)
    log { $0.append(lines[0]) }
    let words = lines[0].split(separator: " ").map(String.init)
    let target = words.count > 1 ? words[1].split(separator: ":").map(String.init) : []
    let isKnown =
      authorization.map { wanted in
        lines.contains { $0.lowercased() == "proxy-authorization: \(wanted)".lowercased() }
      } ?? true
    guard words.first == "CONNECT", target.count == 2, let port = Int(target[1]), isKnown else {
      return answer(
        isKnown ? "405 Method Not Allowed" : "407 Proxy Authentication Required", context)
    }
    connect(to: target[0], port, context)
  }

  func channelInactive(context: ChannelHandlerContext) { peer?.close(promise: nil) }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  private func connect(to host: String, _ port: Int, _ context: ChannelHandlerContext) {
    let client = context.channel
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    ClientBootstrap(group: context.eventLoop)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Relay(to: client))
        }
      }
      .connect(host: host, port: port)
      .whenComplete { result in
        let (handler, context) = bound.value
        switch result {
        case .success(let channel):
          handler.peer = channel
          handler.answer("200 Connection established", context)
        case .failure: handler.answer("502 Bad Gateway", context)
        }
      }
  }

  private func answer(_ status: String, _ context: ChannelHandlerContext) {
    context.channel.writeAndFlush(ByteBuffer(string: "HTTP/1.1 \(status)\r\n\r\n"), promise: nil)
  }
}

/// Hands over what a server says.
private final class Relay: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let client: any Channel

  init(to client: any Channel) { self.client = client }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    client.writeAndFlush(unwrapInboundIn(data), promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) { client.close(promise: nil) }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}
