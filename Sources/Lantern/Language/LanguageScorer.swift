import LanternDecoding
import LanternLayers
import LanternModels
import LanternTensor

/// Log-likelihoods of texts behind an input, and greedy answers to inputs, as lm-evaluation-harness (0.4.13) has them.
///
/// An input is read once for all texts behind it, and what inputs begin with alike once for all of them; a log-likelihood
/// is the same to the bit whatever was scored before.
package struct LanguageScorer: ~Copyable {
  private let generator: LanguageGenerator
  private let reader: LanguageInputReader
  private var context: LanguageContext
  /// Tokens of the context that were read by themselves.
  private var sharedCount = 0

  /// - Parameters:
  ///   - generator: the model.
  ///   - usesTemplate: whether inputs are turns in the form of the model's chat template.
  /// - Throws: ``RequestError/noChatTemplate(path:known:)``, ``RequestError/mismatch(reason:path:)`` for an
  ///   encoder–decoder, and what a damaged template throws.
  package init(_ generator: LanguageGenerator, usesTemplate: Bool) throws {
    let reader = try LanguageInputReader(generator, usesTemplate: usesTemplate)
    var context = try generator.makeContext()
    // The beginning of a text is gone on from again and again.
    context.cache.keepsAll = true
    self.init(generator, reader, context)
  }

  private init(
    _ generator: LanguageGenerator, _ reader: LanguageInputReader,
    _ context: consuming LanguageContext
  ) {
    (self.generator, self.reader) = (generator, reader)
    self.context = context
  }

  /// The sum of the natural log-probabilities of each text's tokens behind an input.
  ///
  /// - Parameters:
  ///   - texts: one at least.
  ///   - input: what they stand behind; where it is too long its beginning is cut.
  ///   - beginning: an input whose first tokens are those of others too.
  /// - Returns: a number for each text.
  /// - Throws: ``RequestError/longText(tokens:maximum:)`` for a text that does not fit the model's context,
  ///   ``RequestError/notFinite(what:step:)``, and what reading throws.
  package mutating func logLikelihoods(
    of texts: [String], behind input: LanguageInput, sharing beginning: LanguageInput
  ) throws -> [Double] {
    let (ids, added) = try reader.ids(of: input, with: texts)
    let maximum = generator.contextLength
    let longest = added.map(\.count).max() ?? 0
    guard longest <= maximum else {
      throw RequestError.longText(tokens: longest, maximum: maximum)
    }
    // The last token of a text is not read.
    guard ids.count + longest <= maximum + 1,
      generator.model.network.readsInBlocks(ids.count + longest)
    else { return try added.map { try logLikelihood(of: $0, behindAllOf: ids) } }
    let first = LogProbabilities(
      try logits(behind: ids, sharing: reader.ids(of: beginning)))
    return try added.map { text in
      let rest = text.count > 1 ? try logLikelihood(ofRestOf: text, behind: ids.count) : 0
      return try checked(Double(first[text[0]]) + rest)
    }
  }

  /// Writes a greedy answer to each of some inputs, several at once.
  ///
  /// - Parameters:
  ///   - inputs: what is answered; of one that leaves no room for an answer the beginning is cut.
  ///   - maximumTokens: tokens of an answer at most.
  ///   - stop: strings before which an answer ends.
  ///   - parallel: how many are written at once.
  ///   - onEvent: called as work goes on, with an answer and its number once it is there; throw to stop.
  /// - Throws: ``RequestError/range(name:found:allowed:)`` for a model without room for an answer, what reading throws,
  ///   and what the closure throws.
  package func answers(
    to inputs: [LanguageInput], maximumTokens: Int, stop: [String], parallel: Int,
    onEvent: (_ answer: (number: Int, text: String)?) throws -> Void
  ) throws {
    let room = generator.contextLength - maximumTokens
    guard room > 0 else {
      throw RequestError.range(
        name: "a context of", found: "\(generator.contextLength) tokens",
        allowed: "a model with more than the \(maximumTokens) that an answer may have")
    }
    var request = LanguageRequest(prompt: "")
    (request.temperature, request.maximumTokens, request.stop) = (0, maximumTokens, stop)
    let texts = try inputs.map { (request, prompt: Array(try reader.ids(of: $0).suffix(room))) }
    var model = generator.model
    model.skipsSpecialTokens = true
    try LanguageGenerator(model).write(texts, parallel: parallel) { number, event in
      guard case .finished(let result) = event else { return try onEvent(nil) }
      try onEvent((number, result.text))
    }
  }

  /// The logits behind tokens, of which those that begin alike with others are read by themselves.
  private mutating func logits(behind ids: [Int], sharing beginning: [Int]) throws -> [Float] {
    let network = generator.model.network
    let shared = zip(beginning, ids.dropLast()).prefix { $0 == $1 }.count
    if shared != sharedCount || !context.tokens.starts(with: ids[..<shared]) {
      context.forget(beyond: 0)
      if shared > 0 { _ = try context.read(Array(ids[..<shared]), with: network) }
      sharedCount = shared
    }
    context.forget(beyond: shared)
    let hidden = try context.read(Array(ids[shared...]), with: network)
    let last = try hidden.sliced(axis: 1, ids.count - shared - 1..<ids.count - shared)
    return try network.logits(last.contiguous()).floats()
  }

  /// Of the tokens of a text but the first, behind the context's first `count`.
  private mutating func logLikelihood(ofRestOf text: [Int], behind count: Int) throws -> Double {
    context.forget(beyond: count)
    let hidden = try context.read(text.dropLast(), with: generator.model.network)
    return try sum(hidden, text.dropFirst())
  }

  /// Of a text behind tokens that are cut at the left to fit the model's context, read at once.
  private mutating func logLikelihood(of text: [Int], behindAllOf ids: [Int]) throws -> Double {
    let read = Array((ids + text).suffix(generator.contextLength + 1).dropLast())
    context.forget(beyond: 0)
    sharedCount = 0
    let hidden = try context.read(read, with: generator.model.network)
    let rows = try hidden.sliced(axis: 1, read.count - text.count..<read.count).contiguous()
    return try checked(sum(rows, text[...]))
  }

  /// Rows whose logits are there at a time: a row has as many as the vocabulary.
  private static let rows = 32

  /// The log-probabilities of tokens, each by the hidden state before it, together.
  private func sum(_ hidden: Tensor, _ ids: ArraySlice<Int>) throws -> Double {
    let ids = Array(ids)
    var sum = 0.0
    for start in stride(from: 0, to: ids.count, by: Self.rows) {
      let range = start..<min(ids.count, start + Self.rows)
      let part = try hidden.sliced(axis: 1, range).contiguous()
      let scores = try generator.model.network.logits(part).floats()
      let width = scores.count / range.count
      for (row, id) in ids[range].enumerated() {
        sum += Double(LogProbabilities(Array(scores[row * width..<(row + 1) * width]))[id])
      }
    }
    return sum
  }

  private func checked(_ value: Double) throws(RequestError) -> Double {
    guard value.isFinite else { throw .notFinite(what: "a log-likelihood", step: nil) }
    return value
  }
}

extension LanguageGenerator {
  /// A hash of all that a model's numbers depend on.
  ///
  /// - Throws: an error of weights that cannot be read.
  package func identity() throws -> String { try model.identity() }
}
