import Lantern
import LanternPictures
import Testing

/// The tables of stories, of pictures of masked codes and of texts are whole, and check what they say.
@Suite("Settings of a story") struct StorySettingTests {
  /// Every field has a row, and no name or option stands twice.
  private func expectWhole<Request: Configurable>(
    _ request: Request, but others: Set<String> = [],
    location: SourceLocation = #_sourceLocation
  ) {
    let fields = Set(Mirror(reflecting: request).children.compactMap(\.label))
    let rows = Setting<Request>.all
    #expect(fields.subtracting(others) == Set(rows.map(\.field)), sourceLocation: location)
    for list in [rows.map(\.name), rows.compactMap { $0.option?.name }] {
      #expect(list.count == Set(list).count, "\(list)", sourceLocation: location)
    }
  }

  @Test("every field of a request has a row, and no name or option stands twice")
  func isWhole() {
    // What is computed anew changes no story.
    expectWhole(StoryRequest(prompt: ""), but: ["recomputes"])
    expectWhole(TokenPictureRequest(prompt: ""))
    // What holds an answer to calls of tools comes of the conversation.
    expectWhole(LanguageRequest(prompt: ""), but: ["callForm"])
  }

  @Test("an option's value goes into the field of its row, and into no other")
  func fields() throws {
    let values: [String: Any] = [
      "pages": 3, "beginning": ["A fox."], "imageSteps": 7, "guidance": Float(2.5),
      "schedule": "linear", "temperature": Float(0.25), "topP": Float(0.5), "topK": 9,
      "minP": Float(0.125), "repetitionPenalty": Float(1.5), "genre": "crime", "age": 5,
      "language": "zh", "consistency": "noise",
    ]
    let plain = StoryRequest(prompt: "")
    for setting in StorySetting.all where setting.option != nil {
      guard let value = values[setting.name] else {
        #expect(["seed", "beginningPictures"].contains(setting.name))
        continue
      }
      var request = plain
      try setting.apply(value, to: &request)
      let changed = StorySetting.all.filter { $0.name != "seed" && $0.differs(request, plain) }
      #expect(changed.map(\.name) == [setting.name])
    }
  }

  @Test("rows that stories and painted pictures share have the same option and range")
  func shared() throws {
    for name in ["imageSteps", "guidance", "schedule", "seed"] {
      let story = try #require(StorySetting.all.first { $0.name == name })
      let paint = try #require(TokenPictureSetting.all.first { $0.name == name })
      #expect(story.option?.helpWithDefault == paint.option?.helpWithDefault, "\(name)")
      #expect(story.range == paint.range, "\(name)")
    }
  }
}
