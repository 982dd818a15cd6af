public import LanternPictures

/// A generated picture, and everything that is needed to draw it again.
public struct GeneratedImage: Sendable {
  /// The picture; its file says how it was drawn (`Picture.metadata`).
  public let picture: Picture
  /// How it was drawn.
  public let recipe: PictureRecipe
  /// Its request with all defaults filled in.
  public let settings: ImageSettings
  /// Tokens of the prompt that did not fit and were left out; only of literal prompts.
  public let cutTokens: Int
  /// The end of the prompt that ``cutTokens`` are, as the tokenizer spells it.
  public let cutText: String
  /// Notes on settings without an effect, or with another one than may be expected: a line each.
  public let notes: [String]
  /// Number of evaluations of the denoiser.
  public let modelCalls: Int
}

/// An event of a picture.
public enum GenerationEvent: Sendable {
  /// A step is done: its number from 1, of how many, and a preview where one is due.
  case step(Int, of: Int, preview: Picture?)
  /// The picture is done.
  case finished(GeneratedImage)
}
