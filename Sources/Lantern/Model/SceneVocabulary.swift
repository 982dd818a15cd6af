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

  /// A hero that a text names, and its colour where that stands before it.
  struct Hero: Equatable {
    var kind: String
    var colour: String?
  }

  /// The heroes that a text names, each kind once, in the order of their names.
  func heroes(in text: String) -> [Hero] {
    let words = Self.words(of: text)
    var found: [Hero] = []
    for (index, word) in words.enumerated()
    where heroes.contains(word) && !found.contains(where: { $0.kind == word }) {
      let before = index > 0 ? words[index - 1] : ""
      found.append(Hero(kind: word, colour: colours.contains(before) ? before : nil))
    }
    return found
  }

  /// The things that a text names, one or several of each.
  package func things(in text: String) -> [String] {
    Self.named(things, in: text)
  }

  /// The places that a text names as they stand in prompts.
  func places(in text: String) -> [String] {
    Self.named(places, in: text)
  }

  private static func named(_ nouns: [String], in text: String) -> [String] {
    let words = " " + words(of: text).joined(separator: " ") + " "
    return nouns.filter { words.contains(" \($0) ") || words.contains(" \($0)s ") }
  }

  private static func words(of text: String) -> [String] {
    text.lowercased().split { !$0.isLetter }.map(String.init)
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
