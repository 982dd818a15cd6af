import LanternFormats
import LanternModels
import LanternTokenizers

/// A language model as the writer of a story: it plans, writes page by page, and says what each page's picture shows, each
/// held to a form that it cannot break (``StoryForm``).
///
/// A page's prompt has the plan and the last pages, ``window`` at most, so that the thousandth word costs as much as the
/// hundredth.
struct StoryWriter: ~Copyable {
  /// Pages that a page is written behind at most.
  static let window = 2

  /// How strongly DRY keeps a small model from telling the same line again and again, and from how many tokens on: names
  /// and looks come again.
  private static let dryMultiplier: Float = 0.8, dryAllowedLength = 6

  private let generator: LanguageGenerator
  /// How conversations with the model are written; nil where its files do not say.
  private let form: ChatForm?
  private let request: StoryRequest
  private let phrases: StoryPhrases
  private let scene: SceneVocabulary?
  private let find: (String) throws -> [QuotedPassage]
  private var context: LanguageContext
  /// Passages that the writer was given, by their numbers from 1.
  private(set) var passages: [QuotedPassage] = []
  /// What came out otherwise than it may be expected: a line each.
  private(set) var notes: [String] = []

  /// - Parameters:
  ///   - generator: the model.
  ///   - request: what is wanted.
  ///   - scene: the illustrator's own words, where its world is closed.
  ///   - find: passages for a text.
  /// - Throws: ``RequestError/mismatch(reason:path:)`` for a model that no form holds; as ``ChatForm/init(_:template:)``.
  init(
    _ generator: LanguageGenerator, _ request: StoryRequest, _ scene: SceneVocabulary?,
    find: @escaping (String) throws -> [QuotedPassage]
  ) throws {
    try generator.model.checkCausal("a story")
    try self.init(
      generator, Self.form(of: generator), request, scene, find, generator.makeContext())
  }

  private init(
    _ generator: LanguageGenerator, _ form: ChatForm?, _ request: StoryRequest,
    _ scene: SceneVocabulary?, _ find: @escaping (String) throws -> [QuotedPassage],
    _ context: consuming LanguageContext
  ) {
    self.generator = form?.generator ?? generator
    (self.form, self.request, self.scene, self.find) = (form, request, scene, find)
    phrases = StoryPhrases(request)
    self.context = context
  }

  /// The form of conversations with a model; nil where it has none.
  static func form(of generator: LanguageGenerator) throws -> ChatForm? {
    guard generator.model.chatTemplate != nil,
      !(generator.model.network is any EncoderDecoder)
    else { return nil }
    return try ChatForm(generator)
  }

  // MARK: What it writes

  /// A plan with a line for each page.
  ///
  /// - Parameters:
  ///   - pages: how many.
  ///   - check: called at least once a token; throw to stop.
  /// - Returns: the plan.
  /// - Throws: ``RequestError/longStory(what:tokens:maximum:)`` for a prompt beyond the model's context, what `check` throws.
  mutating func plan(pages: Int, check: () throws -> Void) throws -> StoryPlan {
    let found = try find(request.prompt)
    let text = try answer(
      "the plan's prompt", StoryForm.planTokens, page: 0, found,
      schema: StoryForm.plan(request.language, scene, prompt: request.prompt)
    ) { [phrases] preface, _ in
      [.init(.user, preface + phrases.plan(ofAll: pages))]
    } onText: { _ in
      try check()
    }
    var plan = try StoryPlan(JSON.parse(text: text.text, file: "the plan"), file: "the plan")
      .settled()
    while plan.outline.count < pages {
      let count = min(StoryForm.outlineBlock, pages - plan.outline.count)
      let things = plan.outline.isEmpty ? scene?.things(in: request.prompt) ?? [] : []
      let text = try answer(
        "the outline's prompt", StoryForm.planTokens, page: -1 - plan.outline.count,
        plan.outline.isEmpty ? found : [],
        schema: StoryForm.outline(request.language, plan.cast, pages: count, things: things)
      ) { [phrases] preface, _ in
        [.init(.user, preface + phrases.outline(plan, pages: count, ofAll: pages))]
      } onText: { _ in
        try check()
      }
      let lines = try JSON.parse(text: text.text, file: "the outline").object?["outline"]?.array
      plan.outline += (lines ?? []).compactMap { $0.string.map(PlainText.line) }.prefix(count)
    }
    return plan
  }

  /// The words of a page.
  ///
  /// - Parameters:
  ///   - number: from 1.
  ///   - plan: the story's.
  ///   - pages: words of the pages before.
  ///   - onText: called with words as they are written; throw to stop.
  /// - Returns: the words.
  /// - Throws: as ``plan(pages:check:)``.
  mutating func page(
    _ number: Int, _ plan: StoryPlan, behind pages: [String], onText: (String) throws -> Void
  ) throws -> String {
    let line = plan.outline.indices.contains(number - 1) ? plan.outline[number - 1] : ""
    let found = try find("\(request.prompt) \(line)")
    let language = request.language
    return try answer(
      "page \(number)'s prompt", StoryForm.pageTokens, page: 2 * number, found,
      regex: { [phrases] in
        StoryForm.page(language, plan.cast, sentences: phrases.sentences, citations: $0)
      }
    ) { [phrases] preface, window in
      Self.messages(number, plan, preface, pages.suffix(window), phrases)
    } onText: {
      try onText($0)
    }.text
  }

