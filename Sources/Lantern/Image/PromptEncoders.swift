import LanternLayers
import LanternModels
import LanternTensor
import LanternTokenizers

/// T5's encoder with its tokenizer, which reads a prompt as a whole. For most models texts are filled up to one length,
/// and as in the reference T5 sees the padding as if it were words.
struct T5PromptEncoder: Sendable {
  private let tokenizer: any LanguageTokenizer
  private let model: ModelPart<any TextEncoder, any Error>
  let features: Int
  /// Tokens of a text at most, padding included.
  private let length: Int
  private let isPadded: Bool

  /// Loads the tokenizer, and when it is first needed the encoder.
  ///
  /// - Parameters:
  ///   - reader: reads the model.
  ///   - encoder: the part's name.
  ///   - words: the tokenizer's part's.
  ///   - length: tokens of a text at most, padding included.
  ///   - isPadded: whether shorter ones are filled up to it.
  /// - Throws: an error of the room where something is wrong.
  init(
    _ reader: PartReader, _ encoder: String, _ words: String, length: Int, isPadded: Bool = true
  ) throws {
    self.isPadded = isPadded
    tokenizer = try TokenizerCatalogue.loadLanguage(at: reader.source.component(words).path)
      .tokenizer
    let part = try reader.textEncoder(encoder, reader.precision)
    (model, features, self.length) = (part.model, part.planned.features, length)
    try reader.checkVocabulary(tokenizer.count, part.planned, words)
  }

  var notes: [String] { tokenizer.notes }

  func withoutAddedTokens(_ prompt: String) -> String { tokenizer.withoutAddedTokens(prompt) }

  func releaseWeights() { model.release() }

  /// `[1, token, feature]`.
  ///
  /// - Throws: what reading the encoder throws, ``TensorError`` when memory runs out.
  func states(of text: String) throws -> Tensor {
    let ids = framed(text).ids
    let missing = isPadded ? length - ids.count : 0
    let padding = Array(repeating: tokenizer.window.padding, count: missing)
    return try model().encode(
      ids + padding, adding: nil, skippedLayers: 0, isNormalized: true
    ).states
  }

  /// The tokens of a text that do not fit, and their words.
  func cut(of text: String) -> (count: Int, text: String) {
    let cut = Array(tokenizer.encode(text).suffix(framed(text).cut))
    return (cut.count, String(decoding: tokenizer.decode(cut), as: UTF8.self))
  }

  private func framed(_ text: String) -> FramedText {
    tokenizer.frame.framed(tokenizer.encode(text), limit: length)
  }
}

/// CLIP's text encoder with its tokenizer, which reads as much of a prompt as its window holds.
struct CLIPPromptEncoder: Sendable {
  private let tokenizer: any Tokenizer
  private let model: ModelPart<any TextEncoder, any Error>
  let features: Int
  let pooledFeatures: Int

  /// Loads the tokenizer, and when it is first needed the encoder.
  ///
  /// - Parameters:
  ///   - reader: reads the model.
  ///   - encoder: the part's name.
  ///   - words: the tokenizer's part's.
  /// - Throws: an error of the room where something is wrong.
  init(_ reader: PartReader, _ encoder: String, _ words: String) throws {
    tokenizer = try reader.source.loadTokenizer(words)
    let part = try reader.textEncoder(encoder, reader.precision.ofSmallParts)
    model = part.model
    (features, pooledFeatures) = (part.planned.features, part.planned.pooledFeatures)
    try reader.checkVocabulary(tokenizer.count, part.planned, words)
    guard tokenizer.window.length <= part.planned.maximumLength else {
      throw RequestError.mismatch(
        reason: "\(words) makes texts of \(tokenizer.window.length) tokens, and \(encoder) takes "
          + "\(part.planned.maximumLength); both must come from one model", path: reader.source.path
      )
    }
  }

  var notes: [String] { tokenizer.notes }

  func withoutAddedTokens(_ prompt: String) -> String { tokenizer.withoutAddedTokens(prompt) }

  func releaseWeights() { model.release() }

  /// A text's states and pooled vector, and the place of its end-of-text token.
  ///
  /// - Parameters:
  ///   - text: a prompt.
  ///   - skippedLayers: how many of the last layers the states leave out.
  ///   - isNormalized: whether states pass the last norm.
  /// - Returns: all three.
  /// - Throws: what reading the encoder throws, ``TensorError`` when memory runs out.
  func encode(_ text: String, skippedLayers: Int, isNormalized: Bool) throws -> (
    encoding: TextEncoding, end: Int
  ) {
    let window = tokenizer.window
    let ids = window.filled(with: tokenizer.encode(text))
    let found = try model().encode(
      ids, adding: nil, skippedLayers: skippedLayers, isNormalized: isNormalized)
    return (found, ids.firstIndex(of: window.end) ?? 0)
  }
}

extension PartReader {
  /// A text encoder that is read when it is first needed, and what its files say of it.
  fileprivate func textEncoder(_ name: String, _ precision: Precision) throws -> (
    model: ModelPart<any TextEncoder, any Error>, planned: any TextEncoder
  ) {
    @Sendable func read(isPlan: Bool) throws -> any TextEncoder {
      try self.read(
        name, stems: LanguageModel.stems, ModelCatalogue.textEncoders, precision, isPlan: isPlan)
    }
    let model = ModelPart { () throws(any Error) in try read(isPlan: false) }
    // What is added to the weights is checked when they are read.
    return (model, adapters.isEmpty ? try read(isPlan: true) : try model())
  }

  /// - Throws: ``RequestError/mismatch(reason:path:)`` where a tokenizer has more tokens than an encoder.
  fileprivate func checkVocabulary(_ count: Int, _ encoder: any TextEncoder, _ words: String) throws
  {
    guard count <= encoder.vocabularySize else {
      throw RequestError.mismatch(
        reason:
          "\(words) has \(count) tokens, and its text encoder \(encoder.vocabularySize); both "
          + "must come from one model", path: source.path)
    }
  }
}
