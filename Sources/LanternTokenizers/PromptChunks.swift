/// A chunk of a prompt: the tokens of one pass through the text encoder, and the weights of their
/// embeddings.
package struct PromptChunk: Sendable, Equatable {
  /// Ids with begin, end and padding tokens; as many as the tokenizer's window takes.
  package let ids: [Int]
  /// The weight of each id.
  package let weights: [Float]

  /// A chunk of tokens without begin and end; as many as fit between them.
  ///
  /// All ids after the first end token are padding, as in webui: a prompt may contain one itself.
  fileprivate init(_ body: some Collection<(id: Int, weight: Float)>, _ window: TokenWindow) {
    let rest = window.length - 1 - body.count
    var ids = [window.beginning] + body.map(\.id)
    ids += Array(repeating: window.end, count: rest)
    if window.padding != window.end, let end = ids.firstIndex(of: window.end) {
      ids.replaceSubrange(
        (end + 1)..., with: repeatElement(window.padding, count: ids.count - end - 1))
    }
    self.ids = ids
    weights = [1] + body.map(\.weight) + Array(repeating: 1, count: rest)
  }

  /// A chunk of weight 1.
  fileprivate init(plain ids: [Int]) {
    self.ids = ids
    weights = Array(repeating: 1, count: ids.count)
  }
}

/// The token ids of a prompt, in chunks whose embeddings are concatenated.
package struct PromptChunks: Sendable, Equatable {
  /// Maximum number of chunks of a prompt: the time of a step grows with it.
  package static let maximumCount = 64
  /// Maximum number of chunks of all texts that a prompt has during a run, which are kept in memory.
  package static let maximumTotal = 512

  /// At least one, and at most ``maximumCount``.
  package let chunks: [PromptChunk]
  /// Number of chunks of the prompt: beyond ``maximumCount`` they are counted only.
  package let count: Int
  /// Tokens that were truncated: of literal prompts only.
  package let cutTokens: [Int]

  /// The tokens of a prompt.
  ///
  /// A literal prompt is one chunk, truncated as in diffusers. Any other is parsed as a ``WeightedPrompt``.
  package init(_ prompt: String, literally isLiteral: Bool, _ tokenizer: any Tokenizer) {
    if isLiteral {
      let ids = tokenizer.encode(tokenizer.withAllVectors(prompt))
      self.init(
        [PromptChunk(plain: tokenizer.window.filled(with: ids))], count: 1,
        cutTokens: Array(ids.dropFirst(tokenizer.window.length - 2)))
    } else {
      self.init(WeightedPrompt(parsing: prompt), tokenizer)
    }
  }

  /// The tokens of a weighted prompt.
  ///
  /// As in webui, a new chunk begins at each `BREAK` and where one is full; if a comma is among its last
  /// twenty tokens, the tokens after it move to the new chunk. Vectors of one word stay in one chunk.
  package init(_ prompt: WeightedPrompt, _ tokenizer: any Tokenizer) {
    let room = tokenizer.window.length - 2
    let comma = tokenizer.encode(",")
    var chunks: [PromptChunk] = []
    var chunkCount = 0
    var open: [(id: Int, weight: Float)] = []
    var lastComma: Int?

    func close(keeping count: Int) {
      if chunkCount < Self.maximumCount {
        chunks.append(PromptChunk(open[..<count], tokenizer.window))
      }
      chunkCount += 1
      open.removeFirst(count)
      lastComma = nil
    }

    for piece in prompt.pieces {
      guard case .text(let text, let weight) = piece else {
        close(keeping: open.count)
        continue
      }
      for id in tokenizer.encode(tokenizer.withAllVectors(text)) {
        let vectors = tokenizer.vectorCount(from: id)
        if vectors > 1, vectors <= room, open.count + vectors > room { close(keeping: open.count) }
        if [id] == comma {
          lastComma = open.count
        } else if open.count == room, let last = lastComma, room - last <= Self.commaBacktrack {
          close(keeping: last + 1)
        }
        if open.count == room { close(keeping: room) }
        open.append((id, weight))
      }
    }
    if !open.isEmpty || chunks.isEmpty { close(keeping: open.count) }
    self.init(chunks, count: chunkCount, cutTokens: [])
  }

  private static let commaBacktrack = 20

  private init(_ chunks: [PromptChunk], count: Int, cutTokens: [Int]) {
    self.chunks = chunks
    self.count = count
    self.cutTokens = cutTokens
  }

  /// The chunks padded with empty ones to at least `count`: prompt and negative prompt must be of one
  /// length.
  package func padded(to count: Int, _ window: TokenWindow) -> PromptChunks {
    let empty = PromptChunk([], window)
    let missing = max(count - chunks.count, 0)
    return PromptChunks(
      chunks + Array(repeating: empty, count: missing), count: chunks.count + missing,
      cutTokens: cutTokens)
  }
}
