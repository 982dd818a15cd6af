package import Lantern

/// A passage that was found.
package struct FoundPassage: Sendable, Equatable {
  package let id: Int64
  /// As the method has it: larger is better, and those of two methods do not compare.
  package let score: Double
  /// Path or address of a document that has it.
  package let source: String
  package let title: String?
  /// The headings that it stands below; empty for none.
  package let heading: String
  package let page: Int?
  package let text: String

  package init(
    id: Int64, score: Double, source: String, title: String? = nil, heading: String = "",
    page: Int? = nil, text: String
  ) {
    (self.id, self.score, self.source, self.title) = (id, score, source, title)
    (self.heading, self.page, self.text) = (heading, page, text)
  }

  /// The passage as a model reads it.
  package var quoted: QuotedPassage { QuotedPassage(place: place, text: text) }

  /// Where it is from, in a line: source, headings and page.
  package var place: String {
    let parts = [source, heading, page.map { "page \($0)" } ?? ""].filter { !$0.isEmpty }
    return PlainText.line(parts.joined(separator: ", "))
  }
}
