package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of Show-o, read from the `config.json` that showlab publishes.
package struct ShowoConfig: Sendable {
  package var vocabSize: Int
  package var llmVocabSize: Int
  package var codebookSize: Int
  package var numVQTokens: Int
  /// The name of the language model whose tokenizer and sizes these are.
  package var llmModelPath: String
  /// Channels of the image tokenizer's features, by which pictures to caption are embedded
  /// (LLaVA's name for it, Liu et al. 2023, arXiv:2304.08485); 0 where their codes are.
  package var mmHiddenSize: Int

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a missing, mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when the vocabulary does not add up.
  package init(_ config: Config) throws(ModelError) {
    do throws(FormatError) {
      vocabSize = try config.integer("vocab_size")
      llmVocabSize = try config.integer("llm_vocab_size")
      codebookSize = try config.integer("codebook_size", default: 8192)
      numVQTokens = try config.integer("num_vq_tokens", default: 256)
      llmModelPath = try config.string("llm_model_path", default: "microsoft/phi-1_5")
      mmHiddenSize = try config.integer("mm_hidden_size", default: 0)
      try config.expect("w_clip_vit", [.bool(false)])
      try config.expect("mask_token_id", [.integer(vocabSize - 1)])
      try config.finishStrictly(ignoring: [
        "load_from_showo", "model_type", "num_new_special_tokens", "pretrained_model_path",
        "torch_dtype", "dtype",
      ])
    } catch {
      throw .file(error)
    }
    guard [vocabSize, llmVocabSize, codebookSize, numVQTokens].allSatisfy({ $0 > 0 }),
      vocabSize <= 1 << 24, codebookSize <= 1 << 24, numVQTokens <= 1 << 16,
      (0...1 << 16).contains(mmHiddenSize)
    else { throw .inconsistent(reason: "sizes must be positive", file: config.file) }
    let sum = llmVocabSize + TokenMap.specials.count + codebookSize + 1
    guard vocabSize == sum else {
      throw .inconsistent(
        reason: "vocab_size is \(vocabSize), but \(llmVocabSize) of text, "
          + "\(TokenMap.specials.count) special tokens, \(codebookSize) codes and a mask are \(sum)",
        file: config.file)
    }
  }
}

/// Show-o (Xie et al. 2024, arXiv:2408.12528): one transformer that writes text token by token and
/// draws pictures by filling in masked codes.
package struct Showo: UnifiedTransformer {
  package let tokens: TokenMap
  private let config: ShowoConfig
  private let table: Tensor
  private let phi: GPTDecoder
  private let textHead: Linear
  private let codeHead: Linear
  /// The projector from the codec's features to token embeddings; nil where codes are embedded.
  private let projector: (first: Linear, second: Linear)?

  /// Builds the model with its weights.
  ///
  /// - Parameters:
  ///   - config: the folder's settings.
  ///   - phi: the settings of the language model that it is made of.
  ///   - endOfText: the text tokenizer's id of `<|endoftext|>`.
  ///   - root: the checkpoint.
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: ShowoConfig, _ phi: GPTConfig, endOfText: Int, _ root: Weights)
    throws(ModelError)
  {
    self.config = config
    self.tokens = TokenMap(
      textCount: config.llmVocabSize, codebookSize: config.codebookSize, endOfText: endOfText)
    let weights = root["showo"]
    let size = phi.sizes.features
    self.table = try weights["model.embed_tokens"].table("weight", [config.vocabSize, size])
    // Its transformer has norms of queries and keys, whatever the language model's file says.
    var phi = phi
    phi.hasHeadNorms = true
    self.phi = try GPTDecoder(phi, weights["model"])
    let head = weights["lm_head"]
    self.textHead = try Linear(head, size, config.vocabSize, rows: tokens.written)
    self.codeHead = try Linear(head, size, config.vocabSize, rows: tokens.codes)
    let projector = root["mm_projector"]
    self.projector =
      config.mmHiddenSize == 0
      ? nil
      : (
        try Linear(projector[0], config.mmHiddenSize, size), try Linear(projector[2], size, size)
      )
    try root.finish(ignoring: ["rotary_emb.inv_freq"])
  }

  package var codesPerPicture: Int { config.numVQTokens }
  package var shownFeatures: Int { config.mmHiddenSize }
  package var sizes: DecoderSizes { phi.config.sizes }

  package func read(
    _ ids: [Int], into cache: inout KVCache, mask: AttentionMask, keeping: Bool
  ) throws(TensorError) -> Tensor {
    try read(embeddings(ids), into: &cache, mask: mask, keeping: keeping)
  }

  package func read(features: Tensor, into cache: inout KVCache) throws(TensorError) -> Tensor {
    guard let projector else {
      throw .shape(op: "Showo", expected: "codes, not features", found: features.shape)
    }
    let shown = try projector.second(projector.first(features, activation: .gelu))
    let x = try Tensor.concatenated(
      [
        embeddings([tokens.understanding, tokens.startOfImage]), shown,
        embeddings([tokens.endOfImage]),
      ], axis: 1)
    return try read(x, into: &cache, mask: .none, keeping: true)
  }

  package func read(draft block: [Int], after first: inout KVCache, and second: inout KVCache)
    throws(TensorError) -> Tensor
  {
    try phi(embeddings(block + block), after: &first, and: &second)
  }

  private func embeddings(_ ids: [Int]) throws(TensorError) -> Tensor {
    let x = try table.rows(ids).converted(to: .float32)
    return try x.reshaped([1] + x.shape)
  }

  private func read(_ x: Tensor, into cache: inout KVCache, mask: AttentionMask, keeping: Bool)
    throws(TensorError) -> Tensor
  {
    let h = try phi(x, after: &cache, mask: mask)
    if keeping { cache.keep(x.shape[1]) }
    return h
  }

  /// Scores of ``TokenMap/written`` tokens: of text, to write on.
  package func logits(_ hidden: Tensor) throws(TensorError) -> Tensor { try textHead(hidden) }

  package func codeLogits(_ hidden: Tensor) throws(TensorError) -> Tensor { try codeHead(hidden) }
}
