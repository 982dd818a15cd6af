import HTTPTypes
package import LanternFormats

/// What can be wrong with a call of the server. Cases carry facts; ``description`` puts them in a line.
package enum ServerError: Error, Sendable, Equatable {
  /// A body that is not what the endpoint reads.
  case body(reason: String)
  /// A field that is missing, or has a value that makes no sense.
  case field(name: String, reason: String)
  /// A field that asks for what the server does not do.
  case unsupported(name: String, remedy: String)
  /// A model that is not there.
  case unknownModel(name: String, known: [String])
  /// A model that does other work.
  case wrongModel(name: String, does: String, wanted: String)
  /// No model of the kind that is wanted.
  case noModel(wanted: String)
  /// A model that does not fit into the memory that the server may take.
  case memory(model: String, needed: Int, limit: Int)
  /// No token, or another one.
  case unauthorized
  /// A page of another origin, or a name of the server that is not its own.
  case foreign(header: String, value: String)
  /// A path that is no endpoint.
  case unknownPath(String)
  /// A method that an endpoint does not have.
  case method(String, path: String, allowed: [String])
  /// A file of one of the server's folders that is not there.
  case unknownAddOn(field: String, reason: String)
  /// A job or file that is not there.
  case unknownJob(String)
  /// A body larger than the limit.
  case tooLarge(limit: Int)
  /// An address that cannot be listened on.
  case cannotListen(address: String, reason: String)
  /// A certificate or key that cannot be used.
  case certificate(path: String, reason: String)
  /// Another model is fetched.
  case pulling(name: String)
  /// As many pictures wait as may.
  case queueFull(limit: Int)
  /// What is kept of jobs cannot be read or written.
  case store(path: String, reason: String)
}

extension ServerError: LanternError {
  /// What kind of failure it is.
  package var kind: ErrorKind {
    switch self {
    case .queueFull, .pulling, .cannotListen: .busy
    case .memory: .memory
    case .store: .output
    case .certificate: .data
    case .unknownModel, .noModel, .unknownPath, .unknownAddOn, .unknownJob: .missing
    default: .usage
    }
  }

  /// The status of the answer.
  var status: HTTPResponse.Status {
    switch self {
    case .unauthorized: .unauthorized
    case .foreign: .forbidden
    case .method: .methodNotAllowed
    case .tooLarge: .contentTooLarge
    case .queueFull, .pulling: .tooManyRequests
    case .memory, .cannotListen: .serviceUnavailable
    case .store, .certificate: .internalServerError
    case .unknownModel, .noModel, .unknownPath, .unknownAddOn, .unknownJob: .notFound
    case .body, .field, .unsupported, .wrongModel: .badRequest
    }
  }

  /// One line: what, and what to do.
  package var description: String {
    switch self {
    case .body(let reason): "the body: \(reason)"
    case .field(let name, let reason), .unknownAddOn(let name, let reason): "\(name): \(reason)"
    case .unsupported(let name, let remedy): "\(name) is not supported: \(remedy)"
    case .unknownModel(let name, let known):
      "there is no model \(JSON.quoted(name)); there are: \(known.joined(separator: ", "))"
    case .wrongModel(let name, let does, let wanted):
      "the model \(name) \(does), and this needs one that \(wanted)"
    case .noModel(let wanted):
      "there is no model that \(wanted): start the server with one (lantern serve NAME=PATH)"
    case .memory(let model, let needed, let limit):
      "the model \(model) takes about \(needed >> 20) MiB, and the server may take \(limit >> 20) MiB"
    case .unauthorized: "the server wants its token: send Authorization: Bearer TOKEN"
    case .foreign(let header, let value):
      "\(header) \(JSON.quoted(value)) is not the server's own: allow it when the server is started"
    case .unknownPath(let path): "there is no endpoint \(path)"
    case .method(let method, let path, let allowed):
      "\(path) does not take \(method); it takes \(allowed.joined(separator: ", "))"
    case .unknownJob(let id): "there is no \(id): it never was, or was let out for newer ones"
    case .cannotListen(let address, let reason):
      "cannot listen on \(address): \(reason); choose another port"
    case .tooLarge(let limit): "the body is larger than \(limit >> 20) MiB"
    case .certificate(let path, let reason): "\(path) cannot be used for TLS: \(reason)"
    case .store(let path, let reason):
      "the store \(path): \(reason); move it away, or choose another store"
    case .pulling(let name): "\(name) is being fetched, one model at a time; try again later"
    case .queueFull(let limit): "\(limit) pictures wait, and no more may; try again later"
    }
  }
}

extension HTTPResponse.Status {
  /// The status that an error's kind stands for.
  init(of error: any Error) {
    if let error = error as? ServerError {
      self = error.status
      return
    }
    self =
      switch (error as? any LanternError)?.kind {
      case .usage: .badRequest
      case .data: .unprocessableContent
      case .missing: .notFound
      case .memory, .busy: .serviceUnavailable
      case .network: .badGateway
      case .output, .lost, nil: .internalServerError
      }
  }
}
