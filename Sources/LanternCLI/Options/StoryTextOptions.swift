import ArgumentParser
import Lantern

/// How long a story is, how it begins, and how its words are chosen.
struct StoryTextOptions: SettingOptions {
  typealias Request = StoryRequest

  @Option(StorySetting.pages) var pages: Int?
  @Option(StorySetting.beginning) var beginning: [String] = []
  @Option(StorySetting.beginningPictures) var beginningPictures: [String] = []
  @Option(StorySetting.genre) var genre: String?
  @Option(StorySetting.age) var age: Int?
  @Option(StorySetting.language) var language: String?
  @Option(StorySetting.temperature) var temperature: Float?
  @Option(StorySetting.topP) var topP: Float?
  @Option(StorySetting.topK) var topK: Int?
  @Option(StorySetting.minP) var minP: Float?
  @Option(StorySetting.repetitionPenalty) var repetitionPenalty: Float?
}

/// What keeps heroes alike from page to page.
struct StoryConsistencyOptions: SettingOptions {
  typealias Request = StoryRequest

  @Option(StorySetting.consistency) var consistency: String?
}
