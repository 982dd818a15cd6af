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

extension SourceTree {
  /// The functions and initializers of Swift without comments and literals, in the order of their first
  /// lines, each with its number of lines from `func` or `init` to the closing brace. Requirements of
  /// protocols have none and are left out.
  static func functions(in code: String) -> [(name: String, lines: Int)] {
    let bytes = Array(code.utf8)
    let declaration = /\b(?:func +([^\s(<]+|<[^\s(]*) *[(<]|(init)[?]?[(<])/
    return code.matches(of: declaration).compactMap { found in
      let start = code.utf8.distance(from: code.startIndex, to: found.range.lowerBound)
      // A call, as `self.init(…)`.
      if start > 0, bytes[start - 1] == UInt8(ascii: ".") { return nil }
      guard let end = end(ofFunctionAt: start, in: bytes) else { return nil }
      let lines = bytes[start..<end].count { $0 == UInt8(ascii: "\n") } + 1
      return (String(found.output.1 ?? found.output.2 ?? ""), lines)
    }
  }

  /// The place of the brace that closes the body of a function; nil where it has none.
  private static func end(ofFunctionAt start: Int, in bytes: [UInt8]) -> Int? {
    var (round, curly) = (0, 0)
    for place in start..<bytes.count {
      switch bytes[place] {
      case UInt8(ascii: "("), UInt8(ascii: "["): round += 1
      case UInt8(ascii: ")"), UInt8(ascii: "]"): round -= 1
      // A default value's closure stands in round brackets and is no body.
      case UInt8(ascii: "{") where round == 0: curly += 1
      case UInt8(ascii: "}") where round == 0:
        curly -= 1
        if curly == 0 { return place }
        if curly < 0 { return nil }
      case UInt8(ascii: ";") where round == 0 && curly == 0: return nil
      case UInt8(ascii: "\n") where round == 0 && curly == 0:
        if isNextDeclaration(bytes[(place + 1)...]) { return nil }
      default: break
      }
    }
    return nil
  }

  /// Whether a line begins something of its own, so that what stood before it had no body: what goes
  /// on with a signature begins with a bracket, an arrow, `throws`, `where` and their like.
  private static func isNextDeclaration(_ rest: ArraySlice<UInt8>) -> Bool {
    let line = String(decoding: rest.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    let words = line.split { !$0.isLetter && $0 != "@" }
    let first = words.first.map(String.init) ?? ""
    return [
      "func", "init", "var", "let", "static", "mutating", "associatedtype", "package", "public",
      "private", "subscript", "struct", "enum", "extension", "protocol", "typealias", "@",
    ].contains(first)
  }
}

/// Walks over Swift byte by byte.
private struct Scrubber {
  let bytes: [UInt8]
  var position = 0

  /// Keeps every end of a line, so that lines have the numbers that they have in the file.
  mutating func code() -> String {
    var code: [UInt8] = []
    while position < bytes.count {
      let start = position
      if at("//") {
        while position < bytes.count, !at("\n") { position += 1 }
      } else if at("/*") {
        while position < bytes.count, !at("*/") { position += 1 }
        position = min(position + 2, bytes.count)
        code += bytes[start..<position].filter { $0 == 0x0A }
      } else if skipLiteral() {
        code += "\"\"".utf8
        code += bytes[start..<position].filter { $0 == 0x0A }
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
