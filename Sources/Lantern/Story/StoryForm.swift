import LanternFormats

/// What a writer's texts are held to, so that no model can break the form: JSON schemas of plans and pictures, and a regular
/// expression of a page. Every text and every list is bounded.
package enum StoryForm {
  /// Pages of which lines are planned at once.
  static let outlineBlock = 8
  /// Tokens of a plan at most, of what a picture shows, and of a page.
  static let planTokens = 1024, sceneTokens = 160, pageTokens = 320

  private static let outlineLine = 20...84
  private static let english = "A-Za-z0-9 ,'\\-"
  private static let latin = "A-Za-zÀ-ɏ0-9 ,;’'—–\\-"
  private static let han = "一-鿿0-9，、；“”《》—"

  /// A title, or a line of an outline, of so many letters and signs; of half as many in Chinese.
  private static func line(_ language: StoryLanguage, _ range: ClosedRange<Int>) -> JSONValue {
    let (least, most) = (range.lowerBound, range.upperBound)
    let pattern =
      switch language {
      case .english: "^[A-ZÀ-Þ][\(latin)]{\(least),\(most)}[A-Za-zÀ-ɏ0-9.!?]$"
      case .chinese: "^[一-鿿][\(han)]{\(least / 2),\(most / 2)}[一-鿿0-9。！？]$"
      }
    return text(pattern)
  }

  private static func text(_ pattern: String) -> JSONValue {
    .object(["type": .string("string"), "pattern": .string(pattern)])
  }

  private static func choice(_ texts: [String]) -> JSONValue {
    .object(["enum": .array(texts.map(JSONValue.string))])
  }

  private static func list(_ item: JSONValue, _ range: ClosedRange<Int>) -> JSONValue {
    .object([
      "type": .string("array"), "items": item, "minItems": .integer(range.lowerBound),
      "maxItems": .integer(range.upperBound),
    ])
  }

  /// An object with all of its members, in this order.
  private static func object(_ members: KeyValuePairs<String, JSONValue>) -> String {
    let properties = members.map { "\(JSON.quoted($0.key)):\(JSON.write($0.value))" }
    let names = JSONValue.array(members.map { .string($0.key) })
    return """
      {"type":"object","properties":{\(properties.joined(separator: ","))},\
      "required":\(JSON.write(names)),"additionalProperties":false}
      """
  }

  /// The schema of a plan.
  ///
  /// - Parameters:
  ///   - language: of title, names and outline.
  ///   - pages: lines of the outline.
  ///   - scene: the illustrator's own words; nil for any. Of these the hero is one that the prompt names, if it does.
  ///   - prompt: what the story is about.
  /// - Returns: the schema.
  package static func plan(
    _ language: StoryLanguage, pages: Int, _ scene: SceneVocabulary?, prompt: String = ""
  ) -> String {
    let place = scene.map { choice($0.places) } ?? text("^[A-Za-z][\(english)]{3,40}[A-Za-z]$")
    let named = scene.flatMap { $0.hero(in: prompt) }
    let hero = character(language, scene, kind: named?.kind, colour: named?.colour)
    // The member of an object is a schema of its own, in whose text the order of members counts.
    let lists = [
      "\"title\":\(JSON.write(line(language, 2...50)))",
      "\"cast\":{\"type\":\"array\",\"prefixItems\":[\(hero)],\"items\":\(character(language, scene)),"
        + "\"minItems\":1,\"maxItems\":3}",
      "\"places\":\(JSON.write(list(place, 1...3)))",
      "\"outline\":\(JSON.write(list(line(language, outlineLine), pages...pages)))",
    ]
    return """
      {"type":"object","properties":{\(lists.joined(separator: ","))},\
      "required":["title","cast","places","outline"],"additionalProperties":false}
      """
  }

  /// The schema of someone in a story.
  private static func character(
    _ language: StoryLanguage, _ scene: SceneVocabulary?, kind: String? = nil,
    colour: String? = nil
  ) -> String {
    let name =
      switch language {
      case .english: text("^[A-Z][a-z]{1,9}$")
      case .chinese: text("^[一-鿿]{2,4}$")
      }
    guard let scene else {
      return object([
        "name": name, "kind": text("^[a-z][a-z ]{1,18}[a-z]$"),
        "look": text("^[A-Za-z][\(english)]{6,70}[A-Za-z]$"),
      ])
    }
    return object([
      "name": name, "kind": choice(kind.map { [$0] } ?? scene.heroes),
      "colour": choice(colour.map { [$0] } ?? scene.colours),
    ])
  }

  /// The schema of more lines of an outline.
  static func outline(_ language: StoryLanguage, pages: Int) -> String {
    object(["outline": list(line(language, outlineLine), pages...pages)])
  }

  /// The schema of what a picture shows.
  ///
  /// - Parameters:
  ///   - plan: cast and places.
  ///   - page: the page's words: whom they name is in the picture.
  ///   - scene: the illustrator's own words; nil for any.
  /// - Returns: the schema.
  package static func scene(_ plan: StoryPlan, page: String, _ scene: SceneVocabulary?) -> String {
    let names = plan.characters(in: page).map(\.name)
    let characters = list(choice(names), 1...min(2, names.count))
    let place = choice(plan.places.isEmpty ? scene?.places ?? ["a quiet place"] : plan.places)
    guard let scene else {
      return object([
        "characters": characters, "action": text("^[a-z][\(english)]{4,58}[a-z]$"), "place": place,
      ])
    }
    let words = Set(page.lowercased().split { !$0.isLetter }.map(String.init))
    let things = scene.things.filter { words.contains($0) || words.contains($0 + "s") }
    guard !things.isEmpty else { return object(["characters": characters, "place": place]) }
    return object([
      "characters": characters, "things": list(choice(things), 1...1), "place": place,
    ])
  }

  /// The regular expression of a page: so many sentences, in which the numbers of passages may stand.
  ///
  /// - Parameters:
  ///   - language: of its words.
  ///   - sentences: how many at least and at most.
  ///   - citations: numbers of the passages that the writer was given.
  /// - Returns: the expression.
  package static func page(_ language: StoryLanguage, sentences: ClosedRange<Int>, citations: [Int])
    -> String
  {
    let more = "{\(sentences.lowerBound - 1),\(sentences.upperBound - 1)}"
    let numbers = citations.map { "\\[\($0)\\]" }.joined(separator: "|")
    switch language {
    case .english:
      let cited = citations.isEmpty ? "" : "(?: ?(?:\(numbers)))?"
      let sentence = "[\(latin)\"“”]{6,150}[A-Za-zÀ-ɏ0-9\"”]\(cited)[.!?][\"”]?"
      return "[A-ZÀ-Þ\"“]\(sentence)(?: [A-Za-zÀ-ɏ\"“]\(sentence))\(more)"
    case .chinese:
      let cited = citations.isEmpty ? "" : "(?:\(numbers))?"
      let sentence = "[\(han)：]{4,60}\(cited)[。！？]”?"
      return "[一-鿿“]\(sentence)(?:[一-鿿“]\(sentence))\(more)"
    }
  }
}
