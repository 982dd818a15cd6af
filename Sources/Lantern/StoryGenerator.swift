import Dispatch
import LanternLayers
import LanternModels
import LanternPictures
import LanternSamplers
public import LanternTensor
import LanternTokenizers

/// Tells stories in words and pictures with one transformer that is loaded once (in the manner of
/// Show-o, Xie et al. 2024, arXiv:2408.12528).
///
/// A value of constants: many tasks may use one generator. They take turns at the processors.
public struct StoryGenerator: Sendable {
  package let model: UnifiedModel
  /// What draws the pages' pictures in place of the transformer, if anything.
  private let painter: ImageGenerator?

  /// Loads a model.
  ///
  /// - Parameters:
  ///   - folder: Show-o's folder, with the image tokenizer's and the language model's in it or beside
  ///     it.
  ///   - painter: a latent-diffusion model that draws what the transformer's captions say; the
  ///     transformer draws by itself when nil.
  ///   - precision: how exactly the transformer computes.
  /// - Throws: an error that names the file, what is wrong with it, and the remedy.
  public init(
    folder: String, painter: ImageGenerator? = nil, precision: Precision = .exact
  ) throws {
    model = try UnifiedModel(folder, precision: precision)
    self.painter = painter
  }

  /// Where the model was loaded from.
  public var path: String { model.path }

  /// Whether the model opens pictures by itself and reads its own. Public Show-o weights were never
  /// trained to: there each page's last sentence is drawn afresh.
  public var isInterleaved: Bool { model.defaults.isInterleaved }

  /// Tells a story: words as they are written, steps of pictures, pages. Ending the loop, or
  /// cancelling its task, stops the work within one step.
  public func generate(_ request: StoryRequest) -> AsyncThrowingStream<StoryEvent, any Error> {
    AsyncThrowingStream { stream in
      ImageGenerator.queue.async {
        do {
          try tell(request) { event in
            if case .terminated = stream.yield(event) { throw CancellationError() }
          }
          stream.finish()
        } catch {
          stream.finish(throwing: error)
        }
      }
    }
  }

  /// Tells a story on the caller's thread, page by page: words until a picture is opened, the picture
  /// as one block over all that was read, and its codes read in turn before the words go on.
  ///
  /// - Parameters:
  ///   - request: what is wanted.
  ///   - onEvent: called as things happen; throw to stop.
  /// - Throws: an error of the room where it arose, or what `onEvent` throws.
  package func tell(_ request: StoryRequest, onEvent: (StoryEvent) throws -> Void) throws {
    let settings = try StorySettings(request, model)
    let t = model.showo.tokens
    let noise = TokenNoise(seed: request.seed)
    var past = Past(model, request.recomputes)
    var cache = try model.showo.makeCache()
    let prompt = model.words.encode(plain: request.prompt)
    let opening =
      isInterleaved
      ? [t.longText, t.endOfText] + prompt + [t.endOfText, t.endOfText] : [t.endOfText] + prompt
    try checkRoom(for: opening.count, "the prompt")
    try past.read(.text(opening), into: &cache)

    for number in 1...settings.pages {
      let given = number <= request.beginning.count ? request.beginning[number - 1] : nil
      let text = try write(
        given?.text, page: number, &past, &cache, settings.text, noise[2 * number], onEvent)
      var illustration: Illustration
      if let picture = given?.picture {
        illustration = Illustration(
          picture: try picture.middleSquare(model.pixels), codes: try model.codes(of: picture))
      } else {
        let illustrator = illustrator(settings, past, request.seed)
        let onStep = { (step: DraftStep) in
          let every = request.previewInterval
          let preview = every > 0 && step.number % every == 0 ? try step.preview() : nil
          try onEvent(.step(step.number, of: step.count, page: number, preview: preview))
        }
        if isInterleaved {
          illustration = try illustrator.draw(
            after: &cache, noise: noise[2 * number + 1], onStep: onStep)
        } else {
          var afresh = try model.showo.makeCache()
          let caption = model.drawingPrompt(model.words.encode(plain: text))
          try checkRoom(for: caption.count, "a page")
          _ = try model.read(.text(caption), into: &afresh)
          illustration = try illustrator.draw(
            after: &afresh, noise: noise[2 * number + 1], onStep: onStep)
        }
      }
      if isInterleaved { try past.read(.picture(t.block(illustration.codes)), into: &cache) }
      try onEvent(
        .page(
          StoryPage(
            number: number, text: text, picture: illustration.picture,
            caption: illustration.caption)))
    }
    try onEvent(.finished)
  }

