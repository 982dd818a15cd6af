import LanternModels
import LanternTensor
import LanternTokenizers

/// SANA's text encoder: Gemma's last states behind an instruction, of which the beginning of the text and the prompt
/// count (Xie et al. 2024, arXiv:2410.10629, section 2.3). Texts are read in small letters, without spaces around them,
/// negative prompts without the instruction, as in the reference.
struct SanaTextConditioner: WholeTextConditioner {
  private let tokenizer: any LanguageTokenizer
  private let model: ModelPart<any LayeredTextEncoder, any Error>
  /// Tokens of the instruction.
  private let instructionLength: Int
  let features: Int
  let path: String

  /// Tokens of a prompt that count at most, the beginning of the text with them.
  private static let length = 300

  /// What Gemma is told before a prompt, in the words that the models were trained with.
  private static let instruction = [
    "Given a user prompt, generate an 'Enhanced prompt' that provides detailed visual descriptions suitable for image generation. Evaluate the level of detail in the user prompt:",
    "- If the prompt is simple, focus on adding specifics about colors, shapes, sizes, textures, and spatial relationships to create vivid and concrete scenes.",
    "- If the prompt is already detailed, refine and enhance the existing details slightly without overcomplicating.",
    "Here are examples of how to transform or refine prompts:",
    "- User Prompt: A cat sleeping -> Enhanced: A small, fluffy white cat curled up in a round shape, sleeping peacefully on a warm sunny windowsill, surrounded by pots of blooming red flowers.",
    "- User Prompt: A busy city street -> Enhanced: A bustling city street scene at dusk, featuring glowing street lamps, a diverse crowd of people in colorful clothing, and a double-decker bus passing by towering glass skyscrapers.",
    "Please generate only the enhanced description for the prompt below and avoid including any additional commentary or evaluations:",
    "User Prompt: ",
  ].joined(separator: "\n")

  /// Loads the part `tokenizer`, and when it is first needed `text_encoder`.
  ///
  /// - Parameter reader: reads the model.
  /// - Throws: an error of the room where something is wrong.
  init(_ reader: PartReader) throws {
    path = reader.source.path
    tokenizer = try TokenizerCatalogue.loadLanguage(
      at: reader.source.component("tokenizer").path
    ).tokenizer
    let catalogue = ModelCatalogue.layeredTextEncoders(taking: .last)
    @Sendable func read(isPlan: Bool) throws -> any LayeredTextEncoder {
      try reader.read(
        "text_encoder", stems: LanguageModel.stems, catalogue, reader.precision, isPlan: isPlan)
    }
    model = ModelPart { () throws(any Error) in try read(isPlan: false) }
    // What is added to the weights is checked when they are read.
    let planned = reader.adapters.isEmpty ? try read(isPlan: true) : try model()
    features = planned.features
    instructionLength = tokenizer.beginning.count + tokenizer.encode(Self.instruction).count
    let longest = instructionLength + Self.length - 2
    guard tokenizer.count <= planned.vocabularySize, longest <= planned.maximumLength else {
      throw RequestError.mismatch(
        reason:
          "the tokenizer has \(tokenizer.count) tokens and makes texts of up to \(longest), and "
          + "the text encoder takes \(planned.vocabularySize) and \(planned.maximumLength); both must "
          + "come from one model", path: path)
    }
  }

  var pooledFeatures: Int { 0 }
  var readsSecondPrompt: Bool { false }
  var notes: [String] { tokenizer.notes }

  func withoutAddedTokens(_ prompt: String) -> String { tokenizer.withoutAddedTokens(prompt) }

  func releaseWeights() { model.release() }

  func conditioning(of texts: PromptTexts.Texts) throws -> Conditioning {
    try conditioning(of: texts, isNegative: false)
  }

  func conditioning(of texts: PromptTexts.Texts, isNegative: Bool) throws -> Conditioning {
    let (ids, first) = ids(of: texts.first, isNegative: isNegative)
    let states = try model().states(of: ids.kept, padding: (tokenizer.window.padding, 0))
    guard first > 1 else { return Conditioning(states: states) }
    return Conditioning(
      states: try Tensor.concatenated(
        [states.sliced(axis: 1, 0..<1), states.sliced(axis: 1, first..<ids.kept.count)], axis: 1))
  }

  func cut(of texts: PromptTexts.Texts) throws -> (count: Int, text: String) {
    let cut = ids(of: texts.first, isNegative: false).ids.cut
    return (cut.count, String(decoding: tokenizer.decode(cut), as: UTF8.self))
  }

  /// The tokens that are read and those that do not fit, and the first behind the beginning whose state counts.
  private func ids(of text: String, isNegative: Bool) -> (
    ids: (kept: [Int], cut: [Int]), first: Int
  ) {
    let prompt = text.inSmallLetters
    let all =
      tokenizer.beginning + tokenizer.encode(isNegative ? prompt : Self.instruction + prompt)
    let most = isNegative ? Self.length : instructionLength + Self.length - 2
    let kept = Array(all.prefix(most))
    let first = isNegative ? 1 : max(1, min(instructionLength - 1, kept.count - 1))
    return ((kept, Array(all.dropFirst(most))), first)
  }
}

extension String {
  /// In small letters, without spaces around, as PixArt and SANA read prompts.
  var inSmallLetters: String {
    let text = lowercased().drop(while: \.isWhitespace)
    return String(text.reversed().drop(while: \.isWhitespace).reversed())
  }
}
