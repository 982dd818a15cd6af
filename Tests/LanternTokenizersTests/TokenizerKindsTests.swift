import Foundation
import LanternFormats
import LanternTokenizers
import TestSupport
import Testing

/// Tokenizers of encoders, and those of other files than `tokenizer.json`, against the tokenizers library,
/// sentencepiece and tiktoken: tools/fixtures/tokenizer_kinds.py.
@Suite struct TokenizerKindsTests {
  private static let file = Result {
    try JSON.read(fixture("tokenizer_kinds/cases.json")).object ?? [:]
  }

  private static let cases: [[String: JSONValue]] =
    (try? file.get()["cases"]?.array?.compactMap(\.object)) ?? []

  private static let names = cases.compactMap { $0["name"]?.string }

  private static func texts() throws -> [String] {
    try file.get()["texts"]?.array?.compactMap(\.string) ?? []
  }

  private static func members(_ name: String) throws -> [String: JSONValue] {
    try #require(cases.first { $0["name"]?.string == name })
  }

  /// Writes a case's files, or others, and loads its tokenizer.
  private static func load(_ name: String, _ change: (inout [String: [UInt8]]) -> Void = { _ in })
    throws -> any LanguageTokenizer
  {
    let ranks = try file.get()["ranks"]?.string ?? ""
    var files: [String: [UInt8]] = [:]
    for (name, value) in try members(name)["files"]?.object ?? [:] {
      let text = value.string == "ranks" ? ranks : value.string ?? ""
      let isBinary = name == "tokenizer.model" && value.string != "ranks"
      files[name] = isBinary ? try #require(Base64.decode(text.utf8)) : Array(text.utf8)
    }
    change(&files)
    return try withTemporaryFolder { folder in
      for (name, bytes) in files {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      }
      return try TokenizerCatalogue.loadLanguage(folder: folder)
    }
  }

  private static func randomTexts(_ count: Int) throws -> [String] {
    let pieces = try file.get()["pieces"]?.array?.compactMap(\.string) ?? []
    return LanternTokenizersTests.randomTexts(of: pieces, count)
  }

  /// The characters that normalizers change, 64 in a text.
  private static func scalarTexts() throws -> [String] {
    let ranges =
      try file.get()["ranges"]?.array?.compactMap { $0.array?.compactMap(\.integer) } ?? []
    let all = ranges.flatMap { Array($0[0]..<$0[1]) }
    return stride(from: 0, to: all.count, by: 64).map { start in
      var text = String.UnicodeScalarView()
      for (index, code) in all[start..<min(start + 64, all.count)].enumerated() {
        if index > 0 { text.append(contentsOf: " a".unicodeScalars) }
        if let scalar = Unicode.Scalar(UInt32(code)) { text.append(scalar) }
      }
      return String(text)
    }
  }

  private static func hash(_ texts: [String], _ tokenizer: some LanguageTokenizer) -> String {
    let lines = texts.map { text in
      tokenizer.encode(text, readsSpecial: false).map(String.init).joined(separator: " ") + "\n"
    }
    return SHA256.hex(of: Array(lines.joined().utf8))
  }

  @Test(
    "ids of mean texts, of 3,000 more and of 20,415 characters are those of the model's own library",
    arguments: names)
  func ids(name: String) throws {
    let tokenizer = try Self.load(name)
    let members = try Self.members(name)
    let ids = members["ids"]?.array?.compactMap { $0.array?.compactMap(\.integer) } ?? []
    #expect(try ids.count == Self.texts().count && ids.count > 40)
    for (text, ids) in zip(try Self.texts(), ids) {
      #expect(tokenizer.encode(text, readsSpecial: false) == ids, "\(text.debugDescription)")
    }
    #expect(try Self.hash(Self.randomTexts(3000), tokenizer) == members["hash"]?.string)
    #expect(try Self.hash(Self.scalarTexts(), tokenizer) == members["scalars"]?.string)
    #expect(tokenizer.beginning == members["beginning"]?.array?.compactMap(\.integer))
  }

