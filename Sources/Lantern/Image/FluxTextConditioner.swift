import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import LanternTokenizers

/// FLUX.1's text encoders: CLIP's, of which the vector of the end-of-text token is taken, and T5's, whose states are.
struct FluxTextConditioner: WholeTextConditioner {
  private let clip: (tokenizer: any Tokenizer, model: ModelPart<any TextEncoder, any Error>)
  private let t5: (tokenizer: any LanguageTokenizer, model: ModelPart<any TextEncoder, any Error>)
  let features: Int
  let pooledFeatures: Int
  /// Tokens of T5's, padding included.
  private let length: Int
  let path: String

  /// Loads the parts `tokenizer` and `tokenizer_2`, and when they are first needed `text_encoder` and `text_encoder_2`.
  ///
  /// - Parameter reader: reads the model.
  /// - Throws: an error of the room where something is wrong.
  init(_ reader: PartReader) throws {
    path = reader.source.path
    @Sendable func read(_ name: String, _ precision: Precision, isPlan: Bool) throws
      -> any TextEncoder
    {
      try reader.read(
        name, stems: LanguageModel.stems, ModelCatalogue.textEncoders, precision, isPlan: isPlan)
    }
    let small = reader.precision.ofSmallParts
    clip = (
      try reader.source.loadTokenizer("tokenizer"),
      ModelPart { () throws(any Error) in try read("text_encoder", small, isPlan: false) }
    )
    let folder = try reader.source.component("tokenizer_2").path
    t5 = (
      try TokenizerCatalogue.loadLanguage(folder: folder),
      ModelPart { () throws(any Error) in
        try read("text_encoder_2", reader.precision, isPlan: false)
      }
    )
    // What is added to the weights is checked when they are read.
    let planned =
      reader.adapters.isEmpty
      ? try (
        read("text_encoder", small, isPlan: true),
        read("text_encoder_2", reader.precision, isPlan: true)
      ) : try (clip.model(), t5.model())
    (features, pooledFeatures) = (planned.1.features, planned.0.features)
    // FLUX.1 schnell, which has no guidance as an input, was trained on texts of half the length.
    let config = try reader.source.component("transformer").config("config.json")
    length = config.value("guidance_embeds")?.bool == true ? 512 : 256
    guard clip.tokenizer.window.length <= planned.0.maximumLength,
      clip.tokenizer.count <= planned.0.vocabularySize,
      t5.tokenizer.count <= planned.1.vocabularySize
    else {
      throw RequestError.mismatch(
        reason: "the tokenizers have \(clip.tokenizer.count) and \(t5.tokenizer.count) tokens, and "
          + "the text encoders \(planned.0.vocabularySize) and \(planned.1.vocabularySize); all "
          + "must come from one model", path: path)
    }
  }

  var readsSecondPrompt: Bool { true }
  var notes: [String] { clip.tokenizer.notes + t5.tokenizer.notes }

  func withoutAddedTokens(_ prompt: String) -> String { clip.tokenizer.withoutAddedTokens(prompt) }

  func releaseWeights() {
    clip.model.release()
    t5.model.release()
  }

  func conditioning(of texts: PromptTexts.Texts) throws -> Conditioning {
    let window = clip.tokenizer.window
    let ids = window.filled(with: clip.tokenizer.encode(texts.first))
    let states = try clip.model().encode(ids, adding: nil, skippedLayers: 0, isNormalized: true)
      .states
    let end = ids.firstIndex(of: window.end) ?? 0
    let text = framed(texts).ids
    let padding = Array(repeating: t5.tokenizer.window.padding, count: length - text.count)
    // As in the reference, T5 sees the padding as if it were words.
    let found = try t5.model().encode(
      text + padding, adding: nil, skippedLayers: 0, isNormalized: true)
    return Conditioning(
      states: found.states,
      pooled: try states.sliced(axis: 1, end..<end + 1).reshaped([1, pooledFeatures]))
  }

  func cut(of texts: PromptTexts.Texts) -> (count: Int, text: String) {
    let all = t5.tokenizer.encode(texts.second)
    let cut = Array(all.suffix(framed(texts).cut))
    return (cut.count, String(decoding: t5.tokenizer.decode(cut), as: UTF8.self))
  }

  private func framed(_ texts: PromptTexts.Texts) -> FramedText {
    t5.tokenizer.frame.framed(t5.tokenizer.encode(texts.second), limit: length)
  }
}
