import LanternFormats
import LanternPlatform

// What a text is held to.
extension LanguageSetting {
  /// What a text is held to: one of them at most.
  static var forms: [LanguageSetting] { [schema, regex, choices] }

  package static var schema: LanguageSetting {
    LanguageSetting(
      "schema", \.schema, .words,
      check: { request, _ in
        let count = forms.count { $0.isChanged(request) }
        guard count < 2 else {
          throw RequestError.range(
            name: "schema, regex and choices", found: "together", allowed: "one of them")
        }
        if count == 1, !request.stop.isEmpty {
          throw RequestError.range(
            name: "stop strings", found: "together with a schema, a regex or choices",
            allowed: "one of them: each ends the text")
        }
      },
      option: SettingOption(
        "schema", .value("file"), "A JSON schema: the text is JSON that it allows.",
        default: "none",
        takesDashes: false
      ).taking(String.self, assign: { $1.schema = try text(of: $0) }))
  }

  package static var regex: LanguageSetting {
    LanguageSetting(
      "regex", \.regex, .words,
      option: SettingOption(
        "regex", .value("expression"),
        "A regular expression as Python's re has it: the text matches it as a whole.",
        default: "none"))
  }

  package static var choices: LanguageSetting {
    LanguageSetting(
      "choices", \.choices, .words,
      option: SettingOption(
        "choices", aliases: ["choice"], .values("text"),
        "The text is one of these; given several times.", default: "none"))
  }

  /// Largest schema that is read.
  private static let sizeLimit = 1 << 20

  @Sendable private static func text(of path: String) throws -> String {
    String(decoding: try FileSystem.read(path, limit: sizeLimit), as: UTF8.self)
  }
}