  @Test(
    "texts go back as the library decodes them, but for the space in front of a text that goes on",
    arguments: names)
  func back(name: String) throws {
    let tokenizer = try Self.load(name)
    let members = try Self.members(name)
    let isSentencePiece = name.hasPrefix("sentencepiece")
    for (index, text) in try Self.texts().enumerated() {
      let ids = members["ids"]?.array?[index].array?.compactMap(\.integer) ?? []
      // sentencepiece writes U+2047 for what is unknown, where the model's token is `<unk>`.
      if isSentencePiece, ids.contains(0) { continue }
      let wanted = members["back"]?.array?[index].string ?? ""
      let back = String(decoding: tokenizer.decode(ids), as: UTF8.self)
      let isSame =
        Array(back.utf8) == Array(wanted.utf8) || Array(back.utf8) == Array((" " + wanted).utf8)
        || isSentencePiece && back.drop { $0 == " " } == wanted.drop { $0 == " " }
      #expect(
        isSame, "\(text.debugDescription): \(back.debugDescription) \(wanted.debugDescription)")
    }
  }

  @Test("sentencepiece's sums of 32 bits decide between ways that are nearly as good")
  func rounding() throws {
    /// A field of a protocol buffer, of up to 127 bytes.
    func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
      [number << 3 | 2, UInt8(bytes.count)] + bytes
    }
    func piece(_ text: String, _ score: Float, kind: UInt8 = 1) -> [UInt8] {
      let bits = (0..<4).map { UInt8(truncatingIfNeeded: score.bitPattern >> (8 * $0)) }
      return field(1, field(1, Array(text.utf8)) + [2 << 3 | 5] + bits + [3 << 3, kind])
    }
    // In 64 bits a, b and c are likelier together than abc; sentencepiece 0.2.3 takes abc, which is as likely in 32.
    let scores: [Float] = [-2.3308444023132324, -2.3086655139923096, -2.1878104209899902]
    let pieces =
      piece("<unk>", 0, kind: 2) + zip(["a", "b", "c"], scores).flatMap { piece($0, $1) }
      + piece("abc", -6.827320575714111)
    try withTemporaryFolder { folder in
      let model = pieces + field(2, [3 << 3, 1]) + field(3, [3 << 3, 0])
      try Data(model).write(to: URL(fileURLWithPath: "\(folder)/tokenizer.model"))
      let tokenizer = try TokenizerCatalogue.loadLanguage(folder: folder)
      #expect(tokenizer.encode("abc", readsSpecial: false) == [4])
      #expect(tokenizer.encode("ab", readsSpecial: false) == [1, 2])
    }
  }

  // Its own code encodes a turn's line break and its text one by one, each with a space before it.
  @Test("ChatGLM's control tokens come behind sentencepiece's pieces, and two begin a text")
  func chatGLM() throws {
    let name = "sentencepiece bpe, bytes, spaces kept"
    let plain = try Self.load(name)
    let tokenizer = try Self.load(name) { files in
      files["tokenizer_config.json"] = Array(#"{"tokenizer_class": "ChatGLMTokenizer"}"#.utf8)
    }
    let first = plain.count
    #expect(plain.endsOfTurn.isEmpty && tokenizer.count == first + 9)
    #expect(tokenizer.beginning == [first + 1, first + 3])
    #expect(tokenizer.endsOfTurn == [first + 6, first + 8])
    let turn = tokenizer.encode("[gMASK]sop<|user|>\n the fox<|assistant|>", readsSpecial: true)
    let text = ["\n", "the fox"].flatMap { plain.encode($0, readsSpecial: false) }
    #expect(turn == tokenizer.beginning + [first + 6] + text + [first + 7], "\(turn)")
    let typed = tokenizer.encode("<|user|>", readsSpecial: false)
    #expect(typed == plain.encode("<|user|>", readsSpecial: false))
    #expect(String(decoding: tokenizer.decode([first + 7]), as: UTF8.self) == "<|assistant|>")
  }

  @Test("special tokens have the library's ids where a template writes them, and no other text has")
  func special() throws {
    for members in Self.cases {
      let name = members["name"]?.string ?? ""
      let tokenizer = try Self.load(name)
      var special = members["special"]?.object?.compactMapValues(\.integer) ?? [:]
      if name.hasPrefix("bert,") { special = ["[CLS]": 2, "[SEP]": 3, "[MASK]": 4] }
      for (content, id) in special {
        #expect(tokenizer.encode("a\(content)b").contains(id), "\(name): \(content)")
        let typed = tokenizer.encode("a\(content)b", readsSpecial: false)
        #expect(Set(typed).isDisjoint(with: special.values), "\(name): \(content)")
        #expect(Array(content.utf8) == tokenizer.decode([id]) || name.hasPrefix("bert"))
      }
    }
  }

  @Test("llama.cpp's files of BERT's and T5's kinds give the ids of their models' own files")
  func files() throws {
    for (path, name) in [
      ("bert.gguf", "bert, uncased"), ("t5.gguf", "sentencepiece unigram, table"),
    ] {
      let tokenizer = try TokenizerCatalogue.load(GGUFFile(fixture("tokenizer_kinds/\(path)")))
      let members = try Self.members(name)
      // What the model's makers defined is cut out before all else in llama.cpp's files.
      let texts = try Self.texts().filter { !$0.contains("ab") && !$0.contains("<sep>") }
      let own = try Self.load(name)
      for text in texts {
        let wanted = own.encode(text, readsSpecial: false)
        #expect(tokenizer.encode(text, readsSpecial: false) == wanted, "\(text.debugDescription)")
      }
      #expect(texts.count > 30 && members["hash"] != nil)
    }
    let bert = try TokenizerCatalogue.load(GGUFFile(fixture("tokenizer_kinds/bert.gguf")))
    #expect(bert.beginning == [2] && bert.endOfText == 3)
    let t5 = try TokenizerCatalogue.load(GGUFFile(fixture("tokenizer_kinds/t5.gguf")))
    #expect(t5.beginning == [] && t5.endOfText == 2)
  }

  @Test("damaged lists of ranks, and lists of unknown models, are refused in words")
  func ranks() throws {
    let ranks = try #require(Self.file.get()["ranks"]?.string)
    let lines = ranks.split(separator: "\n")
    let damaged: [(name: String, text: String, reason: String)] = [
      ("strange.tiktoken", ranks, "strange.tiktoken"),
      ("qwen.tiktoken", ranks + "A=== 900\n", "line \(lines.count + 1)"),
      ("qwen.tiktoken", ranks + "YWFh\n", "line \(lines.count + 1)"),
      ("qwen.tiktoken", ranks + "YWFh -4\n", "line \(lines.count + 1)"),
      ("qwen.tiktoken", lines.dropFirst(1).joined(separator: "\n"), "byte 0"),
      ("tokenizer.model", "YWFh 1", "byte 0"),
    ]
    for (name, text, reason) in damaged {
      let error = #expect(throws: TokenizerError.self, "\(name)") {
        try Self.load("qwen's ranks") { $0 = [name: Array(text.utf8)] }
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains(reason))
    }
  }

  @Test(
    "a sentencepiece model cut short anywhere, or with any byte changed, ends in one error or loads"
  )
  func hostile() throws {
    let name = "sentencepiece unigram, table"
    let text = try Self.members(name)["files"]?.object?["tokenizer.model"]?.string ?? ""
    let bytes = try #require(Base64.decode(text.utf8))
    for end in stride(from: 1, to: bytes.count, by: 97) {
      for changed in [
        Array(bytes[..<end]), bytes[..<end] + [bytes[end] ^ 0x55] + bytes[(end + 1)...],
      ] {
        guard let tokenizer = try? Self.load(name, { $0["tokenizer.model"] = changed }) else {
          continue
        }
        _ = tokenizer.encode("①ﬁ e\u{301} a<sep>\u{0}b日本", readsSpecial: false)
      }
    }
  }
}
