import LanternPlatform
import LanternFormats

/// The name of a model on the Hugging Face hub, `owner/name`: with a revision after an `@`, and the path of a
/// file or folder in it after a colon; or a page's address there.
package struct HubReference: Sendable, Equatable {
  /// The model's repository, as `owner/name`.
  package let repository: String
  /// A branch, a tag or a commit; nil for the main branch.
  package var revision: String?
  /// The path of a file or folder in it; nil for the model.
  package let path: String?

  /// The branch that a name without a revision means.
  package static let mainRevision = "main"

  /// The name of a text, if it is one.
  ///
  /// - Parameters:
  ///   - text: `owner/name`, `owner/name@revision:path` or an address with `/resolve/`, `/blob/` or `/tree/`.
  ///   - endpoint: the address of a mirror, whose pages' addresses are understood too.
  package init?(_ text: String, endpoint: String? = nil) {
    let sites = ["huggingface.co", "hf.co"].flatMap {
      ["https://\($0)/", "http://\($0)/", "\($0)/"]
    }
    for site in (endpoint.map { ["\($0)/"] } ?? []) + sites where text.hasPrefix(site) {
      self.init(page: text.dropFirst(site.utf8.count))
      return
    }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let names = parts[0].split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    self.init(
      repository: String(names[0]), revision: names.count == 2 ? String(names[1]) : nil,
      path: parts.count == 2 ? String(parts[1]) : nil)
    // What looks like a file's path is one.
    if path == nil, Self.endings.contains(where: { text.lowercased().hasSuffix($0) }) { return nil }
  }

  /// The path of a page's address, behind the site.
  private init?(page: Substring) {
    let plain = page.prefix { $0 != "?" && $0 != "#" }
    let parts = plain.split(separator: "/").compactMap { Self.decoded($0) }
    guard parts.count >= 2, parts.count == plain.split(separator: "/").count else { return nil }
    let isFile = parts.count >= 4 && ["resolve", "blob", "tree", "raw"].contains(parts[2])
    guard parts.count == 2 || isFile else { return nil }
    self.init(
      repository: "\(parts[0])/\(parts[1])", revision: isFile ? parts[3] : nil,
      path: parts.count > 4 ? parts[4...].joined(separator: "/") : nil)
  }

  private init?(repository: String, revision: String?, path: String?) {
    let names = repository.split(separator: "/", omittingEmptySubsequences: false)
    guard names.count == 2, names.allSatisfy(Self.isName), repository.utf8.count <= 96,
      revision.map(Self.isSafe) ?? true, path.map(Self.isSafe) ?? true
    else { return nil }
    (self.repository, self.revision, self.path) = (repository, revision, path)
  }

  /// As people write it.
  package var text: String {
    repository + (revision.map { "@\($0)" } ?? "") + (path.map { ":\($0)" } ?? "")
  }

  /// Whether a text is one of the two parts of a repository's name.
  private static func isName(_ text: Substring) -> Bool {
    guard let first = text.first, let last = text.last else { return false }
    return ![first, last].contains { $0 == "-" || $0 == "." } && !text.contains("--")
      && !text.contains("..")
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
          UInt8(ascii: "."):
          true
        default: false
        }
      }
  }

  /// Whether a path leads to something within a folder, whatever else it says.
  package static func isSafe(_ path: String) -> Bool {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    return path.utf8.count <= 1024
      && parts.allSatisfy { part in
        !part.isEmpty && part != "." && part != ".." && part.utf8.count <= 240
          && !part.unicodeScalars.contains { $0.isControl }
      }
  }

  /// Whether a revision is a commit's number, which means the same files for ever.
  package static func isCommit(_ revision: String) -> Bool {
    revision.utf8.count == 40 && isHexadecimal(revision)
  }

  /// Whether a text is of the digits 0 to f.
  package static func isHexadecimal(_ text: String) -> Bool {
    text.utf8.allSatisfy { byte in
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
  }

  /// A text without its percent encoding; nil where that is not sound.
  private static func decoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = Substring(text).utf8
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let digits = String(rest.prefix(2)), digits.utf8.count == 2,
        let value = UInt8(digits, radix: 16)
      else { return nil }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static let endings = [
    ".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".json", ".png", ".jpg",
    ".jpeg",
  ]
}
