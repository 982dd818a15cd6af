import LanternFormats
import LanternModels
import LanternTensor

/// FLUX.1's text encoders: CLIP's, of which the vector of the end-of-text token is taken, and T5's, whose states are.
struct FluxTextConditioner: WholeTextConditioner {
  private let clip: CLIPPromptEncoder
  private let t5: T5PromptEncoder
  let path: String

  /// Loads the parts `tokenizer` and `tokenizer_2`, and when they are first needed `text_encoder` and `text_encoder_2`.
  ///
  /// - Parameter reader: reads the model.
  /// - Throws: an error of the room where something is wrong.
  init(_ reader: PartReader) throws {
    path = reader.source.path
    clip = try CLIPPromptEncoder(reader, "text_encoder", "tokenizer")
    // FLUX.1 schnell, which has no guidance as an input, was trained on texts of half the length.
    let config = try reader.source.component("transformer").config("config.json")
    let isDev = config.value("guidance_embeds")?.bool == true
    t5 = try T5PromptEncoder(
      reader, "text_encoder_2", "tokenizer_2", length: isDev ? 512 : 256)
  }

  var features: Int { t5.features }
  var pooledFeatures: Int { clip.features }
  var readsSecondPrompt: Bool { true }
  var notes: [String] { clip.notes + t5.notes }

  func withoutAddedTokens(_ prompt: String) -> String { clip.withoutAddedTokens(prompt) }

  func releaseWeights() {
    clip.releaseWeights()
    t5.releaseWeights()
  }

  func conditioning(of texts: PromptTexts.Texts) throws -> Conditioning {
    let found = try clip.encode(texts.first, skippedLayers: 0, isNormalized: true)
    return Conditioning(
      states: try t5.states(of: texts.second),
      pooled: try found.encoding.states.sliced(axis: 1, found.end..<found.end + 1)
        .reshaped([1, pooledFeatures]))
  }

  func cut(of texts: PromptTexts.Texts) -> (count: Int, text: String) { t5.cut(of: texts.second) }
}
