import Foundation
import LanternFormats
import LanternTokenizers
import TestSupport
import Testing

/// One of the tokenizers of `clip_tokenizer.json`.
struct TokenizerFixture {
  private let members: [String: JSONValue]
  private let kind: [String: JSONValue]

  init(_ name: String) throws {
    members = try JSON.read(fixture("clip_tokenizer.json")).object ?? [:]
    let kinds = (members["cases"]?.array ?? []).compactMap(\.object)
    kind = try #require(kinds.first { $0["name"]?.string == name })
  }

  func integer(_ key: String) -> Int? { kind[key]?.integer }

  func pairs(_ key: String) -> [(text: String, ids: [Int])] {
    (kind[key]?.array ?? []).compactMap { pair in
      guard let pair = pair.array, let text = pair[0].string else { return nil }
      return (text, pair[1].array?.compactMap(\.integer) ?? [])
    }
  }

  var decoded: [(ids: [Int], text: String)] {
    (kind["decoded"]?.array ?? []).compactMap { pair in
      guard let pair = pair.array, let text = pair[1].string else { return nil }
      return (pair[0].array?.compactMap(\.integer) ?? [], text)
    }
  }

  func texts(_ key: String) -> [(text: String, other: String)] {
    (kind[key]?.array ?? []).compactMap { pair in
      guard let pair = pair.array?.compactMap(\.string), pair.count == 2 else { return nil }
      return (pair[0], pair[1])
    }
  }

  var vocabulary: [String: JSONValue] { members["vocab"]?.object ?? [:] }
  var merges: [String] { members["merges"]?.array?.compactMap(\.string) ?? [] }

  /// Writes the tokenizer's files, lets `change` alter them, and loads them.
  func load(_ change: (_ folder: String) throws -> Void = { _ in }) throws -> CLIPTokenizer {
    try withTemporaryFolder { folder in
      try write(JSON.write(.object(vocabulary)), folder, "vocab.json")
      try write((["#version: 0.2"] + merges + [""]).joined(separator: "\n"), folder, "merges.txt")
      for (name, value) in kind["files"]?.object ?? [:] {
        try write(JSON.write(value), folder, name)
      }
      try change(folder)
      return try CLIPTokenizer(folder: folder)
    }
  }
}

/// Writes a text to a file of a folder.
func write(_ text: String, _ folder: String, _ name: String) throws {
  try text.write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
}

/// Texts of pieces, by the rule of tools/tokenizer_parts.py.
func randomTexts(of pieces: [String], _ count: Int) -> [String] {
  var state: UInt64 = 22
  func draw(_ limit: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(limit))
  }
  return (0..<count).map { _ in
    var text = String.UnicodeScalarView()
    for _ in 0..<draw(14) + 1 {
      text.append(contentsOf: pieces[draw(pieces.count)].unicodeScalars)
    }
    return String(text)
  }
}
