import Lantern
import LanternFormats

extension Console {
  /// Puts more of a text on standard output, or tells it to programs; of one of several, which come whole, to programs
  /// alone.
  func put(_ event: LanguageEvent, of number: Int? = nil) {
    var fields: [String: JSONValue]
    switch event {
    case .token(let token): fields = Self.fields(of: token)
    case .text(let text) where !text.isEmpty:
      fields = ["event": .string("text"), "text": .string(text)]
      if !isJSON, number == nil { Console.put(text) }
    case .text, .finished: return
    }
    if let number { fields["number"] = .integer(number + 1) }
    self.event(fields)
  }

  /// Notes options that have no effect on how a text is written.
  func noteIdle(_ request: LanguageRequest, hasSeed: Bool) {
    if request.logProbabilities > 0, !isJSON {
      note("log-probabilities without effect: they are among the events of --json")
    }
    if request.beams > 1, hasSeed {
      note("seed without effect: beam search takes the likeliest texts")
    } else if request.temperature == 0, hasSeed {
      note("seed without effect: temperature 0 takes the likeliest token")
    }
  }

  /// Tells how many of the tokens that were read ahead came.
  func detail(acceptanceOf result: LanguageResult) {
    guard result.proposedTokens > 0 else { return }
    detail("\(result.acceptedTokens) of \(result.proposedTokens) proposed tokens came")
  }

  /// A token with the likeliest ones.
  private static func fields(of token: LanguageToken) -> [String: JSONValue] {
    func object(_ choice: LanguageToken.Choice) -> [String: JSONValue] {
      [
        "id": .integer(choice.id), "text": .string(String(decoding: choice.bytes, as: UTF8.self)),
        "bytes": .array(choice.bytes.map { .integer(Int($0)) }),
        "log_probability": .number(Double(choice.logProbability)),
      ]
    }
    var event = object(token.choice)
    event["event"] = .string("token")
    event["top"] = .array(token.likeliest.map { .object(object($0)) })
    return event
  }
}
