package import LanternFormats
import LanternPlatform

/// What can go wrong between documents and what is found in them. Cases carry facts; ``description`` puts them in a
/// line.
package enum LibraryError: Error, Sendable, Equatable {
  /// A name that is no library's.
  case badName(String)
  /// A library that is not there.
  case noLibrary(name: String, folder: String, nearest: String?)
  /// A document that a library does not have.
  case noDocument(source: String, library: String, nearest: String?)
  /// A library that another process writes into.
  case inUse(library: String)
  /// A library's file that is damaged, or no library.
  case damagedLibrary(path: String, reason: String)
  /// A library's file that a newer program wrote.
  case newerLibrary(path: String, version: Int)
  /// A library's file that cannot be written, as for want of room.
  case cannotWrite(path: String, reason: String)
  /// A kind of document that is not read.
  case unsupportedKind(source: String, known: String)
  /// A document that is damaged.
  case damaged(source: String, reason: String)
  /// A document beyond a limit.
  case tooLarge(source: String, what: String, limit: Int)
  /// A document without text.
  case noText(source: String, remedy: String)
  /// A program library that a kind of document needs, and that is not installed.
  case missingReader(kind: String, package: String)
  /// A folder without a document that is read.
  case noDocuments(folder: String, known: String)
  /// An address that is not fetched.
  case badAddress(url: String, reason: String)
  /// An address that its site asks programs to leave alone.
  case forbiddenByRobots(url: String, file: String)
  /// A server that cannot be reached, or stops talking.
  case unreachable(url: String, reason: String)
  /// An answer other than a page.
  case status(url: String, status: Int)
  /// A model other than that of the library's vectors.
  case otherModel(library: String, model: String, found: String)
  /// A search by vectors in a library without them.
  case noVectors(library: String)
  /// A question without a word to search for.
  case emptyQuery
  /// A file could not be read or written.
  case format(FormatError)
}

extension LibraryError: LanternError {
  /// What kind of failure it is.
  package var kind: ErrorKind {
    switch self {
    case .badName, .badAddress, .otherModel, .noVectors, .emptyQuery: .usage
    case .noLibrary, .noDocument, .missingReader, .noDocuments: .missing
    case .inUse: .busy
    case .cannotWrite: .output
    case .unreachable, .status, .forbiddenByRobots: .network
    case .format(let inner): inner.kind
    case .damagedLibrary, .newerLibrary, .unsupportedKind, .damaged, .tooLarge, .noText: .data
    }
  }

  /// One line: what, where, what to do.
  package var description: String {
    switch self {
    case .badName(let name):
      "\(JSON.quoted(name)): a library's name has letters, digits, '-', '_' and '.', 64 at most: choose another"
    case .noLibrary(let name, let folder, let nearest):
      "there is no library \(JSON.quoted(name)) in \(folder); "
        + (nearest.map { "did you mean \(JSON.quoted($0))?" } ?? "check the name")
    case .noDocument(let source, let library, let nearest):
      "the library \(library) has no document \(JSON.quoted(source)); "
        + (nearest.map { "did you mean \(JSON.quoted($0))?" } ?? "check the name")
    case .inUse(let library):
      "another lantern is writing into the library \(library); wait until it has ended"
    case .damagedLibrary(let path, let reason):
      "\(path): is no sound library: \(reason); remove it, and add its documents again"
    case .newerLibrary(let path, let version):
      "\(path): is a library of version \(version), and this program knows up to \(Library.version); "
        + "take a newer lantern"
    case .cannotWrite(let path, let reason):
      "\(path): cannot be written: \(reason); free some space or write elsewhere: what was added before is kept"
    case .unsupportedKind(let source, let known):
      "\(source): is no document that is read; give one of \(known)"
    case .damaged(let source, let reason): "\(source): is damaged: \(reason); fetch it again"
    case .tooLarge(let source, let what, let limit):
      "\(source): \(what), and \(limit) is the most; give it in parts"
    case .noText(let source, let remedy): "\(source): has no text; \(remedy)"
    case .missingReader(let kind, let package):
      "\(kind) cannot be read here, for a system library is missing; put it there: apt-get install \(package)"
    case .noDocuments(let folder, let known):
      "\(folder): holds no document that is read; give one with \(known)"
    case .badAddress(let url, let reason):
      "\(url): \(reason); give an address like https://HOST/PAGE"
    case .forbiddenByRobots(let url, let file):
      "\(url): \(file) asks programs not to fetch it; save the page yourself, and give the file"
    case .unreachable(let url, let reason): "\(url): \(reason); check the name and the connection"
    case .status(let url, let status):
      "\(url): the server answers with status \(status); check the name, or try again later"
    case .otherModel(let library, let model, let found):
      "the library \(library) has vectors of \(model), which cannot be compared with those of \(found); give that "
        + "model, or choose another library"
    case .noVectors(let library):
      "the library \(library) has no vectors; give a model when documents are added, or choose the method bm25"
    case .emptyQuery: "there is no word to search for; give one"
    case .format(let error): "\(error)"
    }
  }
}
