import Foundation
import LanternFormats
import LanternTokenizers
import TestSupport
import Testing

/// Tokenizers of steps against the tokenizers library: tools/fixtures/pipeline_tokenizers.py.
@Suite struct PipelineTokenizerTests {
  private struct Case {
    let tokenizer: any LanguageTokenizer
    let members: [String: JSONValue]

    func ids(_ index: Int) -> [Int] {
      members["ids"]?.array?[index].array?.compactMap(\.integer) ?? []
    }
  }

  private static let names = [
    "llama", "llama, prefix at the beginning alone", "gemma", "unknown characters", "llama 3",
    "qwen 2",
    "smollm", "gpt-2, stripped", "unigram", "unigram, bytes", "bert", "bert, cased",
  ]

  private static let file = Result {
    try JSON.read(fixture("pipeline_tokenizers.json")).object ?? [:]
  }

  private static func texts() throws -> [String] {
    try file.get()["texts"]?.array?.compactMap(\.string) ?? []
  }

  private static func load(
    _ name: String, _ change: (inout [String: JSONValue]) -> Void = { _ in }
  ) throws -> Case {
    let cases = try file.get()["cases"]?.array?.compactMap(\.object) ?? []
    let members = try #require(cases.first { $0["name"]?.string == name })
    var file = try #require(members["file"]?.object)
    change(&file)
    let tokenizer = try withTemporaryFolder { folder in
      try write(JSON.write(.object(file)), folder, "tokenizer.json")
      return try TokenizerCatalogue.loadLanguage(folder: folder)
    }
    return Case(tokenizer: tokenizer, members: members)
  }

  private static func randomTexts(_ count: Int) throws -> [String] {
    let pieces = try file.get()["pieces"]?.array?.compactMap(\.string) ?? []
    return LanternTokenizersTests.randomTexts(of: pieces, count)
  }

  @Test(
    "ids of mean texts, and of 3,000 more, are those of the tokenizers library", arguments: names)
  func ids(name: String) throws {
    let found = try Self.load(name)
    for (index, text) in try Self.texts().enumerated() {
      #expect(found.tokenizer.encode(text) == found.ids(index), "\(text.debugDescription)")
    }
    let lines = try Self.randomTexts(3000).map { text in
      found.tokenizer.encode(text).map(String.init).joined(separator: " ") + "\n"
    }
    #expect(SHA256.hex(of: Array(lines.joined().utf8)) == found.members["hash"]?.string)
    let beginning = found.members["beginning"]?.array?.compactMap(\.integer)
    #expect(found.tokenizer.beginning == beginning)
  }

  @Test(
    "texts go back as the library decodes them, but for the space in front that a text which goes on has",
    arguments: names.filter { !$0.hasPrefix("bert") })
  func back(name: String) throws {
    let found = try Self.load(name)
    for (index, text) in try Self.texts().enumerated() {
      let wanted = found.members["back"]?.array?[index].string
      let back = String(decoding: found.tokenizer.decode(found.ids(index)), as: UTF8.self)
      let isSame = back == wanted || back == " " + (wanted ?? "")
      #expect(
        isSame, "\(text.debugDescription): \(back.debugDescription) \(wanted.debugDescription)")
    }
  }

  @Test("what people type never becomes a control token", arguments: names)
  func control(name: String) throws {
    let tokenizer = try Self.load(name).tokenizer
    for mark in ["<s>", "</s>", "<|end|>", "[UNK]", "[CLS]", "<unk>"] {
      let typed = tokenizer.encode("a \(mark) b", readsSpecial: false)
      guard let special = tokenizer.firstSpecial(in: mark) else { continue }
      // An unknown character may be the unknown token all the same.
      #expect(!typed.contains(special.id) || mark.lowercased().contains("unk"), "\(mark)")
      #expect(tokenizer.encode(mark).contains(special.id))
    }
  }

  @Test("a GGUF file of sentencepiece's kind gives the same ids by scores as the list of merges")
  func scores() throws {
    let tokenizer = try TokenizerCatalogue.load(GGUFFile(fixture("pipeline_tokenizers.gguf")))
    let merged = try Self.load("llama").tokenizer
    for text in try Self.texts() + Self.randomTexts(3000) {
      let (found, wanted) = (
        tokenizer.encode(text, readsSpecial: false), merged.encode(text, readsSpecial: false)
      )
      #expect(found == wanted, "\(text.debugDescription)")
    }
    #expect(tokenizer.beginning == [1] && tokenizer.endOfText == 2)
  }

  @Test("what a file asks for and Lantern lacks is refused by name")
  func refusals() throws {
    let changes: [(key: String, value: JSONValue)] = [
      ("normalizer", .object(["type": "ByteLevel"])),
      ("normalizer", .object(["type": "Precompiled"])),
      ("normalizer", .object(["type": "Precompiled", "precompiled_charsmap": "////AAAA"])),
      (
        "normalizer",
        .object(["type": "Replace", "pattern": .object(["Regex": "a+"]), "content": ""])
      ),
      ("pre_tokenizer", .object(["type": "UnicodeScripts"])),
      ("pre_tokenizer", .object(["type": "FixedLength", "length": 0])),
      (
        "pre_tokenizer",
        .object([
          "type": "Split", "behavior": "Isolated", "invert": false,
          "pattern": .object(["Regex": "[a-z]+"]),
        ])
      ),
      ("post_processor", .object(["type": "Strange"])), ("decoder", .object(["type": "CTC"])),
      ("decoder", .object(["type": "BPEDecoder"])),
      ("model", .object(["type": "WordLevel", "vocab": .object([:])])),
    ]
    for (key, value) in changes {
      let error = #expect(throws: TokenizerError.self) {
        try Self.load("llama") { $0[key] = value }
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains(key))
    }
  }

  @Test("a text of 100 kB is cut in time proportional to its length", arguments: names)
  func length(name: String) throws {
    let tokenizer = try Self.load(name).tokenizer
    let start = ContinuousClock.now
    _ = tokenizer.encode(String(repeating: "a", count: 100_000), readsSpecial: false)
    #expect(ContinuousClock.now - start < .seconds(30))
  }
}
