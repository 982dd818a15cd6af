/// A weighted prompt: pieces of text with weights, in the syntax of stable-diffusion-webui.
///
/// `(x)` weighs x 1.1 times, `[x]` divides by 1.1, `(x:1.3)` weighs 1.3 times, brackets within
/// brackets multiply, `\(`, `\)`, `\[`, `\]` and `\\` stand for the character itself, and `BREAK`
/// begins a new chunk. A bracket that is never closed reaches to the end; one that was never opened
/// is text. Any text is a prompt: nothing is an error.
///
/// Extra networks as `<lora:name:1>` are not part of the text. `[from:to:when]`, `[a|b]` and `AND`, which change
/// the prompt between steps or compose several, are read before, by ``PromptSchedule`` and ``ComposedPrompt``;
/// here they are text. Differences to webui: `BREAK` within brackets begins a chunk too, an invalid number, as
/// in `(x:.)`, is text, brackets more than 100 deep have no weight, and weights are clamped to a million.
package struct WeightedPrompt: Sendable, Equatable {
  /// A piece of text and the weight of its embeddings, or the end of a chunk.
  package enum Piece: Sendable, Equatable {
    case text(String, weight: Float)
    case chunkBreak
  }

  /// The most that a weight may be.
  static let weightLimit: Float = 1e6

  /// The pieces in order; at least one, and adjacent ones differ in weight.
  package let pieces: [Piece]

  /// A literal text of weight 1, brackets included.
  package init(literal text: String) {
    pieces = [.text(text, weight: 1)]
  }

  /// Parses webui's syntax.
  package init(parsing prompt: String) {
    var parser = WeightParser()
    parser.read(Array(PromptSyntax.withoutTags(prompt).prompt.unicodeScalars))
    pieces = parser.pieces()
  }
}

/// A parser from left to right that multiplies the weights within a bracket when the bracket closes, for the
/// rounding of webui.
private struct WeightParser {
  private struct Stretch {
    var text: [Unicode.Scalar]
    /// `nil` for a break.
    var weight: Double?
  }

  private static let emphasis = 1.1
  private static let depthLimit = 100

  private var stretches: [Stretch] = []
  private var roundStarts: [Int] = []
  private var squareStarts: [Int] = []

  mutating func read(_ prompt: [Unicode.Scalar]) {
    var position = 0
    while position < prompt.count {
      let scalar = prompt[position]
      var end = position + 1
      switch scalar {
      case "\\":
        let isEscape = end < prompt.count && "()[]\\".unicodeScalars.contains(prompt[end])
        append(isEscape ? prompt[end...end] : [])
        end += isEscape ? 1 : 0
      case "(": roundStarts.append(stretches.count)
      case "[": squareStarts.append(stretches.count)
      case ")" where !roundStarts.isEmpty: closeRound(Self.emphasis)
      case "]" where !squareStarts.isEmpty:
        let depth = squareStarts.count
        if let start = squareStarts.popLast() { weigh(from: start, depth, 1 / Self.emphasis) }
      case ":":
        let number = Self.weight(prompt[end...])
        if let number, !roundStarts.isEmpty {
          closeRound(number.value)
          end = number.end
        } else {
          end = number?.end ?? end
          appendText(prompt[position..<end])
        }
      case ")", "]": appendText([scalar])
      default:
        end =
          prompt[position...].firstIndex { "\\()[]:".unicodeScalars.contains($0) } ?? prompt.count
        appendText(prompt[position..<end])
      }
      position = end
    }
  }

  /// The pieces: open brackets are closed, adjacent pieces of one weight joined.
  mutating func pieces() -> [WeightedPrompt.Piece] {
    for (index, start) in roundStarts.enumerated() { weigh(from: start, index + 1, Self.emphasis) }
    for (index, start) in squareStarts.enumerated() {
      weigh(from: start, index + 1, 1 / Self.emphasis)
    }
    var joined: [Stretch] = []
    for stretch in stretches {
      if let last = joined.indices.last, stretch.weight != nil,
        joined[last].weight == stretch.weight
      {
        joined[last].text += stretch.text
      } else {
        joined.append(stretch)
      }
    }
    if joined.isEmpty { return [.text("", weight: 1)] }
    return joined.map { stretch in
      guard let weight = stretch.weight else { return .chunkBreak }
      let limit = Double(WeightedPrompt.weightLimit)
      let text = String(String.UnicodeScalarView(stretch.text))
      return .text(text, weight: Float(min(max(weight, -limit), limit)))
    }
  }

  private mutating func append(_ text: ArraySlice<Unicode.Scalar>) {
    stretches.append(Stretch(text: Array(text), weight: 1))
  }

  private mutating func closeRound(_ factor: Double) {
    let depth = roundStarts.count
    if let start = roundStarts.popLast() { weigh(from: start, depth, factor) }
  }

  /// Multiplies the weights of all pieces from `start` on. Brackets nested too deep have no effect, against
  /// quadratic time of hostile prompts.
  private mutating func weigh(from start: Int, _ depth: Int, _ factor: Double) {
    guard depth <= Self.depthLimit else { return }
    for index in start..<stretches.count {
      stretches[index].weight = stretches[index].weight.map { $0 * factor }
    }
  }

  /// Appends text, with breaks where the word `BREAK` stands in it.
  private mutating func appendText(_ text: ArraySlice<Unicode.Scalar>) {
    var start = text.startIndex
    for word in text.ranges(ofWord: "BREAK") {
      append(text[start..<word.lowerBound].trimmingEnd)
      stretches.append(Stretch(text: [], weight: nil))
      start = text[word.upperBound...].firstIndex { !$0.isSpace } ?? text.endIndex
    }
    append(text[start...])
  }

  /// A weight and the closing bracket: `1.3)`.
  private static func weight(_ text: ArraySlice<Unicode.Scalar>) -> (value: Double, end: Int)? {
    var position = text.firstIndex { !$0.isSpace } ?? text.endIndex
    let start = position
    if position < text.endIndex, text[position] == "+" || text[position] == "-" { position += 1 }
    while position < text.endIndex, ("0"..."9").contains(text[position]) || text[position] == "." {
      position += 1
    }
    let end = text[position...].firstIndex { !$0.isSpace } ?? text.endIndex
    guard end < text.endIndex, text[end] == ")" else { return nil }
    var digits = String.UnicodeScalarView()
    digits.append(contentsOf: text[start..<position])
    guard let value = Double(String(digits)), value.isFinite else { return nil }
    return (value, end + 1)
  }
}
