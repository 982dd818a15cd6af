import ArgumentParser
import Lantern

/// How long a story is, how it begins, and how its words are chosen.
struct StoryTextOptions: SettingOptions {
  typealias Request = StoryRequest

  @Option(StorySetting.pages) var pages: Int?
  @Option(StorySetting.beginning) var beginning: [String] = []
  @Option(StorySetting.beginningPictures) var beginningPictures: [String] = []
  @Option(StorySetting.temperature) var temperature: Float?
  @Option(StorySetting.topP) var topP: Float?
  @Option(StorySetting.topK) var topK: Int?
  @Option(StorySetting.minP) var minP: Float?
  @Option(StorySetting.repetitionPenalty) var repetitionPenalty: Float?
}
