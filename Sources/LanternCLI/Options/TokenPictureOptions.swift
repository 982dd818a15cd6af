import ArgumentParser
import Lantern

/// How the transformer fills in a picture's codes, of a story or alone.
struct TokenPictureOptions: SettingOptions {
  typealias Request = StoryRequest

  @Option(StorySetting.imageSteps) var imageSteps: Int?
  @Option(StorySetting.guidance) var guidance: Float?
  @Option(StorySetting.schedule) var schedule: String?
  @OptionGroup var chance: SeedOptions
}
