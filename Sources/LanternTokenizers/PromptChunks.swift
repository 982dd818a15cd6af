/// As many tokens as a text encoder takes at once, and what the embedding of each is multiplied by.
package struct PromptChunk: Sendable, Equatable {
  /// Begun, ended and filled; as many as the tokenizer's `maximumLength`.
  package let ids: [Int]
  /// One for each id.
  package let weights: [Float]

  /// Whether any token weighs other than 1.
  package var isWeighted: Bool { weights.contains { $0 != 1 } }

  /// A chunk of tokens that nothing begins or ends yet; at most `maximumLength - 2`.
  ///
  /// All that follows the first end is padding, as in webui: a prompt may spell an end itself.
  fileprivate init(_ body: some Collection<(id: Int, weight: Float)>, _ tokenizer: any Tokenizer) {
    let rest = tokenizer.maximumLength - 1 - body.count
    var ids = [tokenizer.beginningOfText] + body.map(\.id)
    ids += Array(repeating: tokenizer.endOfText, count: rest)
    if tokenizer.padding != tokenizer.endOfText,
      let end = ids.firstIndex(of: tokenizer.endOfText)
    {
      ids.replaceSubrange(
        (end + 1)..., with: repeatElement(tokenizer.padding, count: ids.count - end - 1))
    }
    self.ids = ids
    weights = [1] + body.map(\.weight) + Array(repeating: 1, count: rest)
  }

  /// A chunk of tokens that weigh 1.
  fileprivate init(plain ids: [Int]) {
    self.ids = ids
    weights = Array(repeating: 1, count: ids.count)
  }
}

/// A prompt as token ids, in chunks whose embeddings follow one another.
package struct PromptChunks: Sendable, Equatable {
  /// Most chunks of tokens in a prompt; beyond what anybody writes, every step grows slow.
  package static let most = 64

  /// At least one, and no more than ``most``.
  package let chunks: [PromptChunk]
  /// How many chunks the prompt fills: beyond ``most`` they are counted only.
  package let count: Int
  /// How many tokens of the text did not fit and were left out: only ever of a literal prompt.
  package let cutTokens: Int

  /// The tokens of a prompt.
  ///
  /// A literal prompt is one chunk, cut off where it is too long, as diffusers has it. Any other is
  /// read as a ``WeightedPrompt``.
  package init(_ prompt: String, literally isLiteral: Bool, _ tokenizer: any Tokenizer) {
    if isLiteral {
      let prompt = tokenizer.withAllVectors(prompt)
      let cut = tokenizer.encode(prompt).count - (tokenizer.maximumLength - 2)
      self.init(
        [PromptChunk(plain: tokenizer.tokens(for: prompt))], count: 1, cutTokens: max(cut, 0))
    } else {
      self.init(WeightedPrompt(parsing: prompt), tokenizer)
    }
  }

  /// The tokens of a weighted prompt, in as many chunks as it takes.
  ///
  /// As in webui, a new chunk begins at each `BREAK` and where one is full; if then a comma stands
  /// among its last twenty tokens, what follows the comma moves to the new chunk.
  package init(_ prompt: WeightedPrompt, _ tokenizer: any Tokenizer) {
    let room = tokenizer.maximumLength - 2
    let comma = tokenizer.encode(",")
    var chunks: [PromptChunk] = []
    var chunkCount = 0
    var open: [(id: Int, weight: Float)] = []
    var lastComma: Int?

    func close(keeping count: Int) {
      if chunkCount < Self.most { chunks.append(PromptChunk(open[..<count], tokenizer)) }
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
    self.init(chunks, count: chunkCount, cutTokens: 0)
  }

  private static let commaBacktrack = 20

  private init(_ chunks: [PromptChunk], count: Int, cutTokens: Int) {
    self.chunks = chunks
    self.count = count
    self.cutTokens = cutTokens
  }

  /// With empty chunks after the others, so that there are at least `count`: a prompt and the one it
  /// is guided away from must be of one length.
  package func padded(to count: Int, _ tokenizer: any Tokenizer) -> PromptChunks {
    let empty = PromptChunk([], tokenizer)
    let missing = max(count - chunks.count, 0)
    return PromptChunks(
      chunks + Array(repeating: empty, count: missing), count: chunks.count + missing,
      cutTokens: cutTokens)
  }
}
