import LanternFormats
import LanternPictures

/// Tells stories with two models: a language model plans and writes, an image model draws what it says that each page's
/// picture shows.
///
/// A value of constants: many tasks may use one generator. They take turns at the processors. A page is written, then
/// drawn: both take all processors.
public struct TaleGenerator: Sendable {
  /// The model that writes.
  package let writer: LanguageGenerator
  /// The model that draws.
  package let illustrator: StoryIllustrator

  /// Pages of a story where a request says nothing.
  static let standardPages = 4

  /// A generator of two models that are loaded.
  public init(writer: LanguageGenerator, illustrator: StoryIllustrator) {
    (self.writer, self.illustrator) = (writer, illustrator)
  }

  /// Tells a story. Cancelling its task stops the work within one step or token.
  ///
  /// - Parameter request: what is wanted.
  /// - Returns: the book of its pages.
  /// - Throws: a `LanternError` that says what is wrong and what to do; `CancellationError`.
  public func story(_ request: StoryRequest) async throws -> StoryBook {
    try await ComputeQueue.run { checkCancellation in
      let plan = try plan(request) { try checkCancellation() }
      var book = book(request, plan)
      try write(request, plan) { event in
        try checkCancellation()
        if case .page(let page) = event { try book.add(page) }
      }
      return book
    }
  }

  /// Tells a story: words as they are written, steps of pictures, pages. Ending the loop, or cancelling its task, stops
  /// the work within one step.
  public func generate(_ request: StoryRequest) -> AsyncThrowingStream<StoryEvent, any Error> {
    AsyncThrowingStream { stream in
      ComputeQueue.start {
        do {
          let plan = try plan(request) { if Task.isCancelled { throw CancellationError() } }
          try write(request, plan) { event in
            if case .terminated = stream.yield(event) { throw CancellationError() }
          }
          stream.finish()
        } catch {
          stream.finish(throwing: error)
        }
      }
    }
  }

  /// The writer's name.
  package var writerName: String { HubCache.name(of: writer.path) }

  /// The book of a story by its plan, without its pages.
  package func book(_ request: StoryRequest, _ plan: StoryPlan) -> StoryBook {
    StoryBook(request, plan, writer: writerName, illustrator: illustrator.name)
  }

  /// Checks, before work begins, that a story can be told.
  ///
  /// - Parameter request: what is wanted.
  /// - Returns: notes on settings without an effect, and on the writer: a line each.
  /// - Throws: ``RequestError`` for numbers out of range, and for a writer that no form holds.
  public func check(_ request: StoryRequest) throws -> [String] {
    try StorySetting.check(decided(request), with: ())
    var notes = illustrator.notes(on: request)
    if try StoryWriter.form(of: writer) == nil {
      notes.append(
        "\(writerName) has no chat template: it may not be made to follow instructions, and goes on from plain text"
      )
    }
    try writer.model.checkCausal("a story")
    return notes
  }

  /// A request with its number of pages.
  private func decided(_ request: StoryRequest) -> StoryRequest {
    var decided = request
    decided.pages = request.pages ?? max(Self.standardPages, request.beginning.count)
    return decided
  }

  /// Plans a story on the caller's thread.
  ///
  /// - Parameters:
  ///   - request: what is wanted.
  ///   - find: passages of documents for a text, which the writer reads before it plans.
  ///   - check: called at least once a token; throw to stop.
  /// - Returns: the plan, with a line for each page.
  /// - Throws: an error of the room where it arose, or what a closure throws.
  package func plan(
    _ request: StoryRequest, find: @escaping (String) throws -> [QuotedPassage] = { _ in [] },
    check: () throws -> Void
  ) throws -> StoryPlan {
    let request = decided(request)
    try StorySetting.check(request, with: ())
    var writer = try StoryWriter(writer, request, illustrator.scene, find: find)
    return try writer.plan(pages: request.pages ?? Self.standardPages, check: check)
  }

