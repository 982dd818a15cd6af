import LanternTokenizers

/// From the prompts of a request to the conditioning of a denoiser: tokenizers and text encoders, and
/// how they are joined.
protocol TextConditioner: Sendable {
  /// Features of a token in ``Conditioning/states``.
  var features: Int { get }
  /// Features of ``Conditioning/pooled``; 0 where there is none.
  var pooledFeatures: Int { get }
  /// Numbers of a row in ``Conditioning/sizes``; 0 where there are none.
  var sizeCount: Int { get }
  /// Whether a second text encoder reads ``ImageRequest/prompt2``.
  var readsSecondPrompt: Bool { get }
  /// Layers that ``ImageRequest/clipSkip`` may leave out, and one more.
  var layerCount: Int { get }
  /// Notes on settings of its files without an effect: a line each.
  var notes: [String] { get }

  /// Encodes both prompts to the same length.
  ///
  /// - Parameters:
  ///   - request: what is wanted.
  ///   - size: of the picture, in pixels.
  ///   - steps: those of the run, over which prompts may change.
  ///   - isGuided: whether the negative prompt counts.
  /// - Returns: both prompts as the denoiser is told them.
  /// - Throws: ``RequestError/longPrompt(chunks:maximum:)``, ``RequestError/mismatch(reason:path:)``,
  ///   ``TensorError`` when memory runs out, what reading a text encoder throws.
  func encode(
    _ request: ImageRequest, size: (width: Int, height: Int), steps: PromptSchedule.Steps,
    isGuided: Bool
  ) throws -> PromptEncoding

  /// A prompt with a space for each token that was added to the vocabulary.
  func withoutAddedTokens(_ prompt: String) -> String

  /// The words of a request's embeddings.
  ///
  /// - Throws: what is wrong with a file, and ``RequestError/mismatch(reason:path:)`` for one of another
  ///   model.
  func words(of request: ImageRequest) throws -> EmbeddedWords

  /// A prompt with a space for each of an embedding's words.
  func without(_ words: EmbeddedWords, _ prompt: String) -> String

  /// A note for each embedding that no prompt calls.
  func notes(on words: EmbeddedWords, _ prompts: [String]) -> [String]

  /// Releases the text encoders' weights until they are needed again.
  func releaseWeights()
}
