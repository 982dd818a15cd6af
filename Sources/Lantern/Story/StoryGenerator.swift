import LanternPlatform
import LanternFormats
import LanternLayers
import LanternModels
import LanternPictures
import LanternDecoding
public import LanternTensor
import LanternTokenizers

/// Tells stories in words and pictures with one transformer that is loaded once (in the manner of
/// Show-o, Xie et al. 2024, arXiv:2408.12528).
///
/// A value of constants: many tasks may use one generator. They take turns at the processors.
public struct StoryGenerator: Sendable {
  package let model: UnifiedModel
  /// The model that draws the pages' pictures; nil for the transformer itself.
  private let painter: ImageGenerator?

  /// Loads a model.
  ///
  /// - Parameters:
  ///   - folder: Show-o's folder, with the image tokenizer's and the language model's in it or next
  ///     to it.
  ///   - painter: a latent-diffusion model that draws what the transformer's captions say; the
  ///     transformer draws by itself when nil.
  ///   - precision: how exactly the transformer computes.
  /// - Throws: an error that names the file, what is wrong with it, and the remedy.
  public init(
    folder: String, painter: ImageGenerator? = nil, precision: Precision = .default
  ) throws {
    try self.init(.folder(folder), painter: painter, precision: precision)
  }

  /// Loads a model from where it lies, as ``ModelLocation/storyteller``; otherwise as
  /// ``init(folder:painter:precision:)``.
  public init(
    _ location: ModelLocation, painter: ImageGenerator? = nil, precision: Precision = .default
  ) throws {
    model = try UnifiedModel(location.path(), precision: precision)
    self.painter = painter
  }

  /// Where the model was loaded from.
  public var path: String { model.path }

  /// Whether the model opens pictures by itself and reads its own. Public Show-o weights were never
  /// trained to: there each page's last sentence is drawn afresh.
  public var isInterleaved: Bool { model.defaults.isInterleaved }

  /// Tells a story. Cancelling its task stops the work within one step or word.
  ///
  /// - Parameter request: what is wanted.
  /// - Returns: the book of its pages.
  /// - Throws: a `LanternError` that says what is wrong and what to do; `CancellationError`.
  public func story(_ request: StoryRequest) async throws -> StoryBook {
    try await ComputeQueue.run { checkCancellation in
      var book = book(request)
      try write(request) { event in
        try checkCancellation()
        if case .page(let page) = event { try book.add(page) }
      }
      return book
    }
  }

  /// The book of a story, without its pages.
  package func book(_ request: StoryRequest) -> StoryBook {
    let name = HubCache.name(of: path)
    return StoryBook(
      request, writer: name, illustrator: painter.map { HubCache.name(of: $0.model.path) } ?? name)
  }

