import Foundation
import LanternFormats
import LanternTokenizers
import TestSupport
import Testing

/// The fixture holds a small vocabulary laid out as OpenAI's, and what `transformers` makes of a
/// mean corpus with it: tools/fixtures/clip_tokenizer.py.
@Suite struct CLIPTokenizerTests {
  static let kinds = [
    "plain", "stable diffusion 1", "stable diffusion 2", "added tokens", "flags", "legacy", "extra",
    "several vectors",
  ]

  @Test("ids equal those of transformers on a mean corpus", arguments: kinds)
  func corpus(kind: String) throws {
    let reference = try TokenizerFixture(kind)
    let tokenizer = try reference.load()
    #expect(tokenizer.window.beginning == reference.integer("beginning"))
    #expect(tokenizer.endOfText == reference.integer("end"))
    #expect(tokenizer.window.padding == reference.integer("padding"))
    #expect(tokenizer.window.length == reference.integer("length"))
    #expect(reference.pairs("texts").count > 60)
    for (text, ids) in reference.pairs("texts") {
      #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
    }
    for (text, ids) in reference.pairs("padded") {
      #expect(
        tokenizer.window.filled(with: tokenizer.encode(text)) == ids, "\(text.debugDescription)")
    }
  }

  @Test(
    "ids are decoded to the text that transformers gives, but for spaces around it and its lower case",
    arguments: kinds)
  func decoding(kind: String) throws {
    let reference = try TokenizerFixture(kind)
    let tokenizer = try reference.load()
    let pairs = reference.decoded
    #expect(pairs.count > 50)
    for (ids, text) in pairs {
      let around = CharacterSet.whitespacesAndNewlines.union(.controlCharacters)
      let found = String(decoding: tokenizer.decode(ids), as: UTF8.self)
        .trimmingCharacters(in: around)
      let wanted = text.trimmingCharacters(in: around)
      #expect(found.lowercased() == wanted.lowercased(), "\(ids)")
    }
    #expect(tokenizer.decode([-1, tokenizer.count, .max]).isEmpty)
  }

  @Test(
    "tokenizer.json in place of vocab.json and merges.txt gives the same ids",
    arguments: [true, false])
  func tokenizerJSON(pairs: Bool) throws {
    let reference = try TokenizerFixture("plain")
    let tokenizer = try reference.load { folder in
      for name in ["vocab.json", "merges.txt"] {
        try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
      }
      let merges = reference.merges.map { merge -> JSONValue in
        pairs ? .array(merge.split(separator: " ").map { .string(String($0)) }) : .string(merge)
      }
      let model: JSONValue = .object([
        "type": .string("BPE"), "vocab": .object(reference.vocabulary), "merges": .array(merges),
      ])
      try write(JSON.write(.object(["model": model])), folder, "tokenizer.json")
    }
    for (text, ids) in reference.pairs("texts") { #expect(tokenizer.encode(text) == ids) }
  }

  @Test("where there are both, tokenizer.json says more than vocab.json and merges.txt")
  func both() throws {
    let reference = try TokenizerFixture("plain")
    let tokenizer = try reference.load { folder in
      var vocabulary = reference.vocabulary
      (vocabulary["a</w>"], vocabulary["b</w>"]) = (vocabulary["b</w>"], vocabulary["a</w>"])
      let added: JSONValue = .object([
        "id": .integer(vocabulary.count), "content": .string("<new>"), "special": .bool(true),
      ])
      let model: JSONValue = .object([
        "type": .string("BPE"), "vocab": .object(vocabulary), "merges": .array([]),
      ])
      let all: JSONValue = .object(["model": model, "added_tokens": .array([added])])
      try write(JSON.write(all), folder, "tokenizer.json")
    }
    let plain = try reference.load()
    #expect(tokenizer.encode("a <new>") == plain.encode("b") + [reference.vocabulary.count])
  }

  @Test("curly quotes and wide letters stay as they are typed, as in transformers 5 without ftfy")
  func typography() throws {
    let reference = try TokenizerFixture("plain")
    let tokenizer = try reference.load()
    #expect(reference.texts("mended").count == 4)
    for (text, mended) in reference.texts("mended") {
      #expect(tokenizer.encode(text) != tokenizer.encode(mended))
      #expect(
        reference.pairs("texts").contains { $0.text == text && $0.ids == tokenizer.encode(text) })
    }
  }

  @Test("each token of several vectors stands as all of them, as diffusers' pipelines have it")
  func severalVectors() throws {
    let reference = try TokenizerFixture("several vectors")
    let tokenizer = try reference.load()
    #expect(reference.texts("converted").count > 30)
    for (text, converted) in reference.texts("converted") {
      #expect(tokenizer.withAllVectors(text) == converted)
    }
    #expect(tokenizer.withAllVectors("a <toy>!") == "a <toy> <toy>_1 <toy>_2!")
    // Written out already, or another token that begins so: diffusers makes nonsense of both.
    for text in ["<toy> <toy>_1 <toy>_2", "<toy><toy>_1<toy>_2", "<toy>_1", "<toy>s, <toy>_2"] {
      #expect(tokenizer.withAllVectors(text) == text)
    }
    #expect(try TokenizerFixture("plain").load().withAllVectors("<toy>") == "<toy>")
  }

  @Test("added tokens follow the vocabulary without a gap, whatever their numbers: told")
  func gaps() throws {
    let reference = try TokenizerFixture("plain")
    let count = reference.vocabulary.count
    func load(_ tokens: String) throws -> CLIPTokenizer {
      try reference.load { try write(tokens, $0, "added_tokens.json") }
    }
    let even = try load(#"{"<b>": \#(count + 1), "<a>": \#(count)}"#)
    #expect(even.encode("<a> <b>") == [count, count + 1])
    #expect(even.notes.isEmpty)
    let odd = try load(#"{"<b>": \#(count + 9), "<a>": \#(count + 3)}"#)
    #expect(odd.encode("<a> <b>") == [count, count + 1])
    #expect(odd.notes.count == 1)
    #expect(odd.notes[0].contains("the token \"<a>\" is given the number \(count + 3)"))
    #expect(odd.notes[0].contains("counts as \(count):"))
  }

  @Test(
    "a length that no model has counts as 77",
    arguments: ["1000000000000000019884624838656", "1e30", "null"])
  func absurdLength(length: String) throws {
    let tokenizer = try TokenizerFixture("plain").load { folder in
      try write(#"{"model_max_length": \#(length)}"#, folder, "tokenizer_config.json")
    }
    #expect(tokenizer.window.length == 77)
    #expect(
      tokenizer.window.filled(with: tokenizer.encode(String(repeating: "owl ", count: 100))).count
        == 77)
  }

  @Test("100 kB of text, one word or many, take well under a second each")
  func longTexts() throws {
    let tokenizer = try TokenizerFixture("plain").load()
    let texts = [
      String(repeating: "a", count: 100_000), String(repeating: "the cat's ", count: 10_000),
      String(repeating: "猫", count: 33_000), String(repeating: "a\u{301}", count: 33_000),
      String(repeating: "\u{301}\u{323}", count: 10_000), String(repeating: "!<|", count: 33_000),
      String(repeating: "<|endoftext|", count: 8_000), (0..<20_000).map { "\($0)x" }.joined(),
    ]
    for text in texts {
      var count = 0
      let time = ContinuousClock().measure { count = tokenizer.encode(text).count }
      #expect(count > 0)
      #expect(time < .seconds(10), "\(text.prefix(12))")
    }
  }

  @Test("what is wrong with the files is said in one line that names the file")
  func errors() throws {
    let reference = try TokenizerFixture("plain")
    func error(_ name: String, _ content: String) -> String {
      do {
        _ = try reference.load { try write(content, $0, name) }
        return "loaded"
      } catch {
        return "\(error)"
      }
    }
    #expect(error("merges.txt", "t h\nth\n").contains("merges.txt: merge 2 is not two tokens"))
    #expect(error("merges.txt", "t h\nt zz\n").contains("needs the token \"zz\""))
    #expect(error("vocab.json", "[]").contains("vocab.json: byte 0: an object"))
    #expect(error("vocab.json", #"{"a": -1}"#).contains("the id of the token \"a\""))
    #expect(error("vocab.json", #"{"a": 1}"#).contains("merges.txt: merge 1 needs the token"))
    #expect(error("tokenizer_config.json", "{").contains("tokenizer_config.json: byte"))
    #expect(
      error("tokenizer_config.json", #"{"model_max_length": 2}"#)
        .contains("\"model_max_length\" is 2, which Lantern does not support"))
    #expect(
      error("special_tokens_map.json", #"{"pad_token": 3}"#).contains("\"pad_token\" should be"))
    #expect(
      error("special_tokens_map.json", #"{"mask_token": {"content": "!", "lstrip": 1}}"#)
        .contains("\"mask_token.lstrip\" should be true or false"))
    let long = String(repeating: "x", count: 1025)
    #expect(
      error("special_tokens_map.json", #"{"mask_token": "\#(long)"}"#)
        .contains("\"mask_token\" is a token of more than 256 characters"))
    #expect(
      error("added_tokens.json", #"{"\#(long)": 800}"#).contains("a token of more than 256"))
    #expect(throws: TokenizerError.self) {
      try withTemporaryFolder { folder in _ = try CLIPTokenizer(folder: folder) }
    }
  }

  @Test("the catalogue loads by class, and names the classes it has when asked for another")
  func catalogue() throws {
    let reference = try TokenizerFixture("plain")
    _ = try reference.load { folder in
      #expect(try TokenizerCatalogue.load(folder: folder).window.length == 77)
      let other = #"{"tokenizer_class": "T5Tokenizer"}"#
      try write(other, folder, "tokenizer_config.json")
      #expect(
        throws: TokenizerError.unknownClass(
          name: "T5Tokenizer",
          known: [
            "CLIPTokenizer", "CLIPTokenizerFast", "CodeGenTokenizer", "CodeGenTokenizerFast",
            "GPT2Tokenizer", "GPT2TokenizerFast",
          ],
          file: "\(folder)/tokenizer_config.json")
      ) { try TokenizerCatalogue.load(folder: folder) }
    }
  }
}

/// CLIP's own vocabulary, which Lantern ships as merges: tools/fixtures/single_file.py.
@Suite struct CLIPVocabularyTests {
  @Test("the shipped merges give the ids of transformers' CLIPTokenizer")
  func ids() throws {
    let tokenizer = try TokenizerCatalogue.load(folder: repositoryPath("weights/clip"))
    let cases = try #require(try JSON.read(fixture("single_file/clip_ids.json")).array)
    #expect(cases.count == 9)
    for item in cases.compactMap(\.object) {
      let text = try #require(item["text"]?.string)
      #expect(
        tokenizer.encode(text, readsSpecial: true) == item["ids"]?.array?.compactMap(\.integer),
        "\(text)")
    }
    #expect(tokenizer.window.beginning == 49406 && tokenizer.window.end == 49407)
    #expect(tokenizer.window.padding == 49407 && tokenizer.window.length == 77)
    let other = try TokenizerCatalogue.load(
      folder: repositoryPath("weights/clip"), with: ["pad_token": .string("!")])
    #expect(other.window.padding == 0)
  }
}
