import LanternFormats

/// What a writer's texts are held to, so that no model can break the form: JSON schemas of plans and pictures, and a regular
/// expression of a page. Every text and every list is bounded.
package enum StoryForm {
  /// Pages of which lines are planned at once.
  static let outlineBlock = 8
  /// Tokens of a plan at most, of what a picture shows, and of a page.
  static let planTokens = 1024, sceneTokens = 160, pageTokens = 320

  private static let outlineLine = 20...84
  /// What may stand before the first name of a page.
  private static let openers = [
    "Once upon a time", "One day", "One morning", "The next day", "That night", "Then", "Soon",
    "Suddenly",
    "But", "So", "And", "When", "As", "After", "While", "At last", "In the end", "From that day on",
  ]
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

  /// Characters of a story at most.
  private static let mostCharacters = 3

  /// The schema of a plan without its outline.
  ///
  /// - Parameters:
  ///   - language: of title and names.
  ///   - scene: the illustrator's own words; nil for any. Of these, whom and where the prompt names are in the story.
  ///   - prompt: what the story is about.
  /// - Returns: the schema.
  package static func plan(
    _ language: StoryLanguage, _ scene: SceneVocabulary?, prompt: String = ""
  ) -> String {
    let place = scene.map { choice($0.places) } ?? text("^[A-Za-z][\(english)]{3,40}[A-Za-z]$")
    let named = scene?.heroes(in: prompt).prefix(mostCharacters) ?? []
    let cast = named.map { character(language, scene, kind: $0.kind, colour: $0.colour) }
    let places = (scene?.places(in: prompt).prefix(3) ?? []).map { choice([$0]) }
    // A hero and a friend whom the prompt names are enough; a model that knows no end would add more of their kind.
    let most = named.count > 1 ? named.count : mostCharacters
    // The member of an object is a schema of its own, in whose text the order of members counts.
    let lists = [
      "\"title\":\(JSON.write(line(language, 2...50)))",
      "\"cast\":"
        + list(character(language, scene), cast, max(1, cast.count)...most),
      "\"places\":"
        + list(JSON.write(place), places.map { JSON.write($0) }, max(1, places.count)...3),
    ]
    return """
      {"type":"object","properties":{\(lists.joined(separator: ","))},\
      "required":["title","cast","places"],"additionalProperties":false}
      """
  }

  /// The schema of a list that begins with items of their own schemas.
  private static func list(_ item: String, _ first: [String], _ range: ClosedRange<Int>) -> String {
    """
    {"type":"array","prefixItems":[\(first.joined(separator: ","))],"items":\(item),\
    "minItems":\(range.lowerBound),"maxItems":\(range.upperBound)}
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

  /// The schema of lines of an outline, each of which begins with the name of someone in the story and says what they do.
  ///
  /// - Parameters:
  ///   - language: of the lines.
  ///   - cast: who is in the story.
  ///   - pages: how many lines.
  ///   - things: what the lines before the last name, one each, the last of them in the line before the last.
  /// - Returns: the schema.
  package static func outline(
    _ language: StoryLanguage, _ cast: [StoryPlan.Character], pages: Int, things: [String] = []
  ) -> String {
    let names = alternatives(cast.map(\.name))
    func line(_ thing: String?) -> JSONValue {
      let (least, most) = (outlineLine.lowerBound, outlineLine.upperBound)
      switch (language, thing) {
      case (.english, nil):
        return text("^\(names)[ ,][\(latin)]{\(least),\(most)}[A-Za-zÀ-ɏ0-9.!?]$")
      case (.english, let thing?):
        let rest = "(?: [\(latin)]{1,30}[A-Za-zÀ-ɏ0-9])?[.!?]?"
        return text("^\(names) [\(latin)]{3,\(most / 2)} \(thing)s?\(rest)$")
      case (.chinese, _):
        return text("^\(names)[\(han)]{\(least / 2),\(most / 2)}[一-鿿0-9。！？]$")
      }
    }
    var wanted: [String?] = Array(repeating: nil, count: pages)
    let first = max(0, pages - 1 - things.count)
    for (index, thing) in zip(first..., things) where index < max(1, pages - 1) {
      wanted[index] = thing
    }
    let lines = wanted.map { JSON.write(line($0)) }
    return """
      {"type":"object","properties":{"outline":\(list(JSON.write(line(nil)), lines, pages...pages))},\
      "required":["outline"],"additionalProperties":false}
      """
  }

  /// A regular expression of one of these names; of a capital or a Chinese character where none is of letters alone.
  private static func alternatives(_ names: [String]) -> String {
    let plain = names.filter { !$0.isEmpty && $0.allSatisfy { $0.isLetter || $0 == " " } }
    return plain.isEmpty ? "[A-ZÀ-Þ一-鿿]" : "(?:\(plain.joined(separator: "|")))"
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
    let things = scene.things(in: page)
    guard !things.isEmpty else { return object(["characters": characters, "place": place]) }
    return object([
      "characters": characters, "things": list(choice(things), 1...1), "place": place,
    ])
  }

  /// The regular expression of a page: so many sentences, in which the numbers of passages may stand. The first names
  /// someone of the cast, who is in the page's picture.
  ///
  /// - Parameters:
  ///   - language: of its words.
  ///   - cast: who is in the story.
  ///   - sentences: how many at least and at most.
  ///   - citations: numbers of the passages that the writer was given.
  /// - Returns: the expression.
  package static func page(
    _ language: StoryLanguage, _ cast: [StoryPlan.Character], sentences: ClosedRange<Int>,
    citations: [Int]
  ) -> String {
    let names = alternatives(cast.map(\.name))
    let more = "{\(sentences.lowerBound - 1),\(sentences.upperBound - 1)}"
    let numbers = citations.map { "\\[\($0)\\]" }.joined(separator: "|")
    switch language {
    case .english:
      let cited = citations.isEmpty ? "" : "(?: ?(?:\(numbers)))?"
      // By words, each behind one space: a model that should not say a word again would else say it behind two.
      let word = "[A-Za-zÀ-ɏ0-9’'—–\\-\"“”]{1,16}[,;]?"
      let end = "[A-Za-zÀ-ɏ0-9\"”]\(cited)[.!?][\"”]?"
      let opener = "(?:(?:\(openers.joined(separator: "|"))),? )?"
      let first = "\(opener)\(names)(?:['’]s|,)?(?: \(word)){2,24}\(end)"
      return "\(first)(?: [A-ZÀ-Þ\"“]\(word)(?: \(word)){2,24}\(end))\(more)"
    case .chinese:
      let cited = citations.isEmpty ? "" : "(?:\(numbers))?"
      let sentence = "[\(han)：]{4,60}\(cited)[。！？]”?"
      return "[一-鿿“]?[\(han)：]{0,20}\(names)\(sentence)(?:[一-鿿“]\(sentence))\(more)"
    }
  }
}
