import LanternFormats
import LanternModels
import LanternTensor
import LanternTokenizers

/// The words of textual inversion in a request, and their vectors for each text encoder.
struct EmbeddedWords: Sendable {
  private let embeddings: [(source: TextualInversion, loaded: TextualInversion.Loaded)]

  /// Reads the embeddings of a request.
  ///
  /// - Parameters:
  ///   - sources: the embeddings.
  ///   - features: those of a token's vector, of each text encoder.
  ///   - encoders: their numbers, from 1.
  ///   - path: the model's folder, for errors.
  /// - Throws: what ``TextualInversion/load(features:encoders:)`` throws, ``RequestError/mismatch(reason:path:)`` for
  ///   a word that two files have.
  init(
    _ sources: [TextualInversion], features: [Int], encoders: [Int], path: String
  ) throws {
    embeddings = try sources.flatMap { source in
      try source.load(features: features, encoders: encoders).map { (source, $0) }
    }
    var owners: [String: TextualInversion] = [:]
    for (source, loaded) in embeddings {
      for word in Set(loaded.words.map { $0.lowercased() }) {
        if let other = owners.updateValue(source, forKey: word) {
          throw RequestError.mismatch(
            reason:
              "the word \(JSON.quoted(word)) is \(other.path)'s too: give one of them another",
            path: source.path)
        }
      }
    }
  }

  /// A tokenizer that knows the words too.
  func tokenizer(_ base: any Tokenizer, firstID: Int) -> any Tokenizer {
    embeddings.isEmpty ? base : words(over: base, firstID: firstID)
  }

  private func words(over base: any Tokenizer, firstID: Int) -> TokenizerWithEmbeddings {
    TokenizerWithEmbeddings(
      base, adding: embeddings.map { ($0.loaded.words, $0.loaded.tables[0].shape[0]) },
      firstID: firstID)
  }

  /// Vectors of all words for one of the encoders; nil where there are none.
  func vectors(of encoder: Int, firstID: Int) throws -> AddedTokens? {
    guard !embeddings.isEmpty else { return nil }
    return AddedTokens(
      firstID: firstID,
      vectors: try Tensor.concatenated(embeddings.map { $0.loaded.tables[encoder] }, axis: 0))
  }

  /// A text with a space for each of the words.
  func withoutWords(_ text: String, _ base: any Tokenizer) -> String {
    embeddings.isEmpty ? text : words(over: base, firstID: base.count).withoutWords(text)
  }

  /// A note for each file of which none of the texts says a word.
  func notes(on texts: [String], _ base: any Tokenizer) -> [String] {
    let files = Dictionary(grouping: embeddings, by: \.source.path)
    return files.sorted { $0.key < $1.key }.compactMap { path, embeddings in
      let words = embeddings.flatMap(\.loaded.words)
      let own = TokenizerWithEmbeddings(base, adding: [(words, 1)], firstID: base.count)
      guard texts.allSatisfy({ own.withoutWords($0) == $0 }) else { return nil }
      let shown = words.map(PromptSyntax.shown).joined(separator: " or ")
      return "\(TextualInversion(path).name) has no effect: no prompt says \(shown)"
    }
  }
}

extension ImageRequest {
  /// Adds the embeddings that the prompts call, by their files' names or as `embedding:name`, which stay in
  /// them. Those that the request has already are not looked for.
  ///
  /// - Parameter folder: where the embeddings are.
  /// - Throws: `FormatError` for an `embedding:name` that the folder does not have.
  public mutating func addEmbeddings(from folder: EmbeddingFolder) throws {
    var known = Set(embeddings.map { ($0.token ?? $0.stem).lowercased() })
    for prompt in [prompt, negativePrompt, prompt2 ?? "", negativePrompt2 ?? ""].map({
      literalPrompt ? $0 : PromptSyntax.withoutTags($0).prompt
    }) {
      for name in EmbeddingCalls.names(in: prompt, known: folder.names) {
        // Behind `embedding:` a name may have its folder in front.
        let token = name.contains("/") ? TextualInversion.stem(of: name) : nil
        guard known.insert((token ?? TextualInversion(name).stem).lowercased()).inserted else {
          continue
        }
        embeddings.append(try folder.embedding(named: name, token: token))
      }
    }
  }
}