  /// What a page's picture shows.
  ///
  /// - Parameters:
  ///   - number: the page's.
  ///   - words: the page's.
  ///   - plan: the story's.
  ///   - pages: words of the pages before.
  ///   - check: called at least once a token; throw to stop.
  /// - Returns: the scene.
  /// - Throws: as ``plan(pages:check:)``.
  mutating func scene(
    _ number: Int, of words: String, _ plan: StoryPlan, behind pages: [String],
    check: () throws -> Void
  ) throws -> StoryScene {
    let text = try answer(
      "page \(number)'s prompt", StoryForm.sceneTokens, page: 2 * number + 1, [],
      schema: StoryForm.scene(plan, page: words, scene)
    ) { [phrases] _, window in
      Self.messages(number, plan, "", pages.suffix(window), phrases)
        + [.init(.assistant, words), .init(.user, phrases.scene)]
    } onText: { _ in
      try check()
    }
    guard let scene = StoryScene(try JSON.parse(text: text.text, file: "the scene")) else {
      throw FormatError.wrongType(key: "characters", expected: "names", file: "the scene")
    }
    return scene
  }

  private static func messages(
    _ number: Int, _ plan: StoryPlan, _ preface: String, _ last: ArraySlice<String>,
    _ phrases: StoryPhrases
  ) -> [ChatMessage] {
    var messages: [ChatMessage] = []
    var before = "\(preface)\(phrases.summary(plan, around: number))\n\n"
    for (page, words) in zip((number - last.count)..., last) {
      messages.append(.init(.user, before + phrases.page(page, of: plan.outline.count, plan)))
      messages.append(.init(.assistant, words))
      before = ""
    }
    return messages + [.init(.user, before + phrases.page(number, of: plan.outline.count, plan))]
  }

  // MARK: How

  /// Writes an answer in its form; passages, then pages before are left out of the prompt where it has no room.
  private mutating func answer(
    _ what: String, _ tokens: Int, page: Int, _ found: [QuotedPassage], schema: String? = nil,
    regex: (([Int]) -> String)? = nil,
    _ messages: (_ preface: String, _ window: Int) -> [ChatMessage],
    onText: (String) throws -> Void
  ) throws -> LanguageResult {
    let numbered = number(found)
    var (count, window) = (numbered.count, Self.window)
    let maximum = generator.contextLength
    // Of a short context a quarter: the form ends the text within what there is.
    let least = min(tokens, maximum / 4)
    var prompt: (text: String, ids: [Int])
    while true {
      let preface = QuotedPassage.preface(Array(numbered.prefix(count)))
      prompt = try read([.init(.system, phrases.rule)] + messages(preface, window))
      if prompt.ids.count + least <= maximum { break }
      if count > 0 {
        count -= 1
      } else if window > 0 {
        window -= 1
      } else {
        throw RequestError.longStory(
          what: what, tokens: prompt.ids.count, maximum: maximum - least)
      }
    }
    if count < numbered.count { note("passages were left out: the writer has no room for them") }
    var writing = languageRequest(page, tokens: min(tokens, maximum - prompt.ids.count))
    writing.schema = schema
    writing.regex = regex?(numbered.prefix(count).map(\.number))
    return try write(writing, behind: prompt, onText: onText)
  }

  private mutating func note(_ text: String) { if !notes.contains(text) { notes.append(text) } }

  /// Passages with their numbers in the story: one that was there before keeps its own.
  private mutating func number(_ found: [QuotedPassage]) -> [(
    number: Int, passage: QuotedPassage
  )] {
    found.map { passage in
      if let index = passages.firstIndex(of: passage) { return (index + 1, passage) }
      passages.append(passage)
      return (passages.count, passage)
    }
  }

  /// The tokens of a conversation in the model's form, or as plain text.
  private func read(_ messages: [ChatMessage]) throws -> (text: String, ids: [Int]) {
    guard let form else {
      let text = messages.map(\.content).joined(separator: "\n\n") + "\n\n"
      guard generator.model.network is any EncoderDecoder else {
        return (text, generator.model.ids(of: text))
      }
      return (text, generator.model.tokenizer.encode(text, readsSpecial: false))
    }
    do { return ("", try form.prompt(of: messages)) } catch {
      // Templates without a place for what the system says: it stands before the first message.
      guard messages.count > 1, messages[0].role == .system else { throw error }
      var others = Array(messages.dropFirst())
      others[0].content = messages[0].content + "\n\n" + others[0].content
      return ("", try form.prompt(of: others))
    }
  }

  private func languageRequest(_ page: Int, tokens: Int) -> LanguageRequest {
    var writing = LanguageRequest(prompt: "")
    writing.maximumTokens = tokens
    (writing.temperature, writing.topP) = (request.temperature, request.topP)
    (writing.topK, writing.minP) = (request.topK, request.minP)
    writing.repetitionPenalty = request.repetitionPenalty
    writing.dryMultiplier = Self.dryMultiplier
    writing.dryAllowedLength = Self.dryAllowedLength
    // Odd, so that no two pages have one seed.
    writing.seed = request.seed &+ UInt64(bitPattern: Int64(page)) &* 0x9E37_79B9_7F4A_7C15
    return writing
  }

  private mutating func write(
    _ writing: LanguageRequest, behind prompt: (text: String, ids: [Int]),
    onText: (String) throws -> Void
  ) throws -> LanguageResult {
    let take = { (event: LanguageEvent) in if case .text(let text) = event { try onText(text) } }
    guard generator.model.network is any EncoderDecoder else {
      return try generator.write(writing, behind: prompt.ids, in: &context, onEvent: take)
    }
    var writing = writing
    writing.prompt = prompt.text
    return try generator.write(writing, onEvent: take)
  }
}
