import LanternTokenizers
import Testing

/// Chunks as stable-diffusion-webui makes them, over a tokenizer whose tokens are words.
@Suite struct PromptChunksTests {
  /// A number for each word, a comma being 1; text ends with 99.
  struct Words: Tokenizer {
    var padding = 99
    var maximumLength = 77
    let count = 100
    let endOfText = 99
    var window: TokenWindow {
      TokenWindow(beginning: 98, end: 99, padding: padding, length: maximumLength)
    }

    func encode(_ text: String, readsSpecial: Bool) -> [Int] {
      text.split(separator: " ").map { $0 == "," ? 1 : Int($0) ?? 0 }
    }

    func decode(_ ids: [Int]) -> [UInt8] {
      Array(ids.map { String($0) }.joined(separator: " ").utf8)
    }
  }

  private func words(_ range: ClosedRange<Int>) -> String {
    range.map { String($0) }.joined(separator: " ")
  }

  @Test("a short prompt is one chunk: begun, weighed, ended, filled")
  func short() {
    let chunks = PromptChunks("10 (11 12:1.5) 13", literally: false, Words(maximumLength: 8))
    #expect(chunks.chunks.map(\.ids) == [[98, 10, 11, 12, 13, 99, 99, 99]])
    #expect(chunks.chunks.map(\.weights) == [[1, 1, 1.5, 1.5, 1, 1, 1, 1]])
    #expect(chunks.cutTokens.isEmpty)
  }

  @Test("an empty prompt is one empty chunk, and padding adds more of them")
  func empty() {
    let tokenizer = Words(padding: 0, maximumLength: 5)
    let chunks = PromptChunks("", literally: false, tokenizer)
    #expect(chunks.chunks.map(\.ids) == [[98, 99, 0, 0, 0]])
    #expect(chunks.padded(to: 3, tokenizer.window).chunks.count == 3)
    #expect(chunks.padded(to: 3, tokenizer.window).chunks[2].ids == [98, 99, 0, 0, 0])
    #expect(chunks.padded(to: 0, tokenizer.window) == chunks)
  }

  @Test("75 tokens fill one chunk, 76 begin a second")
  func overflow() {
    let full = PromptChunks(words(100...174), literally: false, Words())
    #expect(full.chunks.map(\.ids) == [[98] + Array(100...174) + [99]])
    let more = PromptChunks(words(100...175), literally: false, Words())
    #expect(more.chunks.count == 2)
    #expect(more.chunks[0] == full.chunks[0])
    #expect(Array(more.chunks[1].ids.prefix(3)) == [98, 175, 99])
  }

  @Test("a full chunk gives up what follows a comma among its last twenty tokens")
  func commas() {
    let near = words(100...159) + " , " + words(200...230)
    let chunks = PromptChunks("(\(near):2)", literally: false, Words()).chunks
    #expect(chunks[0].ids == [98] + Array(100...159) + [1] + Array(repeating: 99, count: 15))
    #expect(chunks[0].weights[61] == 2 && chunks[0].weights[62] == 1)
    #expect(Array(chunks[1].ids.prefix(33)) == [98] + Array(200...230) + [99])
    #expect(chunks[1].weights[1] == 2)

    let atTwenty = words(100...154) + " , " + words(200...230)
    #expect(PromptChunks(atTwenty, literally: false, Words()).chunks[0].ids[57] == 99)
    let beyond = words(100...153) + " , " + words(200...230)
    #expect(PromptChunks(beyond, literally: false, Words()).chunks[0].ids[57] == 201)
  }

  @Test("a comma that comes when the chunk is full begins the next one")
  func commaAtTheEdge() {
    let chunks = PromptChunks(words(100...174) + " , 200", literally: false, Words()).chunks
    #expect(chunks[0].ids.last == 99)
    #expect(Array(chunks[1].ids.prefix(4)) == [98, 1, 200, 99])
  }

  @Test("BREAK begins a new chunk, an empty one where nothing stands between")
  func breaks() {
    let tokenizer = Words(maximumLength: 4)
    #expect(
      PromptChunks("10 BREAK 11", literally: false, tokenizer).chunks.map(\.ids)
        == [[98, 10, 99, 99], [98, 11, 99, 99]])
    #expect(PromptChunks("BREAK BREAK", literally: false, tokenizer).chunks.count == 2)
  }

  @Test("a literal prompt is one chunk, and says how many tokens were cut")
  func literal() {
    let chunks = PromptChunks("(10:2) 11 12 13", literally: true, Words(maximumLength: 4))
    #expect(chunks.chunks.map(\.ids) == [[98, 0, 11, 99]])
    #expect(chunks.chunks.map(\.weights) == [[1, 1, 1, 1]])
    #expect(chunks.cutTokens == [12, 13])
  }

  @Test("what follows an end in the prompt itself is padding where padding is another token")
  func spelledEnd() {
    let tokenizer = Words(padding: 0, maximumLength: 6)
    #expect(
      PromptChunks("10 99 11", literally: false, tokenizer).chunks.map(\.ids)
        == [[98, 10, 99, 0, 0, 0]])
  }

  @Test("a token of several vectors is all of them: weighted, literal, and where chunks are cut")
  func severalVectors() throws {
    let tokenizer = try TokenizerFixture("several vectors").load()
    func chunks(_ prompt: String, literally: Bool = false) -> [PromptChunk] {
      PromptChunks(prompt, literally: literally, tokenizer).chunks
    }
    let all = "<toy> <toy>_1 <toy>_2"
    #expect(chunks("a <toy>") == chunks("a \(all)"))
    #expect(chunks("a (<toy> hat:1.2), [<toy>]") == chunks("a (\(all) hat:1.2), [\(all)]"))
    #expect(chunks("a <toy>", literally: true) == chunks("a \(all)", literally: true))
    let many = String(repeating: "a ", count: 74)
    #expect(chunks(many + "<toy>") == chunks(many + all))
    #expect(chunks(many + "<toy>").count == 2)
    #expect(PromptChunks(many + "<toy>", literally: true, tokenizer).cutTokens.count == 2)
  }
}
