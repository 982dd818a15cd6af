import HTTPTypes
import Hummingbird
import LanternFormats
import NIOCore

/// The form that an API gives to errors.
enum ErrorForm {
  case openAI, webUI, ollama, own

  /// The form of the API that a path belongs to.
  init(path: String) {
    self =
      if path.hasPrefix("/v1/") { .openAI } else if path.hasPrefix("/sdapi/") {
        .webUI
      } else if path.hasPrefix("/api/") { .ollama } else { .own }
  }

  /// The object that tells an error.
  func body(_ error: any Error) -> JSONValue {
    let message = JSONValue.string(
      "\(error)".split(whereSeparator: \.isNewline).joined(separator: " "))
    let status = HTTPResponse.Status(of: error)
    let kind = (error as? any LanternError)?.kind.rawValue ?? "internal"
    var field: JSONValue = .null
    switch error as? ServerError {
    case .field(let name, _), .unsupported(let name, _), .unknownAddOn(let name, _):
      field = .string(name)
    case .unknownModel: field = "model"
    default: break
    }
    switch self {
    case .openAI:
      let type =
        switch status.code {
        case 401: "authentication_error"
        case 429: "rate_limit_error"
        case 500...: "server_error"
        default: "invalid_request_error"
        }
      let code: JSONValue =
        if case .unknownModel = error as? ServerError { "model_not_found" } else { .null }
      return .object([
        "error": .object([
          "message": message, "type": .string(type), "param": field, "code": code,
        ])
      ])
    case .webUI:
      return .object([
        "error": .string(kind), "detail": message, "body": "", "errors": message,
      ])
    case .ollama: return .object(["error": message])
    case .own:
      return .object(["error": .object(["kind": .string(kind), "message": message])])
    }
  }

  /// The answer that tells an error.
  func response(_ error: any Error) -> Response {
    // The connection may end with it (``Service/whileListening(_:_:)``), and part of the body may be unread.
    var response = Response(json: body(error), status: .init(of: error), closes: true)
    if response.status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
    if response.status == .tooManyRequests { response.headers[.retryAfter] = "5" }
    if case .method(_, _, let allowed) = error as? ServerError {
      response.headers[.allow] = allowed.joined(separator: ", ")
    }
    return response
  }
}

extension Response {
  /// An answer of JSON.
  ///
  /// - Parameters:
  ///   - json: what it says.
  ///   - status: its status.
  ///   - closes: whether the connection ends with it, as behind ``Service/whileListening(_:_:)``.
  init(json: JSONValue, status: HTTPResponse.Status = .ok, closes: Bool = false) {
    self.init(
      status: status, headers: [.contentType: "application/json; charset=utf-8"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: JSON.write(json, keepsOrder: true))))
    if closes { headers[.connection] = "close" }
  }

  /// An answer of text or bytes.
  init(_ bytes: ByteBuffer, type: String) {
    self.init(
      status: .ok, headers: [.contentType: type], body: ResponseBody(byteBuffer: bytes))
  }
}
