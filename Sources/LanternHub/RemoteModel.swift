import Lantern
import LanternFormats

/// A model as the hub lists it at one commit.
package struct RemoteModel: Sendable {
  /// A model, and one of its revisions.
  package struct Name: Sendable, Equatable {
    /// `owner/name`.
    package let repository: String
    /// A branch, a tag or a commit.
    package let revision: String
  }

  let name: Name
  /// The commit that the revision is.
  let commit: String
  /// Paths of all files.
  let paths: [String]
  /// The licence's name, if it says one.
  let licence: String?

  private static let pathLimit = 100_000

  /// Reads what the hub lists.
  ///
  /// - Parameters:
  ///   - name: whose revision.
  ///   - json: of `/api/models/OWNER/NAME/revision/REVISION`.
  ///   - url: that address.
  /// - Throws: ``HubError/malformed(url:reason:)``, ``HubError/hostilePath(path:repository:)``.
  init(_ name: Name, _ json: JSONValue, url: String) throws(HubError) {
    guard let members = json.object, let commit = members["sha"]?.string,
      HubReference.isCommit(commit)
    else { throw .malformed(url: url, reason: "no commit of 40 digits") }
    guard let siblings = members["siblings"]?.array, siblings.count <= Self.pathLimit else {
      throw .malformed(url: url, reason: "no list of files")
    }
    var paths: [String] = []
    for sibling in siblings {
      guard let path = sibling.object?["rfilename"]?.string else {
        throw .malformed(url: url, reason: "a file without a name")
      }
      guard HubReference.isSafe(path) else {
        throw .hostilePath(path: path, repository: name.repository)
      }
      paths.append(path)
    }
    (self.name, self.commit, self.paths) = (name, commit, paths)
    let card = members["cardData"]?.object ?? [:]
    let tag = members["tags"]?.array?.compactMap(\.string).first { $0.hasPrefix("license:") }
    licence =
      card["license_name"]?.string ?? card["license"]?.string
      ?? tag.map { String($0.dropFirst("license:".utf8.count)) }
  }
}

/// A file as the hub announces it.
struct RemoteFile: Sendable {
  let path: String
  /// What its bytes are called in the cache: their SHA-256 for large files, git's SHA-1 for others.
  let etag: String
  let byteCount: Int

  /// Whether the ETag is a digest.
  var isChecked: Bool {
    [40, 64].contains(etag.utf8.count) && HubReference.isHexadecimal(etag)
  }

  /// Reads the headers of an answer to `HEAD`.
  ///
  /// - Throws: ``HubError/malformed(url:reason:)``.
  init(_ path: String, _ answer: HubConnection.Answer) throws(HubError) {
    let text = answer.header("x-linked-etag") ?? answer.header("etag") ?? ""
    let etag = (text.hasPrefix("W/") ? String(text.dropFirst(2)) : text).filter { $0 != "\"" }
    guard HubReference.isSafe(etag), !etag.contains("/"), !etag.hasPrefix("."),
      etag.utf8.count <= 128, etag.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { throw .malformed(url: answer.url.text, reason: "no ETag that could be a file's name") }
    let size = answer.header("x-linked-size") ?? answer.header("content-length") ?? ""
    guard let count = Int(size), count >= 0 else {
      throw .malformed(url: answer.url.text, reason: "no size")
    }
    (self.path, self.etag, byteCount) = (path, etag, count)
  }
}
