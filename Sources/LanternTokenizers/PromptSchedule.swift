/// A prompt that changes between steps, in the syntax of stable-diffusion-webui.
///
/// `[from:to:when]` is `from` up to a step and `to` after it, `[to:when]` and `[from::when]` have nothing before
/// or after, and `[a|b|c]` takes turns, one a step; all of it within one another too. A number with a point
/// is a share of the steps, one without is a step. What does not fit is text; a `|` outside of such brackets,
/// or a lone backslash, makes all of the prompt text.
///
/// Equal to webui's `get_learned_conditioning_prompt_schedules`, but for brackets more than 100 deep, which are
/// text here and an error there.
package struct PromptSchedule: Sendable, Equatable {
  /// The steps of a run, as webui counts them: evaluations of the denoiser.
  package struct Steps: Sendable, Equatable {
    /// How many are planned.
    package var count: Int
    /// How many the pass before had, for a second pass over an enlarged picture: there webui counts on, a step
    /// from these, a share from 1. Nil for the first pass.
    package var before: Int?

    /// See the properties.
    package init(count: Int, before: Int? = nil) {
      self.count = count
      self.before = before
    }
  }

  /// A text, and up to which evaluation it is drawn.
  package struct Entry: Sendable, Equatable {
    package let end: Int
    package let text: String
  }

  indirect enum Piece: Sendable, Equatable {
    case text(String)
    case change(before: [Piece], after: [Piece], when: Moment)
    case turns([[Piece]])
  }

  struct Moment: Sendable, Equatable {
    let value: Double
    let isShare: Bool

    /// The last evaluation before the change.
    func end(_ steps: Steps) -> Int {
      let found =
        isShare
        ? (value - (steps.before == nil ? 0 : 1)) * Double(steps.count)
        : value - Double(steps.before ?? 0)
      return Int(min(max(found, -1), Double(steps.count)))
    }
  }

  private let pieces: [Piece]
  /// Whether something stands in the prompt that makes all of it text.
  package let isAllText: Bool

  /// Reads a prompt without extra networks; any text is one.
  package init(parsing prompt: String) {
    var parser = ScheduleParser()
    isAllText = !parser.read(Array(prompt.unicodeScalars))
    pieces = isAllText ? [.text(prompt)] : parser.pieces
  }

  /// The texts of a run, in order.
  package func entries(over steps: Steps) -> [Entry] {
    var ends: Set<Int> = [steps.count]
    Self.collect(pieces, steps, &ends)
    return ends.sorted().map { end in
      var text = ""
      Self.write(pieces, at: end, steps, into: &text)
      return Entry(end: end, text: text)
    }
  }

  /// The words of all its texts, each once.
  package var words: String {
    var text = ""
    Self.writeAll(pieces, into: &text)
    return text
  }

  private static func collect(_ pieces: [Piece], _ steps: Steps, _ ends: inout Set<Int>) {
    for piece in pieces {
      switch piece {
      case .text: break
      case .change(let before, let after, let when):
        let end = when.end(steps)
        if end >= 1 { ends.insert(end) }
        for side in [before, after] { collect(side, steps, &ends) }
      case .turns(let sides):
        ends.formUnion(1...max(steps.count, 1))
        for side in sides { collect(side, steps, &ends) }
      }
    }
  }

  private static func write(
    _ pieces: [Piece], at step: Int, _ steps: Steps, into text: inout String
  ) {
    for piece in pieces {
      switch piece {
      case .text(let plain): text += plain
      case .change(let before, let after, let when):
        write(step <= when.end(steps) ? before : after, at: step, steps, into: &text)
      case .turns(let sides):
        write(sides[max(step - 1, 0) % sides.count], at: step, steps, into: &text)
      }
    }
  }

  private static func writeAll(_ pieces: [Piece], into text: inout String) {
    for piece in pieces {
      let sides: [[Piece]]
      switch piece {
      case .text(let plain):
        text += plain
        continue
      case .change(let before, let after, _): sides = [before, after]
      case .turns(let all): sides = all
      }
      for (index, side) in sides.enumerated() {
        if index > 0 { text += " " }
        writeAll(side, into: &text)
      }
    }
  }
}

