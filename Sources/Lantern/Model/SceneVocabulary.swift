import LanternFormats

/// What a model of a closed world draws, by what a prompt says of it: who may be the hero of a story, which things and
/// colours there are, and where a scene may be.
///
/// A folder's `lantern.json` has it as `scene`, next to its `words`: `heroes`, `things`, `colours` and `places`, each a
/// list of words as they stand in its prompts ("fox", "key", "red", "in the forest").
package struct SceneVocabulary: Sendable, Equatable {
  /// Who may be in a story.
  package let heroes: [String]
  /// What else may be in its pictures.
  package let things: [String]
  /// In which colours.
  package let colours: [String]
  /// Where; each follows what is there.
  package let places: [String]

  /// Reads the section; nil where there is none.
  ///
  /// - Throws: ``FormatError`` for a list that is missing or empty, and for a key that is none of these.
  init?(_ config: Config) throws(FormatError) {
    guard let scene = try config.section("scene") else { return nil }
    func words(_ key: String) throws(FormatError) -> [String] {
      let words = try scene.strings(key)
      guard !words.isEmpty, !words.contains("") else {
        throw .wrongType(key: "scene.\(key)", expected: "words, one at least", file: scene.file)
      }
      return words
    }
    heroes = try words("heroes")
    things = try words("things")
    colours = try words("colours")
    places = try words("places")
    try scene.finishStrictly()
  }

  /// The first hero that a text names, and its colour where that stands before it.
  func hero(in text: String) -> (kind: String, colour: String?)? {
    let words = text.lowercased().split { !$0.isLetter }.map(String.init)
    guard let index = words.firstIndex(where: heroes.contains) else { return nil }
    let before = index > 0 ? words[index - 1] : ""
    return (words[index], colours.contains(before) ? before : nil)
  }

  /// A prompt in these words: what is there, in one sentence, and where.
  ///
  /// - Parameters:
  ///   - subjects: each without an article, as "red fox"; one at least.
  ///   - place: one of ``places``; none when nil.
  /// - Returns: as "a red fox, a cat, and a key in the forest".
  static func prompt(of subjects: [String], place: String?) -> String {
    let all = subjects.map(EnglishPhrase.withArticle)
    let joined =
      all.count < 3
      ? all.joined(separator: " and ")
      : all.dropLast().joined(separator: ", ") + ", and " + (all.last ?? "")
    return place.map { "\(joined) \($0)" } ?? joined
  }
}

/// Small words of English prompts.
enum EnglishPhrase {
  private static let articles: Set<String> = [
    "a", "an", "the", "one", "two", "three", "four", "some", "many", "his", "her", "their", "its",
  ]

  /// A noun with an article in front, unless it has one.
  static func withArticle(_ noun: String) -> String {
    let first = noun.split(separator: " ").first?.lowercased() ?? ""
    guard !noun.isEmpty, !articles.contains(first) else { return noun }
    return (first.first.map { "aeiou".contains($0) } == true ? "an " : "a ") + noun
  }
}
