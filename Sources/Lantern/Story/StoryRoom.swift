import LanternModels
import LanternTokenizers

/// How much of a story the model has before it when it tells a page: never more tokens than its
/// positions were trained for, nor more pages.
///
/// A story of no more pages than that is told from all that came before. Of a longer one, each page is
/// told from the first page and the last few, as many as let the model believe that it tells a story
/// of the length it knows: its first page comes first, its last pages last, and those between are all
/// told as its second page is, or as the page after those that the story was begun with.
struct StoryRoom {
  /// What stands before the first page.
  let opening: [Int]
  /// Tokens of a page's words at most; whoever goes on beyond them gets a picture.
  let words: Int

  private let pages: Int
  private let trained: Int?
  private let begun: Int
  private let tokens: Int
  private let picture: Int
  private let model: UnifiedModel

  private static let mostWords = 120

  /// Divides the model's tokens.
  ///
  /// - Throws: ``RequestError/longStory(what:tokens:most:)`` for a prompt, or a page that the story
  ///   begins with, that leaves no room.
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

  private static func check(_ count: Int, _ most: Int, _ what: String) throws(RequestError) {
    guard count <= most else { throw .longStory(what: what, tokens: count, most: most) }
  }

  /// Which of the pages that were told are before the model when it tells the next one.
  ///
  /// - Parameters:
  ///   - told: the pages.
  ///   - given: the next one's words, where they are there already.
  /// - Returns: those pages, in their order.
  func pagesSeen(of told: [[PastSegment]], _ given: String?) -> [[PastSegment]] {
    var left = tokens - opening.count - (given.map { model.ids(of: $0).count } ?? words)
    guard let first = told.first else { return [] }
    var seen: [[PastSegment]] = []
    let most = place(of: told.count + 1) - 1
    for (index, page) in ([first] + told.dropFirst().reversed()).prefix(most).enumerated() {
      left -= page.reduce(0) { $0 + $1.count }
      if left < 0 { break }
      seen.insert(page, at: index == 0 ? 0 : 1)
    }
    return seen
  }

  /// Which page of a story as long as the model was trained for a page is told as.
  private func place(of page: Int) -> Int {
    guard let trained else { return page }
    let between = min(trained, max(2, min(begun + 1, trained - 1)))
    return min(page, max(between, trained - (pages - page)))
  }

  /// What is to be known before a story is told.
  func notes(_ name: String) -> [String] {
    if let trained, pages > trained {
      return [
        "\(name) was trained on stories of \(trained) page\(trained == 1 ? "" : "s"): of \(pages), those "
          + "between the beginning and the end know little of each other"
      ]
    }
    let least = opening.count + (pages - 1) * (words + picture)
    guard least > tokens - words else { return [] }
    return [
      "\(name) takes \(tokens + picture) tokens, and a story of \(pages) pages may need more: late "
        + "pages are then told from the first and the last few"
    ]
  }
}
