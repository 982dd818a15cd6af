import LanternFormats
import LanternPlatform

/// EPUB 2 and 3 (W3C's EPUB 3.3): the documents of the spine, in its order.
enum EPUBReader {
  static func read(_ input: DocumentKind.Input) throws(LibraryError) -> DocumentText {
    var archive = try ZipFile(input)
    var root: String?
    try Markup.read(archive.file("META-INF/container.xml"), as: .xml) { event in
      if case .start("rootfile", let attribute) = event, root == nil {
        root = attribute("full-path")
      }
    }
    guard let root else { throw .damaged(source: input.source, reason: "it names no package") }
    var package = Package()
    try Markup.read(archive.file(root), as: .xml) { event in package.take(event) }
    var document = DocumentText()
    (document.title, document.language) = (package.title, package.language)
    let folder = FileSystem.split(root).folder
    for id in package.spine {
      guard let path = package.items[id] else { continue }
      let name = resolved(path, in: folder == "." ? "" : folder)
      // A document that is missing is left out, as readers of books do.
      guard archive.contains(name) else { continue }
      let part = try HTMLReader.read(archive.file(name))
      document.blocks += part.blocks
      document.language = document.language ?? part.language
    }
    return document
  }

  /// The name in the archive of what a relative address, perhaps with percent signs, leads to.
  static func resolved(_ path: String, in folder: String) -> String {
    let plain = path.prefix { $0 != "#" }
    var bytes: [UInt8] = []
    var rest = plain.utf8[...]
    while let byte = rest.popFirst() {
      let digits = String(decoding: rest.prefix(2), as: UTF8.self)
      if byte == UInt8(ascii: "%"), digits.utf8.count == 2, let value = UInt8(digits, radix: 16) {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    var parts = folder.split(separator: "/").map(String.init)
    for part in String(decoding: bytes, as: UTF8.self).split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(String(part)) }
    }
    return parts.joined(separator: "/")
  }

  /// What the package document says.
  private struct Package {
    private(set) var title: String?
    private(set) var language: String?
    private(set) var items: [String: String] = [:]
    private(set) var spine: [String] = []
    private var text: String?

    mutating func take(_ event: Markup.Event) {
      switch event {
      case .start(let name, let attribute):
        switch name {
        case "title", "language": text = ""
        case "item":
          if let id = attribute("id"), let path = attribute("href") { items[id] = path }
        case "itemref": if let id = attribute("idref") { spine.append(id) }
        default: break
        }
      case .text(let piece): text? += piece
      case .end(let name):
        if name == "title" { title = title ?? text }
        if name == "language" { language = language ?? text }
        text = nil
      }
    }
  }
}
