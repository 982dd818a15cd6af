/// What keeps a story's heroes alike from page to page.
public enum StoryConsistency: String, Sendable, CaseIterable {
  /// Their looks stand in every prompt, and all pictures begin from the same noise.
  case noise
  /// Their looks stand in every prompt.
  case looks
  /// Nothing: a prompt says what they are, and not how they look.
  case none

  /// Whether looks stand in prompts.
  var fixesLooks: Bool { self != .none }

  /// The seed of a page's picture.
  package func seed(_ seed: UInt64, page: Int) -> UInt64 {
    self == .noise ? seed : seed &+ UInt64(page)
  }
}

/// The language that a story is written in.
public enum StoryLanguage: String, Sendable, CaseIterable {
  /// English.
  case english = "en"
  /// Chinese.
  case chinese = "zh"
}
