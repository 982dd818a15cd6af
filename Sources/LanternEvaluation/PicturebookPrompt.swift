package import LanternModels

/// A parsed prompt in the picturebook's words: which things, how many, in which colour, where.
package struct PicturebookPrompt: Sendable, Equatable {
  /// So many of a thing.
  package struct Thing: Sendable, Equatable {
    package var subject: String
    package var colour: String?
    package var count: Int

    /// So many of a subject, in a colour if one is named.
    package init(subject: String, colour: String?, count: Int) {
      self.subject = subject
      self.colour = colour
      self.count = count
    }
  }

  /// How the first two things stand to each other.
  package enum Relation: String, Sendable, CaseIterable {
    case leftOf = "to the left of"
    case rightOf = "to the right of"
    case above
    case below
  }

  package let things: [Thing]
  package let relation: Relation?
  /// The place; empty for none.
  package let place: String

  private static let numbers = ["a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4]
  private static let sizes = ["small", "big"]
  private static let openings = ["a picture of ", "there is ", "there are "]
  private static let plurals = [
    "foxes": "fox", "buses": "bus", "cactuses": "cactus", "snowmen": "snowman",
    "ice creams": "ice cream",
  ]

  /// Reads a prompt; nil when it says what a judge of these words cannot tell.
  package init?(_ text: String, knowing judge: JudgeConfig) {
    var rest = text.lowercased()[...]
    var place = ""
    for name in judge.places where !name.isEmpty {
      if rest.hasPrefix(name + ", ") {
        (place, rest) = (name, rest.dropFirst(name.count + 2))
      } else if rest.hasSuffix(" " + name) {
        (place, rest) = (name, rest.dropLast(name.count + 1))
      }
    }
    for opening in Self.openings where rest.hasPrefix(opening) {
      rest = rest.dropFirst(opening.count)
    }
    var phrases = [String(rest)]
    relation = Relation.allCases.first { rest.contains(" \($0.rawValue) ") }
    for word in Relation.allCases.map(\.rawValue) + ["next to", "and"] {
      phrases = phrases.flatMap { Self.split($0, at: " \(word) ") }
    }
    // "a cat, a dog, and a fox": what stands before "and" may end in a comma of its own.
    phrases = phrases.flatMap { Self.split($0, at: ", ") }
      .map { $0.hasSuffix(",") ? String($0.dropLast()) : $0 }
    var things: [Thing] = []
    for phrase in phrases {
      guard let thing = Self.thing(phrase, judge) else { return nil }
      things.append(thing)
    }
    self.things = things
    self.place = place
  }

  private static func split(_ text: String, at separator: String) -> [String] {
    text.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
  }

  private static func thing(_ phrase: String, _ judge: JudgeConfig) -> Thing? {
    var words = phrase.split(separator: " ").map(String.init)
    guard let number = words.first, let count = numbers[number] else { return nil }
    words.removeFirst()
    if let size = words.first, sizes.contains(size) { words.removeFirst() }
    let colour = words.first.flatMap { judge.colours.contains($0) ? $0 : nil }
    if colour != nil { words.removeFirst() }
    let name = words.joined(separator: " ")
    let single = plurals[name] ?? (name.hasSuffix("s") ? String(name.dropLast()) : name)
    for subject in [name, single] where judge.subjects.contains(subject) {
      return Thing(subject: subject, colour: colour, count: count)
    }
    return nil
  }

  /// Whether a judge saw what the prompt says: each thing in its colour, standing as they should, at the
  /// place; exactly as many of each where any is to be there more than once.
  package func isShown(by reading: Judge.Reading) -> Bool {
    guard place.isEmpty || reading.place == place else { return false }
    let isCounted = things.contains { $0.count > 1 }
    var found: [Judge.Sighting] = []
    var left = reading.things.sorted { $0.certainty > $1.certainty }
    for thing in things {
      func isAlike(_ seen: Judge.Sighting) -> Bool {
        seen.subject == thing.subject && (thing.colour == nil || seen.colour == thing.colour)
      }
      // The same may be named twice, "a fox and a fox": no sighting counts for both.
      let others = things.filter { $0.subject == thing.subject && $0.colour == thing.colour }
      let wanted = others.reduce(0) { $0 + $1.count }
      guard let surest = left.firstIndex(where: isAlike),
        wanted == 1 && !isCounted || reading.things.count(where: isAlike) == wanted
      else { return false }
      found.append(left.remove(at: surest))
    }
    guard let relation, found.count > 1 else { return true }
    // Off by at least two of the judge's cells, in the wanted direction.
    let minimum = 2 * reading.cellSize
    switch relation {
    case .leftOf: return found[1].x - found[0].x >= minimum
    case .rightOf: return found[0].x - found[1].x >= minimum
    case .above: return found[1].y - found[0].y >= minimum
    case .below: return found[0].y - found[1].y >= minimum
    }
  }
}
