import HTTPTypes
import Hummingbird
import Lantern
import LanternFormats
import LanternPlatform
import NIOCore

/// What the endpoints share.
struct Service: Sendable {
  typealias Context = BasicRequestContext

  let configuration: ServerConfiguration
  let shelf: ModelShelf
  let pictures: JobQueue
  let store: ResultStore
  let addOns: AddOns
  let metrics: Metrics
  let webUIOptions = WebUIOptions()

  /// The body of a call, as JSON.
  ///
  /// - Throws: ``ServerError/tooLarge(limit:)``, ``ServerError/body(reason:)``.
  func json(_ request: inout Request) async throws -> JSONValue {
    let bytes = try await body(&request)
    guard bytes.readableBytes > 0 else { throw ServerError.body(reason: "it is empty; send JSON") }
    do throws(FormatError) {
      return try bytes.withUnsafeReadableBytes { buffer throws(FormatError) in
        try JSON.parse(buffer, file: "the body")
      }
    } catch {
      throw ServerError.body(reason: "\(error)".replacing("the body: ", with: ""))
    }
  }

  /// The fields of a body.
  func fields(_ request: inout Request) async throws -> RequestFields {
    try RequestFields(await json(&request))
  }

  /// The body of a call.
  ///
  /// - Throws: ``ServerError/tooLarge(limit:)``.
  func body(_ request: inout Request) async throws -> ByteBuffer {
    let limit = configuration.bodyLimit
    if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit {
      throw ServerError.tooLarge(limit: limit)
    }
    do {
      return try await request.collectBody(upTo: limit)
    } catch is NIOTooManyBytesError {
      throw ServerError.tooLarge(limit: limit)
    }
  }

  /// Runs what takes long, and cancels it when the caller hangs up. Hummingbird closes the connection afterwards, which
  /// the answer must say, or a client may send its next call there.
  func whileListening<Value: Sendable>(
    _ request: Request, _ work: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    try await request.body.consumeWithCancellationOnInboundClose { _ in try await work() }
  }
}

extension ByteBuffer {
  /// The bytes that are not read yet.
  var bytes: [UInt8] { Array(readableBytesView) }
}

/// Seconds since 1970.
var unixTime: Int { Int(time(nil)) }

/// A name that no other answer has.
func newName(_ prefix: String) -> String {
  prefix + String(UInt64.random(in: .min ... .max), radix: 36)
}
