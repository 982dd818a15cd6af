import LanternModels

/// PixArt's text encoder: T5's, of whose states those of the text count and not those of padding. Texts are read in small
/// letters, without spaces around them, as in the reference.
struct PixArtTextConditioner: WholeTextConditioner {
  private let t5: T5PromptEncoder
  let path: String

  /// Loads the part `tokenizer`, and when it is first needed `text_encoder`.
  ///
  /// - Parameters:
  ///   - reader: reads the model.
  ///   - length: tokens of a text at most.
  /// - Throws: an error of the room where something is wrong.
  init(_ reader: PartReader, length: Int) throws {
    path = reader.source.path
    t5 = try T5PromptEncoder(
      reader, "text_encoder", "tokenizer", length: length, isPadded: false)
  }

  var features: Int { t5.features }
  var pooledFeatures: Int { 0 }
  var readsSecondPrompt: Bool { false }
  var notes: [String] { t5.notes }

  func withoutAddedTokens(_ prompt: String) -> String { t5.withoutAddedTokens(prompt) }

  func releaseWeights() { t5.releaseWeights() }

  func conditioning(of texts: PromptTexts.Texts) throws -> Conditioning {
    Conditioning(states: try t5.states(of: texts.first.inSmallLetters))
  }

  func cut(of texts: PromptTexts.Texts) -> (count: Int, text: String) {
    t5.cut(of: texts.first.inSmallLetters)
  }
}
