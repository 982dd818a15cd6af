package import LanternFormats

/// The plan of a story: who is in it and what they look like, on every page alike; where it happens; what each page tells.
public struct StoryPlan: Sendable, Equatable {
  /// Someone in a story.
  public struct Character: Sendable, Equatable {
    /// The name.
    public var name: String
    /// What it is, in English: "fox".
    public var kind: String
    /// How it looks in every picture, in English: "small red fox with a green scarf".
    public var look: String

    /// Someone of these words.
    public init(name: String, kind: String, look: String) {
      (self.name, self.kind, self.look) = (name, kind, look)
    }
  }

  /// The title.
  public var title: String
  /// Who is in the story, the hero first.
  public var cast: [Character]
  /// Where it happens, in English.
  public var places: [String]
  /// A line for each page.
  public var outline: [String]

  /// A plan of these parts.
  public init(title: String, cast: [Character], places: [String], outline: [String]) {
    (self.title, self.cast, self.places, self.outline) = (title, cast, places, outline)
  }
}

extension StoryPlan {
  /// The plan as JSON.
  package var json: JSONValue {
    .object([
      "title": .string(title), "places": .array(places.map(JSONValue.string)),
      "outline": .array(outline.map(JSONValue.string)),
      "cast": .array(
        cast.map {
          .object(["name": .string($0.name), "kind": .string($0.kind), "look": .string($0.look)])
        }),
    ])
  }

  /// The plan of JSON.
  ///
  /// - Parameters:
  ///   - json: as ``json``; where there is no `look`, as of a plan that a writer is held to, `colour` and `kind` are it.
  ///   - file: what errors call it.
  /// - Throws: ``FormatError/wrongType(key:expected:file:)`` for what is missing or of another type.
  package init(_ json: JSONValue, file: String) throws(FormatError) {
    let fields = json.object ?? [:]
    func texts(_ key: String) throws(FormatError) -> [String] {
      guard let texts = fields[key]?.array?.map(\.string), !texts.contains(nil) else {
        throw .wrongType(key: key, expected: "a list of texts", file: file)
      }
      return texts.compactMap { $0.map(PlainText.line) }
    }
    guard let title = fields["title"]?.string else {
      throw .wrongType(key: "title", expected: "a text", file: file)
    }
    let cast = (fields["cast"]?.array ?? []).map { value -> Character? in
      guard let name = value.object?["name"]?.string, let kind = value.object?["kind"]?.string
      else { return nil }
      let colour = value.object?["colour"]?.string.map { $0 + " " } ?? ""
      return Character(
        name: PlainText.line(name), kind: PlainText.line(kind),
        look: PlainText.line(value.object?["look"]?.string ?? colour + kind))
    }
    guard !cast.isEmpty, !cast.contains(nil) else {
      throw .wrongType(key: "cast", expected: "a list of name, kind and look", file: file)
    }
    self.init(
      title: PlainText.line(title), cast: cast.compactMap { $0 }, places: try texts("places"),
      outline: fields["outline"] == nil ? [] : try texts("outline"))
  }

  /// The same with each name and each place once.
  func settled() -> StoryPlan {
    var plan = self
    var names: Set<String> = []
    plan.cast = cast.filter { names.insert($0.name.lowercased()).inserted }
    var known: Set<String> = []
    plan.places = places.filter { known.insert($0.lowercased()).inserted }
    return plan
  }

  /// Those of the cast whom a text names, by name or look, or else by kind; all where it names none.
  func characters(in text: String) -> [Character] {
    let words = " " + text.lowercased().split { !$0.isLetter }.joined(separator: " ") + " "
    // Languages without spaces between words have names within them.
    func names(_ part: String) -> Bool {
      words.contains(" \(part.lowercased()) ") || !part.allSatisfy(\.isASCII) && text.contains(part)
    }
    let named = cast.filter { names($0.name) || names($0.look) }
    guard named.isEmpty else { return named }
    let kinds = cast.filter { names($0.kind) }
    return kinds.isEmpty ? cast : kinds
  }
}

/// What a page's picture shows.
package struct StoryScene: Sendable, Equatable {
  /// Names of the cast.
  var characters: [String]
  /// What they do, in English; empty for an illustrator whose world has no such words.
  var action = ""
  /// What else is there.
  var things: [String] = []
  /// Where.
  var place: String?

  /// The scene of JSON that a writer was held to; nil for other JSON.
  package init?(_ json: JSONValue) {
    guard let names = json.object?["characters"]?.array?.compactMap(\.string), !names.isEmpty
    else { return nil }
    var known: Set<String> = []
    characters = names.filter { known.insert($0).inserted }
    action = json.object?["action"]?.string.map(PlainText.line) ?? ""
    things = json.object?["things"]?.array?.compactMap(\.string) ?? []
    place = json.object?["place"]?.string
  }

  /// The illustrator's prompt.
  ///
  /// - Parameters:
  ///   - plan: what the characters look like.
  ///   - consistency: whether they look like that.
  ///   - scene: the illustrator's own words, where its world is closed.
  /// - Returns: the prompt.
  package func prompt(_ plan: StoryPlan, _ consistency: StoryConsistency, _ scene: SceneVocabulary?)
    -> String
  {
    let cast = characters.compactMap { name in plan.cast.first { $0.name == name } }
    // Two of one look are drawn once: no reader could tell them apart.
    var known: Set<String> = []
    let looks = cast.map { consistency.fixesLooks ? $0.look : $0.kind }
      .filter { known.insert($0).inserted }
    if scene != nil { return SceneVocabulary.prompt(of: looks + things, place: place) }
    let subjects = looks.map(EnglishPhrase.withArticle).joined(separator: " and ")
    return [subjects, action, place ?? ""].filter { !$0.isEmpty }.joined(separator: ", ")
  }
}
