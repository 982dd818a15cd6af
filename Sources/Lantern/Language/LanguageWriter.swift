import LanternDecoding

/// A text that is being written: takes tokens, gives text, and says when it ends.
struct LanguageWriter {
  private let model: LanguageModel
  private let maximum: Int
  private var streamed: StreamedText
  private var stops: StopStrings
  /// The text so far, as far as it is certain.
  private(set) var text = ""
  /// Why the text ends; nil while it goes on.
  private(set) var ending: LanguageResult.Ending?

  /// - Parameters:
  ///   - model: whose tokens they are.
  ///   - request: what is wanted.
  ///   - maximum: tokens to write at most.
  init(_ model: LanguageModel, _ request: LanguageRequest, maximum: Int) {
    (self.model, self.maximum) = (model, maximum)
    streamed = StreamedText(model.tokenizer)
    stops = StopStrings(request.stop)
  }

  /// The tokens, without the one that ends the text.
  var ids: [Int] { streamed.ids }

  /// Takes a token.
  ///
  /// - Returns: more of the text, maybe none.
  mutating func take(_ id: Int) -> String {
    guard !model.ends.contains(id) else { return finish(.endOfText) }
    let (piece, isStopped) = stops.take(streamed.add(id) ?? "")
    text += piece
    if isStopped { ending = .stopString }
    guard ending == nil, ids.count >= maximum else { return piece }
    return piece + finish(.length)
  }

  /// Ends the text.
  ///
  /// - Returns: what was held back.
  mutating func finish(_ ending: LanguageResult.Ending) -> String {
    self.ending = ending
    let rest = stops.finish()
    text += rest
    return rest
  }
}