  /// Tells a story by its plan on the caller's thread, page by page: its words, what its picture shows, the picture.
  ///
  /// - Parameters:
  ///   - request: what is wanted.
  ///   - plan: the story's.
  ///   - find: passages of documents for a text, which the writer reads before each page.
  ///   - onEvent: called as things happen; throw to stop.
  /// - Returns: notes on what came out otherwise than it may be expected: a line each.
  /// - Throws: an error of the room where it arose, or what a closure throws.
  @discardableResult
  package func write(
    _ request: StoryRequest, _ plan: StoryPlan,
    find: @escaping (String) throws -> [QuotedPassage] = { _ in [] },
    onEvent: (StoryEvent) throws -> Void
  ) throws -> [String] {
    let request = decided(request)
    try StorySetting.check(request, with: ())
    var writer = try StoryWriter(writer, request, illustrator.scene, find: find)
    var written: [String] = []
    for number in 1...(request.pages ?? Self.standardPages) {
      let given = number <= request.beginning.count ? request.beginning[number - 1] : nil
      let words: String
      if let given {
        words = given.text
        try onEvent(.text(words, page: number))
      } else {
        words = try writer.page(number, plan, behind: written) { text in
          // An event a token, so that a story may be stopped; those within a character are empty.
          try onEvent(.text(text, page: number))
        }
      }
      let cited = StoryCitation.all(in: words, of: writer.passages)
      if let picture = given?.picture {
        let page = StoryPage(number: number, text: words, picture: picture, citations: cited)
        try onEvent(.page(page))
      } else {
        let scene = try writer.scene(number, of: words, plan, behind: written) {
          try onEvent(.text("", page: number))
        }
        let prompt = scene.prompt(plan, request.consistency, illustrator.scene)
        try onEvent(
          .page(
            illustrator.page(
              number, words, prompt, seed: request.consistency.seed(request.seed, page: number),
              request, PageRecord(writer: writerName, illustrator: illustrator.name),
              citations: cited, onEvent: onEvent)))
      }
      written.append(words)
    }
    try onEvent(.finished)
    return writer.notes
  }
}

/// Who made a page.
struct PageRecord: Sendable {
  /// Key of the text of a picture's file that says it.
  static let key = "lantern-story"

  /// Name of the language model; nil where nobody wrote.
  var writer: String?
  /// Name of the image model.
  var illustrator: String

  /// The record of a page's picture, JSON.
  func text(page: Int, prompt: String, seed: UInt64, storySeed: UInt64) -> String {
    var fields: [String: JSONValue] = [
      "illustrator": .string(illustrator), "page": .integer(page),
      "picture_prompt": .string(prompt),
      "seed": JSONValue(seed), "story_seed": JSONValue(storySeed),
    ]
    fields["writer"] = writer.map(JSONValue.string)
    return JSON.write(.object(fields))
  }
}

extension StoryIllustrator {
  /// Draws a page's picture, whose file will say how.
  ///
  /// - Parameters:
  ///   - number: the page's.
  ///   - words: the page's.
  ///   - prompt: what the picture shows.
  ///   - seed: of its noise.
  ///   - request: the story's.
  ///   - record: who made it.
  ///   - citations: what the words cite.
  ///   - onEvent: called after each step; throw to stop.
  /// - Returns: the page.
  /// - Throws: an error of the room where it arose, or what `onEvent` throws.
  func page(
    _ number: Int, _ words: String, _ prompt: String, seed: UInt64, _ request: StoryRequest,
    _ record: PageRecord, citations: [StoryCitation], onEvent: (StoryEvent) throws -> Void
  ) throws -> StoryPage {
    var picture = try draw(prompt, seed: seed, request) { step, count, preview in
      try onEvent(.step(step, of: count, page: number, preview: preview))
    }
    picture.metadata[PageRecord.key] = record.text(
      page: number, prompt: prompt, seed: seed, storySeed: request.seed)
    return StoryPage(
      number: number, text: words, picture: picture, caption: prompt, seed: seed,
      citations: citations)
  }
}
