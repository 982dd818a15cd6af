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
      case .token: Issue.record("no log-probabilities were wanted")
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
  func fullContext() async throws {
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
    add("typical-p") { $0.typicalP = 0 }
    add("XTC probability") { $0.xtcProbability = 2 }
    add("XTC threshold") { $0.xtcThreshold = 0.6 }
    add("mirostat") { $0.mirostat = 3 }
    add("mirostat target") { $0.mirostatTarget = -1 }
    add("mirostat rate") { $0.mirostatRate = .nan }
    add("frequency penalty") { $0.frequencyPenalty = .infinity }
    add("presence penalty") { $0.presencePenalty = -101 }
    add("repetition window") { $0.repetitionWindow = -2 }
    add("DRY multiplier") { $0.dryMultiplier = -1 }
    add("DRY base") { $0.dryBase = 0.5 }
    add("DRY allowed length") { $0.dryAllowedLength = 0 }
    add("DRY window") { $0.dryWindow = -2 }
    add("sampler order") { $0.samplerOrder = "greedy" }
    add("minimum tokens") { $0.minimumTokens = 13 }
    add("log-probabilities") { $0.logProbabilities = 101 }
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

  @Test("a bias keeps a token away or forces it, and a minimum keeps the text from ending")
  func bias() throws {
    let generator = try generator()
    var request = request(tokens: 6)
    request.logitBias = [70: 200]
    let forced = try generator.write(request) { _ in }
    #expect(
      forced.text
        == String(repeating: String(decoding: bytes(70, generator), as: UTF8.self), count: 6))
    // The end is forced, but only behind the least number of tokens.
    let end = try #require(generator.model.ends.first)
    request.logitBias = [end: 200]
    #expect(try generator.write(request) { _ in }.tokens == 0)
    request.minimumTokens = 4
    let late = try generator.write(request) { _ in }
    #expect(late.tokens == 4 && late.ending == .endOfText)
    request.logitBias = [generator.model.tokenizer.count: 1]
    #expect(throws: RequestError.self) { try generator.write(request) { _ in } }
  }

  private func bytes(_ id: Int, _ generator: LanguageGenerator) -> [UInt8] {
    generator.model.tokenizer.decode([id])
  }

  @Test(
    "each token is reported with its log-probability and the likeliest ones, before any penalty")
  func logProbabilities() throws {
    let generator = try generator()
    var request = request(tokens: 5)
    (request.logProbabilities, request.temperature) = (3, 0)
    request.logitBias = [70: -5]
    var tokens: [LanguageToken] = []
    var rows: [[Float]] = []
    let result = try generator.write(
      request, onLogits: { rows.append(Array(try $1.floats().suffix($1.shape[2]))) }
    ) { if case .token(let token) = $0 { tokens.append(token) } }
    #expect(tokens.count == 5)
    #expect(
      String(decoding: tokens.flatMap(\.choice.bytes), as: UTF8.self) == result.text)
    for (token, row) in zip(tokens, rows) {
      let total = log(row.reduce(0.0) { $0 + exp(Double($1)) })
      #expect(
        abs(Double(token.choice.logProbability) - (Double(row[token.choice.id]) - total)) < 1e-5)
      let sorted = row.indices.sorted { row[$0] > row[$1] }
      #expect(token.likeliest.map(\.id) == Array(sorted.prefix(3)))
    }
  }

  @Test("a context that has a text's beginning reads the rest alone, and the text is the same")
  func context() throws {
    let generator = try generator()
    var request = request(tokens: 8)
    request.temperature = 0
    let prompt = Array(30..<45)
    var context = try generator.makeContext()
    let first = try generator.write(request, behind: prompt, in: &context) { _ in }
    #expect(context.tokens.starts(with: prompt) && context.tokens.count > prompt.count)
    // Behind what was written, behind another end, behind the same, and behind something else.
    for next in [context.tokens + [50, 51], Array(prompt.prefix(9)) + [60], prompt, [90, 91]] {
      var fresh = try generator.makeContext(capacity: 4)
      let alone = try generator.write(request, behind: next, in: &fresh) { _ in }
      let shared = try generator.write(request, behind: next, in: &context) { _ in }
      #expect(shared.text == alone.text && context.tokens == fresh.tokens)
      if next == prompt { #expect(shared.text == first.text) }
    }
    #expect(throws: RequestError.self) {
      try generator.write(request, behind: [], in: &context) { _ in }
    }
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
