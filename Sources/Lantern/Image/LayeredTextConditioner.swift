import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import LanternTokenizers

/// A language model that reads prompts as messages of a conversation, and gives the hidden states of some of its layers.
struct LayeredTextConditioner: WholeTextConditioner {
  /// How prompts are written, and which states are taken.
  struct Form: Sendable {
    /// Hidden states that stand side by side in the features of a token.
    let layers: TextLayers
    /// What the chat template is given as `enable_thinking`.
    let enablesThinking: Bool
    /// Tokens at most.
    let maximumLength: Int
    /// Whether texts are filled up to the maximum with padding, whose states count too.
    let isPadded: Bool

    /// Of FLUX.2 klein.
    static let flux2 = Form(
      layers: .numbered([9, 18, 27]), enablesThinking: false, maximumLength: 512, isPadded: true)

    /// Of Z-Image.
    static let zImage = Form(
      layers: .penultimate, enablesThinking: true, maximumLength: 512, isPadded: false)
  }

  private let form: Form
  private let tokenizer: any LanguageTokenizer
  private let template: ChatTemplate
  private let model: ModelPart<any LayeredTextEncoder, any Error>
  let features: Int
  let path: String

  /// Loads the part `tokenizer`, and when it is first needed `text_encoder`.
  ///
  /// - Parameters:
  ///   - reader: reads the model.
  ///   - form: how prompts are written, and which states are taken.
  /// - Throws: an error of the room where something is wrong.
  init(_ reader: PartReader, _ form: Form) throws {
    (self.form, path) = (form, reader.source.path)
    let files = try reader.source.component("tokenizer")
    let parts = try TokenizerCatalogue.loadLanguage(at: files.path)
    tokenizer = parts.tokenizer
    guard let found = try parts.template ?? LanguageModel.chatTemplate(files.path) else {
      throw RequestError.noChatTemplate(
        path: files.path, known: ChatTemplate.knownNames.joined(separator: ", "))
    }
    template = try ChatTemplate(found.source, file: found.file)
    let catalogue = ModelCatalogue.layeredTextEncoders(taking: form.layers)
    @Sendable func read(isPlan: Bool) throws -> any LayeredTextEncoder {
      try reader.read(
        "text_encoder", stems: LanguageModel.stems, catalogue, reader.precision, isPlan: isPlan)
    }
    model = ModelPart { () throws(any Error) in try read(isPlan: false) }
    // What is added to the weights is checked when they are read.
    let planned = reader.adapters.isEmpty ? try read(isPlan: true) : try model()
    features = planned.features
    guard tokenizer.count <= planned.vocabularySize, form.maximumLength <= planned.maximumLength
    else {
      throw RequestError.mismatch(
        reason: "the tokenizer has \(tokenizer.count) tokens and makes texts of up to "
          + "\(form.maximumLength), and the text encoder takes \(planned.vocabularySize) and "
          + "\(planned.maximumLength); both must come from one model", path: path)
    }
  }

  var pooledFeatures: Int { 0 }
  var readsSecondPrompt: Bool { false }
  var notes: [String] { tokenizer.notes }

  func withoutAddedTokens(_ prompt: String) -> String { tokenizer.withoutAddedTokens(prompt) }

  func releaseWeights() { model.release() }

  func conditioning(of texts: PromptTexts.Texts) throws -> Conditioning {
    Conditioning(states: try states(of: texts.first))
  }

  func cut(of texts: PromptTexts.Texts) throws -> (count: Int, text: String) {
    let cut = Array(try ids(of: texts.first).dropFirst(form.maximumLength))
    return (cut.count, String(decoding: tokenizer.decode(cut), as: UTF8.self))
  }

  private func ids(of prompt: String) throws -> [Int] {
    let text = try template.render(
      [ChatMessage(.user, prompt)],
      variables: [("enable_thinking", .bool(form.enablesThinking))])
    return tokenizer.beginning + tokenizer.encode(text)
  }

  private func states(of prompt: String) throws -> Tensor {
    let ids = Array(try ids(of: prompt).prefix(form.maximumLength))
    let padding = form.isPadded ? form.maximumLength - ids.count : 0
    return try model().states(of: ids, padding: (tokenizer.window.padding, padding))
  }
}
