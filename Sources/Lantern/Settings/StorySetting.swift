import LanternPictures
import LanternSamplers

/// A setting of a story.
package typealias StorySetting = Setting<StoryRequest>

// The table of a story's settings; what is made of it, and how a row is added, stands in
// ImageSetting+Table.swift. What the request leaves open is decided in StorySettings.swift.
extension StoryRequest: Configurable {
  package static let settings =
    StorySetting.story + StorySetting.drawing + StorySetting.writing
  package static var `default`: StoryRequest { StoryRequest(prompt: "") }
}

extension StorySetting {
  /// The text.
  static var story: [StorySetting] { [prompt, pages, beginning, beginningPictures] }

  /// How pictures are drawn.
  static var drawing: [StorySetting] { [imageSteps, guidance, schedule, previewInterval, seed] }

  /// How words are chosen.
  static var writing: [StorySetting] { [temperature] + filters + [repetitionPenalty] }

  /// What leaves out words that are not likely.
  static var filters: [StorySetting] { [topP, topK, minP] }

  package static var prompt: StorySetting {
    StorySetting(
      "prompt", \.prompt, .prompt, webUI: WebUISetting("Story") { request, _ in request.prompt })
  }

  package static var pages: StorySetting {
    StorySetting(
      "pages", \.pages, .size, range: "1 to 64", isAllowed: { (1...64).contains($0) },
      option: SettingOption(
        "pages", .value("count"), "How many pages.",
        default: "the model's own number, 4 for the shipped one"))
  }

  package static var beginning: StorySetting {
    StorySetting(
      "beginning", \.beginning, .prompt,
      check: { request, _ in
        if let pages = request.pages, request.beginning.count > pages {
          throw RequestError.range(
            name: "pages", found: "\(pages)", allowed: "at least as many as the story begins with")
        }
      },
      option: SettingOption(
        "begin", .values("text"), "Words of a page that the story begins with; once a page.",
        default: "none"
      ).taking(
        [String].self, assign: { $1.beginning = $0.map { StoryRequest.Page(text: $0) } }))
  }

  package static var beginningPictures: StorySetting {
    StorySetting(
      "beginningPictures", of: "beginning", .picture, title: "beginning",
      option: SettingOption(
        "begin-image", .values("file"), "Pictures of the pages that it begins with, in order.",
        default: "none",
        companion: .init(
          name: "beginning", message: "--begin-image needs the words of its page: --begin \"…\"",
          isCounted: true)),
      assign: { (files: [String], request) in
        for (page, file) in zip(request.beginning.indices, files) {
          request.beginning[page].picture = try Picture(contentsOf: file)
        }
      })
  }

  package static var imageSteps: StorySetting { imageSteps(\.imageSteps, field: "imageSteps") }
  package static var guidance: StorySetting { imageGuidance(\.guidance) }
  package static var schedule: StorySetting { maskSchedule(\.schedule) }
  package static var previewInterval: StorySetting { previewInterval(\.previewInterval) }
  package static var seed: StorySetting { seed(\.seed) }

  package static var temperature: StorySetting {
    temperature(\.temperature, default: "the model's own")
  }
  package static var topP: StorySetting { topP(\.topP, default: "the model's own") }
  package static var topK: StorySetting { topK(\.topK) }
  package static var minP: StorySetting { minP(\.minP) }
  package static var repetitionPenalty: StorySetting { repetitionPenalty(\.repetitionPenalty) }
}