  /// Tells a story: words as they are written, steps of pictures, pages. Ending the loop, or
  /// cancelling its task, stops the work within one step; a loop whose task is cancelled ends without
  /// an error and without `.finished`.
  public func generate(_ request: StoryRequest) -> AsyncThrowingStream<StoryEvent, any Error> {
    AsyncThrowingStream { stream in
      ComputeQueue.start {
        do {
          try write(request) { event in
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
  package func write(_ request: StoryRequest, onEvent: (StoryEvent) throws -> Void) throws {
    let settings = try StorySettings(request, model)
    let context = try StoryContext(request, settings, model)
    let t = model.transformer.tokens
    let noise = TokenNoise(seed: request.seed)
    var past = Past(model, request.recomputes)
    var cache = try model.makeCache()
    var written: [[PastSegment]] = []

    for number in 1...settings.pages {
      let given = number <= request.beginning.count ? request.beginning[number - 1] : nil
      let attended = context.attended(of: written, given?.text)
      try past.turn(to: [.text(context.opening)] + attended.flatMap { $0 }, &cache)
      let (text, ids) = try write(
        given?.text, page: number, &past, &cache, settings.text, context.words, noise[2 * number],
        onEvent)
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
          var afresh = try model.makeCache()
          let caption = model.drawingPrompt(model.ids(of: text))
          _ = try model.read(.text(caption), into: &afresh)
          illustration = try illustrator.draw(
            after: &afresh, noise: noise[2 * number + 1], onStep: onStep)
        }
      }
      written.append(ids.isEmpty ? [] : [.text(ids)])
      if isInterleaved {
        let block = PastSegment.picture(t.block(illustration.codes))
        try past.read(block, into: &cache)
        written[number - 1].append(block)
      }
      let settings = WebUIText(
        illustration.caption ?? text, page: number, of: request, model: model.path)
      try onEvent(
        .page(
          StoryPage(
            number: number, text: text, picture: illustration.picture.saying(settings),
            caption: illustration.caption)))
    }
    try onEvent(.finished)
  }

  /// Checks, before work begins, that a story can be told.
  ///
  /// - Parameter request: what is wanted.
  /// - Returns: notes, as that the model was trained on shorter stories: a sentence each.
  /// - Throws: ``RequestError`` for numbers out of range and for words that do not fit.
  public func check(_ request: StoryRequest) throws -> [String] {
    let settings = try StorySettings(request, model)
    let context = try StoryContext(request, settings, model)
    let begun = request.beginning.map(\.text).joined(separator: " ")
    return [
      model.note(on: request.prompt), model.note(on: begun, location: "where the story begins"),
    ].compactMap { $0 } + settings.notes(on: request) + context.notes(HubCache.name(of: path))
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
    _ sampler: TextSampler, _ maximum: Int, _ noise: TokenNoise,
    _ onEvent: (StoryEvent) throws -> Void
  ) throws -> (text: String, ids: [Int]) {
    let t = model.transformer.tokens
    if let given {
      let ids = model.ids(of: given)
      if !ids.isEmpty { try past.read(.text(ids), into: &cache) }
      try onEvent(.text(given, page: page))
      return (given, ids)
    }
    var text = StreamedText(model.words)
    for index in 0..<maximum {
      var scores = try past.scores(&cache)
      t.allowText(in: &scores, andPicture: isInterleaved && !text.ids.isEmpty)
      let id = sampler.choose(scores, past: text.ids, uniform: noise.uniform(index))
      if id == t.startOfImage { break }
      if let piece = text.add(id) { try onEvent(.text(piece, page: page)) }
      try past.read(.text([id]), into: &cache)
      if !isInterleaved, text.ids.count >= 12, text.text.last.map({ ".!?\n".contains($0) }) == true
      {
        break
      }
    }
    return (text.text, text.ids)
  }
}

/// The segments that were read, and the last hidden state.
private struct Past: ~Copyable {
  private let model: UnifiedModel
  /// Whether everything is recomputed each time.
  private let recomputes: Bool
  private var hidden: Tensor?
  private var segments: [PastSegment] = []

  init(_ model: UnifiedModel, _ recomputes: Bool) {
    self.model = model
    self.recomputes = recomputes
  }

  /// All segments, where everything is recomputed each time.
  var again: [PastSegment]? { recomputes ? segments : nil }

  mutating func read(_ segment: PastSegment, into cache: inout KVCache) throws {
    segments.join(segment)
    if recomputes {
      try readAll(into: &cache)
    } else {
      hidden = try model.read(segment, into: &cache)
    }
  }

  /// Makes the cache hold the wanted segments: the common prefix stays cached, positions included, the rest is
  /// dropped or read.
  mutating func turn(to wanted: [PastSegment], _ cache: inout KVCache) throws {
    let wanted = wanted.reduce(into: []) { $0.join($1) }
    if wanted == segments { return }
    if recomputes {
      segments = wanted
      return try readAll(into: &cache)
    }
    // The last segment is read even if it is cached: the next token needs its last hidden state.
    let same = zip(segments, wanted.dropLast()).prefix { $0 == $1 }.count
    segments.removeLast(segments.count - same)
    cache.forget(beyond: segments.reduce(0) { $0 + $1.count })
    for segment in wanted[same...] { try read(segment, into: &cache) }
  }

  private mutating func readAll(into cache: inout KVCache) throws {
    cache.forget(beyond: 0)
    for segment in segments { hidden = try model.read(segment, into: &cache) }
  }

  /// Logits of the next token of text.
  func scores(_ cache: inout KVCache) throws -> [Float] {
    guard let hidden else { return [] }
    let scores = try model.transformer.logits(hidden)
    guard scores.isFiniteEverywhere else {
      throw RequestError.notFinite(what: "a word's score", step: nil)
    }
    return try scores.floats()
  }
}

extension [PastSegment] {
  /// Adds a segment; words that follow words become one with them.
  fileprivate mutating func join(_ segment: PastSegment) {
    if case .text(let more) = segment, case .text(let words)? = last {
      self[count - 1] = .text(words + more)
    } else {
      append(segment)
    }
  }
}
