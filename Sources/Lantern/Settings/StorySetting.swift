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
  static var story: [StorySetting] { [prompt, pages, beginning, beginningPictures] + telling }

  /// What a writer is told, and how what it says is drawn.
  static var telling: [StorySetting] { [genre, age, language, consistency] }

  /// Pages of a story at most.
  package static let maximumPages = 100

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
      "pages", \.pages, .size, range: "1 to \(maximumPages)",
      isAllowed: { (1...maximumPages).contains($0) },
      option: SettingOption(
        "pages", .value("count"), "How many pages.",
        default: "the model's own number, 4 for the shipped one"))
  }

  package static var genre: StorySetting {
    StorySetting(
      "genre", \.genre, .words, range: "100 characters at most", isAllowed: { $0.count <= 100 },
      option: SettingOption(
        "genre", .value("text"), "Which kind of story a writer tells, as \"fairy tale\".",
        default: "any"))
  }

  package static var age: StorySetting {
    StorySetting(
      "age", \.age, .words, range: "1 to 120", isAllowed: { (1...120).contains($0) },
      option: SettingOption(
        "age", .value("years"),
        "The readers' age, by which a writer's pages are shorter or longer.",
        default: "children"))
  }

  package static var language: StorySetting {
    named(
      "language", \.language, .words, "The language that a writer writes in", default: "en")
  }

  package static var consistency: StorySetting {
    named(
      "consistency", \.consistency, .noise,
      "What keeps heroes alike on all pages that a writer tells: looks stands for their looks in each picture's "
        + "prompt, noise for that and the same noise to begin from", default: "looks")
  }

  /// A setting of one of some names.
  private static func named<Value: SettingValue & RawRepresentable & CaseIterable>(
    _ name: String, _ path: any WritableKeyPath<StoryRequest, Value> & Sendable,
    _ part: SettingPart, _ help: String, default defaultValue: String
  ) -> StorySetting where Value.RawValue == String {
    let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
    @Sendable func value(_ text: String) throws(RequestError) -> Value {
      guard let value = Value(rawValue: text) else {
        throw .range(name: name, found: "\"\(text)\"", allowed: names)
      }
      return value
    }
    return StorySetting(
      name, path, part, range: names,
      option: SettingOption(
        name, .value("name"), "\(help): \(names).", default: defaultValue, takesDashes: false
      ).taking(
        String.self, check: { _ = try value($0) },
        assign: { $1[keyPath: path] = try value($0) }))
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
