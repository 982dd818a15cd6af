import Lantern

extension LanguageGenerator {
  /// What is written, with the bits of the likeliest tokens' probabilities where the request wants them.
  func written(_ request: LanguageRequest) throws -> (
    result: LanguageResult, tokens: [LanguageToken]
  ) {
    var tokens: [LanguageToken] = []
    let result = try write(request) { if case .token(let token) = $0 { tokens.append(token) } }
    return (result, tokens)
  }
}
