import LanternTokenizers

/// Divides an answer, as it is written, into text and the calls of tools that it may have.
struct AnswerReader: Sendable {
  private var reader: ToolCallReader?
  private let areSeveral: Bool
  /// The calls so far.
  private(set) var calls: [ToolCall] = []

  /// - Parameters:
  ///   - offer: the tools of the call.
  ///   - model: who answers.
  init(_ offer: ToolOffer, _ model: ServedLanguageModel) {
    reader = offer.tools.isEmpty ? nil : model.toolCallForm.map(ToolCallReader.init)
    areSeveral = offer.areSeveral
  }

  /// The pieces that more of the answer completes.
  mutating func add(_ text: String) -> [ToolCallReader.Piece] {
    guard let pieces = reader?.add(text) else { return text.isEmpty ? [] : [.text(text)] }
    return take(pieces)
  }

  /// The last pieces.
  mutating func finish() -> [ToolCallReader.Piece] { take(reader?.finish() ?? []) }

  private mutating func take(_ pieces: [ToolCallReader.Piece]) -> [ToolCallReader.Piece] {
    pieces.filter { piece in
      guard case .call(let call) = piece else { return true }
      guard areSeveral || calls.isEmpty else { return false }
      calls.append(call)
      return true
    }
  }

  /// The text and the calls of a whole answer.
  func divided(_ answer: String) -> (text: String, calls: [ToolCall]) {
    var reader = self
    let pieces = reader.add(answer) + reader.finish()
    let text = pieces.reduce(into: "") { text, piece in
      if case .text(let more) = piece { text += more }
    }
    return (text, reader.calls)
  }
}
