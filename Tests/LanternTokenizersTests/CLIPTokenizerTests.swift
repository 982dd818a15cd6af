import Foundation
import LanternFormats
import LanternTokenizers
import TestSupport
import Testing

/// The fixture holds a small vocabulary laid out as OpenAI's, and what `transformers` makes of a
/// mean corpus with it: tools/fixtures/clip_tokenizer.py.
@Suite struct CLIPTokenizerTests {
  static let kinds = ["plain", "stable diffusion 1", "stable diffusion 2", "added tokens"]

  @Test("ids equal those of transformers on a mean corpus", arguments: kinds)
  func corpus(kind: String) throws {
    let reference = try TokenizerFixture(kind)
    let tokenizer = try reference.load()
    #expect(tokenizer.beginningOfText == reference.integer("beginning"))
    #expect(tokenizer.endOfText == reference.integer("end"))
    #expect(tokenizer.padding == reference.integer("padding"))
    #expect(tokenizer.maximumLength == reference.integer("length"))
    #expect(reference.pairs("texts").count > 80)
    for (text, ids) in reference.pairs("texts") {
      #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
    }
    for (text, ids) in reference.pairs("padded") {
      #expect(tokenizer.tokens(for: text) == ids, "\(text.debugDescription)")
    }
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

  @Test(
    "a length that no model has counts as 77",
    arguments: ["1000000000000000019884624838656", "1e30", "null"])
  func absurdLength(length: String) throws {
    let tokenizer = try TokenizerFixture("plain").load { folder in
      try write(#"{"model_max_length": \#(length)}"#, folder, "tokenizer_config.json")
    }
    #expect(tokenizer.maximumLength == 77)
    #expect(tokenizer.tokens(for: String(repeating: "owl ", count: 100)).count == 77)
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
    #expect(error("vocab.json", #"{"a": 1}"#).contains("\"bos_token\" is \"<|startoftext|>\""))
    #expect(error("tokenizer_config.json", "{").contains("tokenizer_config.json: byte"))
    #expect(
      error("tokenizer_config.json", #"{"model_max_length": 2}"#)
        .contains("\"model_max_length\" is 2, which Lantern does not support"))
    #expect(
      error("special_tokens_map.json", #"{"pad_token": "<pad>"}"#)
        .contains("special_tokens_map.json: \"pad_token\" is \"<pad>\""))
    #expect(
      error("special_tokens_map.json", #"{"pad_token": 3}"#).contains("\"pad_token\" should be"))
    #expect(
      error("special_tokens_map.json", #"{"mask_token": {"content": "!", "lstrip": true}}"#)
        .contains("\"mask_token.lstrip\" is true"))
    #expect(throws: TokenizerError.self) {
      try withTemporaryFolder { folder in _ = try CLIPTokenizer(folder: folder) }
    }
  }

  @Test("the catalogue loads by class, and names the classes it has when asked for another")
  func catalogue() throws {
    let reference = try TokenizerFixture("plain")
    _ = try reference.load { folder in
      #expect(try TokenizerCatalogue.load(folder: folder).maximumLength == 77)
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
