import LanternFormats
import LanternModels
import LanternTensor

/// Stable Diffusion 3's text encoders (Esser et al. 2024, arXiv:2403.03206): two of CLIP, whose states stand side by side
/// in a token's features, and behind their tokens those of T5, which may be left out.
struct SD3TextConditioner: WholeTextConditioner {
  private let clips: [CLIPPromptEncoder]
  private let t5: T5PromptEncoder?
  let features: Int
  let path: String

  /// Tokens of T5's, padding included, as in diffusers.
  private static let length = 256

  /// Loads the tokenizers, and when they are first needed the encoders.
  ///
  /// - Parameter reader: reads the model.
  /// - Throws: an error of the room where something is wrong.
  init(_ reader: PartReader) throws {
    path = reader.source.path
    clips = [
      try CLIPPromptEncoder(reader, "text_encoder", "tokenizer"),
      try CLIPPromptEncoder(reader, "text_encoder_2", "tokenizer_2"),
    ]
    t5 =
      reader.source.componentNames.contains("text_encoder_3")
      ? try T5PromptEncoder(reader, "text_encoder_3", "tokenizer_3", length: Self.length) : nil
    let config = try reader.source.component("transformer").config("config.json")
    features = try t5?.features ?? config.integer("joint_attention_dim", default: 4096)
    let together = clips.map(\.features).reduce(0, +)
    guard together <= features, features <= 1 << 20 else {
      throw RequestError.mismatch(
        reason:
          "CLIP's text encoders give \(together) features and T5's \(features), which must be as many "
          + "or more; all must come from one model", path: path)
    }
  }

  var pooledFeatures: Int { clips.map(\.pooledFeatures).reduce(0, +) }
  var readsSecondPrompt: Bool { true }
  var notes: [String] {
    clips.flatMap(\.notes) + (t5?.notes ?? ["\(path): without T5, whose states are zeros then"])
  }

  func withoutAddedTokens(_ prompt: String) -> String { clips[0].withoutAddedTokens(prompt) }

  func releaseWeights() {
    for clip in clips { clip.releaseWeights() }
    t5?.releaseWeights()
  }

  func conditioning(of texts: PromptTexts.Texts) throws -> Conditioning {
    let found = try zip(clips, [texts.first, texts.second]).map { clip, text in
      try clip.encode(text, skippedLayers: 1, isNormalized: false).encoding
    }
    let side = try Tensor.concatenated(found.map(\.states), axis: 2)
    let rest = features - side.shape[2]
    let clip =
      rest > 0
      ? try Tensor.concatenated(
        [side, Tensor(repeating: 0, shape: [1, side.shape[1], rest])], axis: 2) : side
    let words =
      try t5?.states(of: texts.first)
      ?? Tensor(repeating: 0, shape: [1, Self.length, features])
    return Conditioning(
      states: try Tensor.concatenated([clip, words], axis: 1),
      pooled: try Tensor.concatenated(found.compactMap(\.pooled), axis: 1))
  }

  func cut(of texts: PromptTexts.Texts) -> (count: Int, text: String) {
    t5?.cut(of: texts.first) ?? (0, "")
  }
}