  private func illustrator(_ settings: StorySettings, _ past: borrowing Past, _ seed: UInt64)
    -> any Illustrator
  {
    let masked = MaskedIllustrator(
      model: model, decoder: settings.decoder, past: isInterleaved ? past.again : nil)
    guard let painter else { return masked }
    return DiffusionIllustrator(draft: masked, generator: painter, seed: seed)
  }

  /// Words of one page: the given ones, or new ones until the model opens a picture. Without such
  /// training a page is what a sentence or two take.
  private func write(
    _ given: String?, page: Int, _ past: inout Past, _ cache: inout KVCache,
    _ sampler: TextSampler, _ noise: TokenNoise, _ onEvent: (StoryEvent) throws -> Void
  ) throws -> String {
    let t = model.showo.tokens
    if let given {
      let ids = model.words.encode(plain: given)
      try checkRoom(for: cache.count + ids.count, "the beginning")
      if !ids.isEmpty { try past.read(.text(ids), into: &cache) }
      try onEvent(.text(given, page: page))
      return given
    }
    var text = TextInTheMaking(model.words)
    for place in 0..<Self.mostTokens {
      try checkRoom(for: cache.count, "the story")
      var scores = try past.scores(&cache)
      t.allowText(in: &scores, andPicture: isInterleaved && !text.ids.isEmpty)
      let id = sampler.choose(scores, past: text.ids, uniform: noise.uniform(place))
      if id == t.startOfImage { break }
      if let piece = text.add(id) { try onEvent(.text(piece, page: page)) }
      try past.read(.text([id]), into: &cache)
      if !isInterleaved, text.ids.count >= 12, text.text.last.map({ ".!?\n".contains($0) }) == true
      {
        break
      }
    }
    return text.text
  }

  /// A page's words at most; whoever goes on beyond them gets a picture.
  private static let mostTokens = 120

  private func checkRoom(for count: Int, _ what: String) throws(RequestError) {
    let most = model.showo.maximumLength - (isInterleaved ? model.side * model.side + 2 : 0)
    guard count < most else { throw .longStory(what: what, tokens: count, most: most - 1) }
  }
}

/// What was read so far, and the state that it left.
private struct Past: ~Copyable {
  private let model: UnifiedModel
  private var hidden: Tensor?
  /// All that was read, where everything is to be read again each time.
  private(set) var again: [PastSegment]?

  init(_ model: UnifiedModel, _ recomputes: Bool) {
    self.model = model
    self.again = recomputes ? [] : nil
  }

  mutating func read(_ segment: PastSegment, into cache: inout KVCache) throws {
    guard var segments = again else {
      hidden = try model.read(segment, into: &cache)
      return
    }
    // Words that follow words are read together.
    if case .text(let more) = segment, case .text(let words)? = segments.last {
      segments[segments.count - 1] = .text(words + more)
    } else {
      segments.append(segment)
    }
    again = segments
    cache.forget(beyond: 0)
    for segment in segments { hidden = try model.read(segment, into: &cache) }
  }

  /// Scores of the next token of text.
  func scores(_ cache: inout KVCache) throws -> [Float] {
    guard let hidden else { return [] }
    let scores = try model.showo.textLogits(hidden)
    guard scores.isFiniteEverywhere else {
      throw RequestError.notFinite(what: "a word's score", step: nil)
    }
    return try scores.floats()
  }
}