/// A parser in one go, with a stack of open brackets. What is in brackets must be whole; once it is not, all
/// open brackets are text.
private struct ScheduleParser {
  private struct Bracket {
    let sign: Unicode.Scalar
    /// The parts between separators.
    var parts: [[PromptSchedule.Piece]] = [[]]
    var separators: [Unicode.Scalar] = []

    var closing: Unicode.Scalar { sign == "(" ? ")" : "]" }

    /// What the closed bracket means; nil for nothing.
    var pieces: [PromptSchedule.Piece]? {
      let colons = separators.filter { $0 == ":" }.count
      if sign == "(" ? separators.count == colons && colons <= 1 : separators.isEmpty {
        return raw + [.text(String(closing))]
      }
      guard sign == "[" else { return nil }
      if colons == 0 { return [.turns(parts)] }
      guard colons == separators.count, colons <= 2, let last = parts.last,
        let when = ScheduleParser.moment(last)
      else { return nil }
      return [
        .change(before: colons == 2 ? parts[0] : [], after: parts[colons - 1], when: when)
      ]
    }

    /// The bracket as text, not closed.
    var raw: [PromptSchedule.Piece] {
      zip([sign] + separators, parts).flatMap { [.text(String($0))] + $1 }
    }
  }

  private static let depthLimit = 100

  private(set) var pieces: [PromptSchedule.Piece] = []
  private var open: [Bracket] = []

  /// Reads a prompt; false where all of it is text.
  mutating func read(_ prompt: [Unicode.Scalar]) -> Bool {
    var position = 0
    while position < prompt.count {
      let scalar = prompt[position]
      switch scalar {
      case "[", "(":
        open.append(Bracket(sign: scalar))
        if open.count > Self.depthLimit { return false }
      case "]", ")":
        if let last = open.last, last.closing == scalar, let found = last.pieces {
          open.removeLast()
          add(found)
        } else {
          guard giveUp() else { return false }
          add([.text(String(scalar))])
        }
      case ":", "|":
        if let last = open.indices.last {
          open[last].separators.append(scalar)
          open[last].parts.append([])
        } else {
          if scalar == "|" { return false }
          add([.text(":")])
        }
      case "\\":
        guard position + 1 < prompt.count, prompt[position + 1] != "\n" else { return false }
        add([.text(Self.text(prompt[position...position + 1]))])
        position += 1
      default:
        let end =
          prompt[position...].firstIndex { "[]():|\\".unicodeScalars.contains($0) } ?? prompt.count
        add([.text(Self.text(prompt[position..<end]))])
        position = end - 1
      }
      position += 1
    }
    return giveUp()
  }

  /// Takes all open brackets for text; false where a bar stands in them, which is none.
  private mutating func giveUp() -> Bool {
    let brackets = open
    open = []
    for bracket in brackets {
      if bracket.separators.contains("|") { return false }
      add(bracket.raw)
    }
    return true
  }

  private mutating func add(_ found: [PromptSchedule.Piece]) {
    guard let last = open.indices.last else { return pieces += found }
    open[last].parts[open[last].parts.count - 1] += found
  }

  /// The number that a part is, with space about it.
  private static func moment(_ part: [PromptSchedule.Piece]) -> PromptSchedule.Moment? {
    var text = ""
    for piece in part {
      guard case .text(let plain) = piece else { return nil }
      text += plain
    }
    let number = Array(text.unicodeScalars)[...].trimmingEnd.drop(while: \.isSpace)
    let digits = Self.text(number)
    guard number.isDecimal(withExponent: true), let value = Double(digits) else { return nil }
    return PromptSchedule.Moment(value: value, isShare: digits.contains("."))
  }

  private static func text(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    String(String.UnicodeScalarView(scalars))
  }
}
