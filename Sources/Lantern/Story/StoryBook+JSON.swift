import LanternFormats

/// How a story was told.
package struct StoryDetails: Sendable, Equatable {
  /// What was wanted.
  package var prompt = ""
  /// Seed of the whole story; nil where unknown.
  package var seed: UInt64?
  /// Name of the model that wrote it.
  package var writer: String?
  /// Name of the model that drew it.
  package var illustrator: String?
  /// The language of its words.
  package var language = StoryLanguage.english
  /// Its plan; nil where nobody planned.
  package var plan: StoryPlan?

  package init(
    prompt: String = "", seed: UInt64? = nil, writer: String? = nil, illustrator: String? = nil
  ) {
    (self.prompt, self.seed) = (prompt, seed)
    (self.writer, self.illustrator) = (writer, illustrator)
  }

  /// The line at a story's end.
  var colophon: String {
    let seed = seed.map { ", seed \($0)" } ?? ""
    guard let illustrator else { return "Made by Lantern." }
    guard let writer else { return "Drawn by Lantern with \(illustrator)\(seed)." }
    return writer == illustrator
      ? "Told and drawn by Lantern with \(writer)\(seed)."
      : "Told by Lantern with \(writer), drawn with \(illustrator)\(seed)."
  }
}

extension StoryDetails {
  /// What `story.json` says of it, but for the plan.
  init(_ fields: [String: JSONValue]) {
    prompt = fields["prompt"]?.string ?? ""
    seed = fields["seed"]?.unsigned
    (writer, illustrator) = (fields["writer"]?.string, fields["illustrator"]?.string)
    language = fields["language"]?.string.flatMap(StoryLanguage.init) ?? .english
  }
}

/// Where something that a page says is from.
public struct StoryCitation: Sendable, Equatable {
  /// The number that stands in brackets in the words, from 1.
  public let number: Int
  /// A file or an address, with what stands above the passage there.
  public let place: String

  /// A citation.
  package init(number: Int, place: String) { (self.number, self.place) = (number, place) }

  /// A source of `story.json`; nil for what is none.
  init?(_ json: JSONValue) {
    guard let number = json.object?["number"]?.integer, let place = json.object?["place"]?.string
    else { return nil }
    self.init(number: number, place: PlainText.line(place))
  }

  /// What a text cites of passages, each once.
  package static func all(in text: String, of passages: [QuotedPassage]) -> [StoryCitation] {
    passages.enumerated().filter { text.contains("[\($0.offset + 1)]") }
      .map { StoryCitation(number: $0.offset + 1, place: PlainText.line($0.element.place)) }
  }
}

extension StoryBook {
  /// Keys of the whole, and of a page.
  static let jsonKeys: Set<String> = [
    "title", "language", "prompt", "seed", "writer", "illustrator", "plan", "pages", "sources",
  ]

  /// The story as JSON, which `StoryRevision` reads: edited, its pictures can be drawn anew.
  public var json: String {
    var fields: [String: JSONValue] = [
      "title": .string(title), "language": .string(details.language.rawValue),
      "prompt": .string(details.prompt), "pages": .array(pages.map(\.json)),
      "sources": .array(
        sources.map { .object(["number": .integer($0.number), "place": .string($0.place)]) }),
    ]
    fields["seed"] = details.seed.map { JSONValue($0) }
    fields["writer"] = details.writer.map(JSONValue.string)
    fields["illustrator"] = details.illustrator.map(JSONValue.string)
    fields["plan"] = details.plan?.json
    return JSON.indented(.object(fields)) + "\n"
  }
}

extension StoryPage {
  static let jsonKeys: Set<String> = [
    "number", "text", "picture", "picture_prompt", "seed", "citations", "audio",
  ]

  fileprivate var json: JSONValue {
    var fields: [String: JSONValue] = [
      "number": .integer(number), "text": .string(text),
      "picture": .string(StoryBook.pictureName(number)),
    ]
    fields["picture_prompt"] = caption.map(JSONValue.string)
    fields["seed"] = seed.map { JSONValue($0) }
    fields["audio"] = audio.map(JSONValue.string)
    if !citations.isEmpty { fields["citations"] = .array(citations.map { .integer($0.number) }) }
    return .object(fields)
  }
}
