package import LanternFormats

/// What can go wrong between a hub and the cache. Cases carry facts; ``description`` puts them in a line.
package enum HubError: Error, Sendable, Equatable {
  /// A model that is not in the cache, where the environment says to ask no hub.
  case offline(name: String, variable: String)
  /// A value of the environment that makes no sense.
  case environment(name: String, found: String, allowed: String)
  /// A server that cannot be reached, or that stops talking.
  case unreachable(url: String, reason: String)
  /// A server that asks to come later, or fails for now.
  case busy(url: String, status: Int, seconds: Int?)
  /// An answer that this program has no use for.
  case status(url: String, status: Int)
  /// A redirect that is not followed.
  case redirect(url: String, reason: String)
  /// A model whose licence must be accepted first.
  case gated(repository: String, page: String, hasToken: Bool)
  /// A model that does not exist, or is private.
  case noRepository(repository: String, endpoint: String, hasToken: Bool)
  /// A branch, tag or commit that a model does not have.
  case noRevision(revision: String, repository: String)
  /// A file that a model does not have.
  case noFile(path: String, repository: String, nearest: String?)
  /// A variant of weights that a model does not have.
  case noVariant(variant: String, repository: String, found: [String])
  /// A repository of several models in one file each.
  case severalFiles(repository: String, files: [String])
  /// A repository without weights that are read here.
  case noWeights(repository: String)
  /// An answer of the hub that is not as its protocol has it.
  case malformed(url: String, reason: String)
  /// A name of a file that leads out of its folder.
  case hostilePath(path: String, repository: String)
  /// A file whose bytes are not those that the hub announced.
  case wrongDigest(path: String, expected: String, found: String)
  /// A file with other than the announced number of bytes.
  case wrongSize(path: String, expected: Int, found: Int)
  /// A disk without room for what is to be fetched.
  case noSpace(folder: String, needed: Int, free: Int)
  /// Reading or writing the cache failed.
  case format(FormatError)
  /// What is no server's address.
  case serverAddress(found: String)
  /// A server of this program that cannot be reached.
  case noServer(address: String, reason: String)
  /// What a server of this program answers in place of what was wanted.
  case server(address: String, kind: ErrorKind, message: String)
}

extension HubError: LanternError {
  /// What kind of failure it is.
  package var kind: ErrorKind {
    switch self {
    case .unreachable, .status, .redirect, .noServer: .network
    case .busy: .busy
    case .offline, .gated, .noRepository, .noRevision, .noFile: .missing
    case .environment, .noVariant, .severalFiles, .serverAddress: .usage
    case .noWeights, .malformed, .hostilePath, .wrongDigest, .wrongSize: .data
    case .noSpace: .output
    case .server(_, let kind, _): kind
    case .format(let inner): inner.kind
    }
  }

  /// One line: what, where, what to do.
  package var description: String {
    switch self {
    case .offline(let name, let variable):
      "\(name): is not in the cache, and \(variable) says to stay offline; fetch it without that"
    case .environment(let name, let found, let allowed):
      "\(name)=\(found) in the environment: give \(allowed)"
    case .unreachable(let url, let reason):
      "\(url): \(reason); check the connection and start again: what is fetched is kept"
    case .busy(let url, let status, let seconds):
      "\(url): is busy (status \(status)); try again \(seconds.map { "in \($0) s" } ?? "later"): "
        + "what is fetched is kept"
    case .status(let url, let status):
      "\(url): the server answers with status \(status); check the address, or try again later"
    case .redirect(let url, let reason): "\(url): \(reason); check HF_ENDPOINT"
    case .gated(let repository, let page, let hasToken):
      "\(repository): its licence must be accepted first: open \(page) in a browser, "
        + (hasToken
          ? "with the account of your token, and accept it there; then fetch it again"
          : "accept it there, and give a token of that account in HF_TOKEN")
    case .noRepository(let repository, let endpoint, let hasToken):
      "\(repository): there is no such model at \(endpoint), or it is private; check the name"
        + (hasToken ? ", and whether your token may read it" : ", or give a token in HF_TOKEN")
    case .noRevision(let revision, let repository):
      "\(repository): has no revision \(JSON.quoted(revision)); check the name of the branch, tag or commit"
    case .noFile(let path, let repository, let nearest):
      "\(repository): has no file \(JSON.quoted(path)); "
        + (nearest.map { "did you mean \(JSON.quoted($0))?" } ?? "check the name")
    case .noVariant(let variant, let repository, let found):
      "\(repository): has no weights of the variant \(JSON.quoted(variant)); "
        + (found.isEmpty
          ? "fetch it without one"
          : "there are \(found.joined(separator: ", ")), and perhaps plain ones")
    case .severalFiles(let repository, let files):
      "\(repository): holds several models in one file each: give one, as "
        + "\(repository):\(files.first ?? "")"
        + (files.count > 1 ? "; there are \(files.prefix(8).joined(separator: ", "))" : "")
        + (files.count > 8 ? " and \(files.count - 8) more" : "")
    case .noWeights(let repository):
      "\(repository): holds no weights that Lantern reads; give a file of it by its name"
    case .malformed(let url, let reason):
      "\(url): not an answer of the hub: \(reason); check HF_ENDPOINT, or try again later"
    case .hostilePath(let path, let repository):
      "\(repository): names a file \(JSON.quoted(path)), which leads out of its folder; nothing was "
        + "fetched: take another model"
    case .wrongDigest(let path, let expected, let found):
      "\(path): arrived damaged: its digest is \(found) and should be \(expected); fetch it again"
    case .wrongSize(let path, let expected, let found):
      "\(path): arrived with \(found) bytes instead of \(expected); fetch it again"
    case .noSpace(let folder, let needed, let free):
      "\(folder): \(needed) bytes are needed and \(free) are free; free some space, or set HF_HOME to "
        + "a folder on another disk"
    case .format(let error): "\(error)"
    case .serverAddress(let found):
      "\(found): give the address of a server, as http://127.0.0.1:7860"
    case .noServer(let address, let reason):
      "\(address): \(reason); give another address, or start a server there (lantern serve)"
    case .server(let address, _, let message): "the server at \(address): \(message)"
    }
  }
}
