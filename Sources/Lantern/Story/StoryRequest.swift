public import LanternDecoding

/// A request for a story. Everything but the prompt has a default that suits the model.
public struct StoryRequest: Sendable {
  /// A page that is there already.
  public struct Page: Sendable {
    /// Its words.
    public var text: String
    /// Its picture; drawn when nil.
    public var picture: Picture?

    /// A page with these words.
    public init(text: String, picture: Picture? = nil) {
      self.text = text
      self.picture = picture
    }
  }

  /// What the story is about.
  public var prompt: String
  /// Number of pages; the model's own when nil.
  public var pages: Int?
  /// Which kind of story a writer tells, as "fairy tale"; any when nil.
  public var genre: String?
  /// The readers' age in years, by which a writer's pages are shorter or longer; children when nil.
  public var age: Int?
  /// The language that a writer writes in.
  public var language = StoryLanguage.english
  /// What keeps heroes alike from page to page, where a writer says what pictures show.
  public var consistency = StoryConsistency.looks
  /// Pages that the story begins with.
  public var beginning: [Page] = []
  /// Seed of all random numbers: the same seed tells the same story. A random one for each new
  /// request.
  public var seed: UInt64 = Seed.random()
  /// Temperature of the next word; 0 takes the likeliest; the model's own when nil.
  public var temperature: Float?
  /// Top-p: only the likeliest words that together have this probability; the model's own when nil.
  public var topP: Float?
  /// Top-k: only so many of the likeliest words; 0 for all.
  public var topK = 0
  /// Min-p: only words of at least this share of the likeliest one's probability; 0 for all.
  public var minP: Float = 0
  /// Repetition penalty: divisor of the scores of words that occurred; 1 for no change.
  public var repetitionPenalty: Float = 1
  /// Steps to a picture; the model's own when nil.
  public var imageSteps: Int?
  /// Strength of guidance of pictures; 0 for none; the model's own when nil.
  public var guidance: Float?
  /// How many of a picture's codes stay masked from step to step.
  public var schedule = MaskSchedule.cosine
  /// After how many steps of a picture a preview is decoded; 0 for none.
  public var previewInterval = 0
  /// Whether everything is computed anew at every token and every step, as Show-o's own code does: to
  /// measure what the KV cache saves.
  package var recomputes = false

  /// A request for a story.
  public init(prompt: String) { self.prompt = prompt }
}

/// An event of a story.
public enum StoryEvent: Sendable {
  /// Words were written on a page; pages count from 1.
  case text(String, page: Int)
  /// A step of a page's picture is done: its number from 1, of how many, and a preview where one is
  /// due.
  case step(Int, of: Int, page: Int, preview: Picture?)
  /// A page is done.
  case page(StoryPage)
  /// The story is done.
  case finished
}

/// A page of a story.
public struct StoryPage: Sendable, Equatable {
  /// From 1.
  public let number: Int
  /// Its words.
  public let text: String
  /// Its picture.
  public let picture: Picture
  /// What the picture was drawn from: a caption of the transformer, or what a writer said that it shows.
  public let caption: String?
  /// Seed of the picture's noise, where it has one of its own.
  public let seed: UInt64?
  /// Where what the words cite is from.
  public let citations: [StoryCitation]
  /// The name of the file that its words are read aloud in; nil for none.
  package var audio: String?
  /// The picture's file, where it stays as it was; nil for one that was drawn.
  let file: [UInt8]?

  /// A page.
  package init(
    number: Int, text: String, picture: Picture, caption: String? = nil, seed: UInt64? = nil,
    citations: [StoryCitation] = [], file: [UInt8]? = nil
  ) {
    (self.number, self.text, self.picture) = (number, text, picture)
    (self.caption, self.seed, self.citations, self.file) = (caption, seed, citations, file)
  }

  /// Whether its picture is one that was there before.
  package var isKept: Bool { file != nil }

  /// What is said of the picture in its stead.
  var shown: String { caption ?? text }
}
