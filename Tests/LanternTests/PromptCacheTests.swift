import Foundation
import Lantern
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Prompt caches of small random models.
@Suite struct PromptCacheTests {
  /// Words by rule: the texts of two ends begin alike.
  private func prompt(_ words: Int, end: String) -> String {
    let all = ["the", "fox", "and", "key", "who", "a"]
    let chosen = (0..<words).map { (index: Int) -> String in all[(index * index + index / 3) % 6] }
    return chosen.joined(separator: " ") + end
  }

  private func request(_ prompt: String, cache: String? = nil) -> LanguageRequest {
    var request = LanguageRequest(prompt: prompt)
    (request.maximumTokens, request.seed, request.logProbabilities) = (5, 7, 4)
    request.promptCache = cache
    return request
  }

  // In blocks of GGUF; with windows, of all layers and of some; in f32 and in integers.
  @Test(
    "a prompt that begins like one in the file is read from there on, and every probability has the bits it has without",
    arguments: ["qwen2.gguf", "llama.gguf", "mistral", "gemma3"],
    [(Precision.exact, nil), (.fast, nil), (.fast, .int8)] as [(Precision, KVCacheType?)])
  func bits(name: String, computing: (precision: Precision, cacheType: KVCacheType?)) throws {
    try withTemporaryFolder { folder in
      let generator = try LanguageGenerator(
        path: longContextModel(name, in: folder), precision: computing.precision,
        cacheType: computing.cacheType)
      let file = folder + "/prompt.safetensors"
      let (first, second) = (prompt(320, end: " one"), prompt(320, end: " two and a half"))
      let plain = try generator.written(request(second))
      #expect(plain.result.cachedTokens == 0 && plain.result.promptTokens > 520)
      let blocks = plain.result.promptTokens / 256 * 256
      let written = try generator.written(request(first, cache: file)).result
      #expect(
        written.cachedTokens == 0
          && written.notes.contains { $0.contains("\(blocks) of the prompt") })
      let cached = try generator.written(request(second, cache: file))
      #expect(cached.result.cachedTokens == blocks, "\(cached.result.notes)")
      #expect(cached.result.notes.contains { $0.contains("\(blocks) of the prompt") })
      #expect(cached.tokens == plain.tokens && cached.result.text == plain.result.text)
      // Of a shorter prompt fewer blocks; of another none, and then the file has that one.
      let short = prompt(160, end: "!")
      let fewer = try generator.written(request(short, cache: file))
      #expect(fewer.result.cachedTokens == 256)
      #expect(try fewer.tokens == generator.written(request(short)).tokens)
      #expect(try generator.written(request("?" + first, cache: file)).result.cachedTokens == 0)
      #expect(
        try generator.written(request("?" + second, cache: file)).result.cachedTokens == blocks)
    }
  }

  @Test(
    "files of another model or precision, damaged ones and others are refused in a line and stay as they are"
  )
  func refusals() throws {
    try withTemporaryFolder { folder in
      let path = try longContextModel("qwen2.gguf", in: folder)
      let generator = try LanguageGenerator(path: path, precision: .exact)
      let file = folder + "/prompt.safetensors"
      let long = prompt(160, end: "")
      _ = try generator.written(request(long, cache: file))
      let good = try Data(contentsOf: URL(fileURLWithPath: file))
      func complaint(_ bytes: Data, _ generator: LanguageGenerator) throws -> String {
        try bytes.write(to: URL(fileURLWithPath: file))
        let error = try #require(throws: RequestError.self) {
          try generator.written(request(long, cache: file))
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == bytes)
        return "\(error)"
      }
      for other in [
        try LanguageGenerator(path: path, precision: .fast),
        try LanguageGenerator(path: longContextModel("qwen3.gguf", in: folder), precision: .exact),
      ] { #expect(try complaint(good, other).contains("is of another model")) }
      for type in [KVCacheType.f16, .int8] {
        let other = try LanguageGenerator(path: path, precision: .exact, cacheType: type)
        #expect(
          try complaint(good, other).contains("has keys and values of f32, not \(type.rawValue)"))
      }
      // Weights slightly otherwise.
      var weights = try Data(contentsOf: URL(fileURLWithPath: path))
      for index in stride(from: weights.count / 2, to: weights.count, by: 16) {
        weights[index] ^= 1
      }
      try weights.write(to: URL(fileURLWithPath: folder + "/tuned.gguf"))
      let tuned = try LanguageGenerator(path: folder + "/tuned.gguf", precision: .exact)
      #expect(try complaint(good, tuned).contains("is of another model"))
      for position in [good.count - 1, good.count / 2] {
        var damaged = good
        damaged[position] ^= 0x40
        #expect(try complaint(damaged, generator).contains("is damaged"))
      }
      #expect(try complaint(good.dropLast(9), generator).contains("damaged"))
      #expect(try complaint(Data("a story".utf8), generator).contains("is no prompt cache"))
      let tensors = try Data(contentsOf: URL(fileURLWithPath: fixture("tensor_files.safetensors")))
      #expect(try complaint(tensors, generator).contains("is no prompt cache"))
    }
  }

  @Test("where no block of tokens can be kept, a note says why and there is no file")
  func without() throws {
    try withTemporaryFolder { folder in
      let file = folder + "/prompt.safetensors"
      for (name, words, reason) in [
        ("qwen2.gguf", 9, "whole blocks of 256"), ("phi3", 120, "beyond 12 tokens"),
      ] {
        let generator = try LanguageGenerator(path: longContextModel(name, in: folder))
        let result = try generator.written(request(prompt(words, end: ""), cache: file)).result
        #expect(result.notes.contains { $0.contains(reason) }, "\(result.notes)")
        #expect(!FileManager.default.fileExists(atPath: file))
      }
      let generator = try LanguageGenerator(path: longContextModel("qwen2.gguf", in: folder))
      let traced = try generator.write(
        request(prompt(160, end: ""), cache: file), onLogits: { _, _ in }, onEvent: { _ in })
      #expect(traced.notes.contains { $0.contains("prompt cache without effect") })
      #expect(!FileManager.default.fileExists(atPath: file))
    }
  }

  @Test("a conversation begins from the file too, and says what it did before")
  func conversation() throws {
    try withTemporaryFolder { folder in
      let generator = try LanguageGenerator(path: longContextModel("qwen2.gguf", in: folder))
      let template =
        "{% for m in messages %}{{ m.role[0] + m.content + '<|im_end|>' }}{% endfor %}{{ 'a' }}"
      let file = folder + "/prompt.safetensors"
      func talk(_ cache: String?) throws -> (answers: [String], read: [Int]) {
        var conversation = try LanguageConversation(generator, template: (template, "short"))
        conversation.system = prompt(180, end: ".")
        var (answers, read): ([String], [Int]) = ([], [])
        for text in ["The fox", "and the key"] {
          answers.append(try conversation.answer(text, request("", cache: cache)) { _ in }.text)
          read.append(conversation.readTokens)
        }
        return (answers, read)
      }
      let plain = try talk(nil)
      #expect(try talk(file) == plain)
      let again = try talk(file)
      #expect(again.answers == plain.answers)
      #expect(again.read == [plain.read[0] - 256, plain.read[1]], "\(again.read) \(plain.read)")
    }
  }
}
