import Foundation

/// The repository as the laws read it.
enum SourceTree {
  /// Where Package.swift is.
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// A file, by its path from the root.
  struct File: CustomStringConvertible {
    let path: String

    var description: String { path }
    var name: String { String(path.split(separator: "/").last ?? "") }
    var stem: String { String(name.prefix { $0 != "." }) }
    var text: String {
      (try? String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)) ?? ""
    }
    /// The text of a Swift file without comments and without what stands between quotes.
    var code: String { SourceTree.codes[path] ?? SourceTree.code(of: text) }
  }

  /// The files of a folder and of all folders in it, hidden ones left out.
  static func files(in folder: String, _ extensions: [String]) -> [File] {
    let base = root.appendingPathComponent(folder)
    let walk = FileManager.default.enumerator(
      at: base, includingPropertiesForKeys: nil, options: [.skipsHiddenFiles])
    return (walk?.compactMap { $0 as? URL } ?? [])
      .filter { extensions.isEmpty || extensions.contains($0.pathExtension) }
      .map { url in
        File(path: folder + url.standardizedFileURL.path.dropFirst(base.path.count))
      }
      .sorted { $0.path < $1.path }
  }

  /// The names in a folder, hidden ones left out.
  static func names(in folder: String) -> [String] {
    let names = try? FileManager.default.contentsOfDirectory(
      atPath: root.appendingPathComponent(folder).path)
    return (names ?? []).filter { !$0.hasPrefix(".") }.sorted()
  }

  static func file(_ path: String) -> File { File(path: path) }

  static let swiftSources = files(in: "Sources", ["swift"])

  private static let codes = Dictionary(
    uniqueKeysWithValues: swiftSources.map { ($0.path, code(of: $0.text)) })

  /// Swift without comments and literals: enough to look for words, not a parser.
  static func code(of text: String) -> String {
    var scrubber = Scrubber(bytes: Array(text.utf8))
    return scrubber.code()
  }
}

/// Walks over Swift byte by byte.
private struct Scrubber {
  let bytes: [UInt8]
  var position = 0

  mutating func code() -> String {
    var code: [UInt8] = []
    while position < bytes.count {
      if at("//") {
        while position < bytes.count, !at("\n") { position += 1 }
      } else if at("/*") {
        while position < bytes.count, !at("*/") { position += 1 }
        position = min(position + 2, bytes.count)
      } else if skipLiteral() {
        code += "\"\"".utf8
      } else {
        code.append(bytes[position])
        position += 1
      }
    }
    return String(decoding: code, as: UTF8.self)
  }

  private func at(_ word: String) -> Bool { bytes[position...].starts(with: word.utf8) }

  /// Moves behind the string literal that begins here, if one does.
  private mutating func skipLiteral() -> Bool {
    let pounds = String(repeating: "#", count: bytes[position...].prefix { $0 == 0x23 }.count)
    guard let quote = ["\"\"\"", "\""].first(where: { at(pounds + $0) }) else { return false }
    let (end, escape) = (quote + pounds, "\\" + pounds)
    position += end.utf8.count
    while position < bytes.count, !at(end) {
      if at(escape + "(") {
        position += escape.utf8.count + 1
        skipInterpolation()
      } else {
        position += at(escape) ? escape.utf8.count + 1 : 1
      }
    }
    position = min(position + end.utf8.count, bytes.count)
    return true
  }

  /// Moves behind the bracket that closes the interpolation whose inside begins here.
  private mutating func skipInterpolation() {
    var depth = 1
    while position < bytes.count, depth > 0 {
      if skipLiteral() { continue }
      depth += at("(") ? 1 : at(")") ? -1 : 0
      position += 1
    }
  }
}
