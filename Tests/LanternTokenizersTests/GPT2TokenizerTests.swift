import Foundation
import LanternFormats
import LanternTokenizers
import TestSupport
import Testing

/// The fixture holds a small vocabulary laid out as GPT-2's, and what `transformers` makes of a mean
/// corpus with it: tools/fixtures/gpt2_tokenizer.py.
@Suite struct GPT2TokenizerTests {
  private func load(_ name: String) throws -> (
    tokenizer: GPT2Tokenizer, pairs: [(text: String, ids: [Int], back: String)], end: Int
  ) {
    let members = try JSON.read(fixture("gpt2_tokenizer.json")).object ?? [:]
    let cases = (members["cases"]?.array ?? []).compactMap(\.object)
    let found = try #require(cases.first { $0["name"]?.string == name })
    let merges = members["merges"]?.array?.compactMap(\.string) ?? []
    let tokenizer = try withTemporaryFolder { folder in
      try write(JSON.write(try #require(members["vocab"])), folder, "vocab.json")
      try write((["#version: 0.2"] + merges + [""]).joined(separator: "\n"), folder, "merges.txt")
      for (name, value) in found["files"]?.object ?? [:] {
        try write(JSON.write(value), folder, name)
      }
      return try #require(try TokenizerCatalogue.load(folder: folder) as? GPT2Tokenizer)
    }
    let pairs = (found["texts"]?.array ?? []).compactMap { entry -> (String, [Int], String)? in
      guard let entry = entry.array, let text = entry[0].string, let back = entry[2].string else {
        return nil
      }
      return (text, entry[1].array?.compactMap(\.integer) ?? [], back)
    }
    return (tokenizer, pairs, try #require(found["end"]?.integer))
  }

  @Test(
    "ids equal those of transformers on a mean corpus, and are read back the same",
    arguments: ["gpt2", "phi"])
  func corpus(name: String) throws {
    let (tokenizer, pairs, end) = try load(name)
    #expect(tokenizer.endOfText == end)
    #expect(pairs.count > 180)
    for (text, ids, back) in pairs {
      #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
      #expect(tokenizer.decode(ids) == Array(back.utf8), "\(text.debugDescription)")
      #expect(tokenizer.decode(tokenizer.encode(text, readsSpecial: false)) == Array(text.utf8))
    }
  }

  @Test("flags of added tokens and a space in front are heeded as in transformers")
  func flags() throws {
    let (tokenizer, pairs, end) = try load("flags")
    #expect(pairs.count > 60)
    for (text, ids, back) in pairs {
      #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
      #expect(tokenizer.decode(ids) == Array(back.utf8), "\(text.debugDescription)")
      #expect(!tokenizer.encode(text, readsSpecial: false).contains(end))
    }
  }

  @Test("what people type never becomes a control token")
  func plain() throws {
    let (tokenizer, _, end) = try load("gpt2")
    #expect(tokenizer.encode("a<|endoftext|>b").contains(end))
    #expect(!tokenizer.encode("a<|endoftext|>b", readsSpecial: false).contains(end))
  }

  @Test("ids that there are not stand for nothing")
  func strangers() throws {
    let (tokenizer, _, _) = try load("gpt2")
    #expect(tokenizer.decode([-1, tokenizer.count, .max]).isEmpty)
  }
}
