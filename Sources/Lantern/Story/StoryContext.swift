import LanternModels
import LanternTokenizers

/// The context of a story: which pages the model attends to when it writes the next one. Never more tokens
/// than its positions were trained for, nor more pages.
///
/// In a story of no more pages than that, each page attends to all pages before. In a longer one it attends
/// to the first page and the last few, so many that the context is that of a story of the trained length:
/// the first page comes first, the last pages last, and each page between has the context of the second
/// page, or of the page after those that the story was begun with.
struct StoryContext {
  /// The tokens before the first page.
  let opening: [Int]
  /// Maximum number of tokens of a page's words; then its picture begins.
  let words: Int

  private let pages: Int
  private let trained: Int?
  private let begun: Int
  private let tokens: Int
  private let picture: Int
  private let model: UnifiedModel

  private static let mostWords = 120

  /// Divides the context length into prompt, pages and words.
  ///
  /// - Throws: ``RequestError/longStory(what:tokens:maximum:)`` for a prompt, or a page that the story
  ///   begins with, that is too long.
  init(_ request: StoryRequest, _ settings: StorySettings, _ model: UnifiedModel)
    throws(RequestError)
  {
    let t = model.transformer.tokens
    let isInterleaved = model.defaults.isInterleaved
    let block = model.side * model.side + 2
    self.model = model
    pages = settings.pages
    trained = model.defaults.trainedPages
    begun = request.beginning.count
    picture = isInterleaved ? block : 0
    tokens = model.transformer.maximumLength - picture
    // A page that is drawn afresh stands between three tokens of its own and its picture.
    let alone = model.transformer.maximumLength - block - 3
    words = max(1, min(Self.mostWords, tokens / 2, alone))
    let prompt = model.ids(of: request.prompt)
    opening =
      isInterleaved
      ? [t.longText, t.endOfText] + prompt + [t.endOfText, t.endOfText] : [t.endOfText] + prompt
    try Self.check(opening.count, tokens - words, "the prompt")
    for page in request.beginning {
      let count = model.ids(of: page.text).count
      try Self.check(count, min(tokens - opening.count, alone), "a page that the story begins with")
    }
  }

  private static func check(_ count: Int, _ maximum: Int, _ what: String) throws(RequestError) {
    guard count <= maximum else { throw .longStory(what: what, tokens: count, maximum: maximum) }
  }

  /// The pages that the model attends to when it writes the next one.
  ///
  /// - Parameters:
  ///   - written: all pages so far.
  ///   - given: the next one's words, where they are there already.
  /// - Returns: the attended pages, in their order.
  func attended(of written: [[PastSegment]], _ given: String?) -> [[PastSegment]] {
    var left = tokens - opening.count - (given.map { model.ids(of: $0).count } ?? words)
    guard let first = written.first else { return [] }
    var attended: [[PastSegment]] = []
    let maximum = trainedIndex(of: written.count + 1) - 1
    for (index, page) in ([first] + written.dropFirst().reversed()).prefix(maximum).enumerated() {
      left -= page.reduce(0) { $0 + $1.count }
      if left < 0 { break }
      attended.insert(page, at: index == 0 ? 0 : 1)
    }
    return attended
  }

  /// The page of a story of the trained length that stands for a page.
  private func trainedIndex(of page: Int) -> Int {
    guard let trained else { return page }
    let between = min(trained, max(2, min(begun + 1, trained - 1)))
    return min(page, max(between, trained - (pages - page)))
  }

  /// Notes on a story that is longer than the model was trained for.
  func notes(_ name: String) -> [String] {
    if let trained, pages > trained {
      return [
        "\(name) was trained on stories of \(trained) page\(trained == 1 ? "" : "s"): of \(pages), those "
          + "between the beginning and the end know little of each other"
      ]
    }
    let minimum = opening.count + (pages - 1) * (words + picture)
    guard minimum > tokens - words else { return [] }
    return [
      "\(name) takes \(tokens + picture) tokens, and a story of \(pages) pages may need more: late "
        + "pages are then told from the first and the last few"
    ]
  }
}
