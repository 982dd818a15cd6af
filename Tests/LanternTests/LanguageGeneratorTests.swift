import Foundation
import Lantern
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Text from small random models: tools/fixtures/gguf_models.py.
@Suite struct LanguageGeneratorTests {
  private func generator(_ name: String = "qwen2") throws -> LanguageGenerator {
    try LanguageGenerator(path: fixture("gguf_models/\(name).gguf"))
  }

  private func request(_ prompt: String = "The red fox", tokens: Int = 12) -> LanguageRequest {
    var request = LanguageRequest(prompt: prompt)
    (request.maximumTokens, request.seed) = (tokens, 7)
    return request
  }

  @Test("the same seed writes the same text, another seed another")
  func seeds() async throws {
    let generator = try generator()
    var request = request()
    let first = try await generator.text(request)
    #expect(try await generator.text(request).text == first.text)
    #expect(!first.text.isEmpty && first.tokens <= 12 && first.promptTokens > 0)
    request.seed = 8
    #expect(try await generator.text(request).text != first.text)
  }

  @Test(
    "temperature 0 takes the likeliest token each time, and the logits are those of what was read")
  func greedy() throws {
    let generator = try generator()
    var request = request(tokens: 9)
    request.temperature = 0
    var (ids, rows): ([Int], [[Float]]) = ([], [])
    let result = try generator.write(
      request,
      onLogits: { read, logits in
        ids += read
        let floats = try logits.floats()
        let width = logits.shape[2]
        rows += (0..<read.count).map { Array(floats[$0 * width..<($0 + 1) * width]) }
      }, onEvent: { _ in })
    #expect(ids.count == result.promptTokens + result.tokens && rows.count == ids.count)
    for index in result.promptTokens..<ids.count {
      let best = rows[index - 1].indices.max { rows[index - 1][$0] < rows[index - 1][$1] }
      #expect(ids[index] == best, "\(index)")
    }
    // Nothing depends on being traced.
    #expect(try generator.write(request) { _ in }.text == result.text)
  }

  @Test("pieces of a stream are whole characters, and the text when joined")
  func stream() async throws {
    var (pieces, result): ([String], LanguageResult?) = ([], nil)
    for try await event in try generator().generate(request(tokens: 40)) {
      switch event {
      case .text(let piece): pieces.append(piece)
      case .finished(let last): result = last
      }
    }
    #expect(pieces.joined() == result?.text && pieces.count >= 40)
  }

  @Test("a text ends before a string that should stop it, and says so")
  func stop() async throws {
    let generator = try generator()
    var request = request(tokens: 30)
    let whole = try await generator.text(request)
    #expect(whole.ending == .length)
    let middle = whole.text.index(whole.text.startIndex, offsetBy: whole.text.count / 2)
    let stop = String(whole.text[middle...].prefix(2))
    request.stop = [stop]
    let cut = try await generator.text(request)
    let wanted = whole.text.range(of: stop).map { String(whole.text[..<$0.lowerBound]) }
    #expect(cut.text == wanted && cut.ending == .stopString && cut.tokens < whole.tokens)
  }

  @Test(
    "a text that fills the model's context ends there with a note, and a longer prompt is refused")
  func context() async throws {
    let generator = try generator()
    let result = try await generator.text(request(tokens: 1000))
    // The model may end the text before.
    if result.ending == .length { #expect(result.promptTokens + result.tokens == 64) }
    #expect(result.notes.contains { $0.contains("64") })
    let long = request(String(repeating: "1 ", count: 100))
    let error = await #expect(throws: RequestError.self) { try await generator.text(long) }
    #expect(error.map { "\($0)".contains("context is 64") } == true)
  }

  @Test("numbers out of range are refused, and the message says what to choose")
  func ranges() async throws {
    let generator = try generator()
    var cases: [(String, LanguageRequest)] = []
    func add(_ word: String, _ change: (inout LanguageRequest) -> Void) {
      var request = request()
      change(&request)
      cases.append((word, request))
    }
    add("tokens") { $0.maximumTokens = 0 }
    add("temperature") { $0.temperature = -1 }
    add("top-p") { $0.topP = 0 }
    add("top-k") { $0.topK = -1 }
    add("min-p") { $0.minP = 1 }
    add("repetition") { $0.repetitionPenalty = 0 }
    for (word, request) in cases {
      let error = await #expect(throws: RequestError.self) { try await generator.text(request) }
      #expect(error.map { "\($0)".contains(word) } == true, "\(word)")
    }
  }

  @Test("an empty prompt begins with the end-of-text token, and cancelled work stops")
  func ends() async throws {
    let generator = try generator()
    #expect(try await generator.text(request("", tokens: 2)).promptTokens == 1)
    let task = Task { try await generator.text(request(tokens: 50)) }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test("files that are no language model are refused by what they are")
  func refused() throws {
    for (path, word) in [
      (fixture("tensor_files.safetensors"), "GGUF"), (fixture("tiny_model"), "config.json"),
      (fixture("gguf_models/none.gguf"), "none.gguf"),
    ] {
      let error = try #require(throws: (any Error).self) { try LanguageGenerator(path: path) }
      #expect("\(error)".contains(word), "\(error)")
    }
  }
}
