import LanternPictures
import LanternSamplers

/// Rows that several tables have; `key` is nil where a request has no recipe.
extension Setting {
  /// The seed.
  static func seed(
    _ path: any WritableKeyPath<Request, UInt64> & Sendable, key: String? = nil
  ) -> Setting {
    Setting(
      "seed", path, .noise, key: key, writing: .always,
      webUI: WebUISetting("Seed") { request, _ in "\(request[keyPath: path])" },
      option: SettingOption(
        "seed", short: "s", .value("number"),
        "The same seed gives the same result; -1 picks one at random and prints it.", default: "-1"
      ).taking(
        SeedChoice.self, assign: { $1[keyPath: path] = $0.number ?? Seed.random() }))
  }

  /// After how many steps an unfinished picture is decoded.
  static func previewInterval(
    _ path: any WritableKeyPath<Request, Int> & Sendable, option: SettingOption<Request>? = nil
  ) -> Setting {
    Setting(
      "previewInterval", path, .decoding, range: "0 or more", isAllowed: { $0 >= 0 },
      option: option)
  }

  /// The mask of a picture.
  static func mask(
    _ path: any WritableKeyPath<Request, Mask?> & Sendable, key: String? = nil,
    companion: SettingOption<Request>.Companion? = nil,
    check: @escaping @Sendable (Request, Request.Model) throws -> Void
  ) -> Setting {
    Setting(
      "mask", path, .picture, key: key, check: check,
      option: SettingOption(
        "mask", .value("file"),
        "A mask: white is drawn anew, black stays; grey counts as white from half brightness on, and "
          + "transparent pixels stay. Where all paint has one colour, the paint is drawn anew; but black "
          + "paint stays, and the holes in it are drawn anew.",
        default: "none", takesDashes: false, companion: companion
      ).taking(String.self, assign: { $1[keyPath: path] = try Mask(contentsOf: $0) }))
  }

  /// A picture to begin from.
  static func initialPicture(
    _ path: any WritableKeyPath<Request, Picture?> & Sendable, key: String? = nil, _ help: String,
    check: (@Sendable (Request, Request.Model) throws -> Void)? = nil
  ) -> Setting {
    Setting(
      "initialPicture", path, .picture, key: key, check: check,
      option: SettingOption(
        "init", short: "i", .value("file"), help, default: "none", takesDashes: false
      ).taking(String.self, assign: { $1[keyPath: path] = try Picture(contentsOf: $0) }))
  }

  /// Steps of filling in a picture's codes.
  static func imageSteps(
    _ path: any WritableKeyPath<Request, Int?> & Sendable, field: String
  ) -> Setting {
    Setting(
      "imageSteps", path, .stepping, field: field, range: "1 to 1000",
      isAllowed: { (1...1000).contains($0) },
      option: SettingOption(
        "image-steps", aliases: ["steps"], .value("count"), "Steps to a picture.",
        default: "the model's own"))
  }

  /// Strength of guidance of a picture's codes.
  static func imageGuidance(
    _ path: any WritableKeyPath<Request, Float?> & Sendable
  ) -> Setting {
    Setting(
      "guidance", path, .guidance, range: "0 to 100", isAllowed: { (0...100).contains($0) },
      option: SettingOption(
        "guidance", .value("scale"), "Strength of guidance of pictures; 0 for none.",
        default: "the model's own"))
  }

  /// The mask schedule of a picture's codes.
  static func maskSchedule(
    _ path: any WritableKeyPath<Request, MaskSchedule> & Sendable
  ) -> Setting {
    let names = MaskSchedule.names.joined(separator: ", ")
    @Sendable func schedule(_ name: String) throws(RequestError) -> MaskSchedule {
      guard let schedule = MaskSchedule(named: name) else {
        throw .range(name: "schedule", found: "\"\(name)\"", allowed: names)
      }
      return schedule
    }
    return Setting(
      "schedule", path, .stepping, range: names,
      option: SettingOption(
        "schedule", .value("name"), "How fast a picture's masked codes are filled in: \(names).",
        default: "cosine", takesDashes: false
      ).taking(
        String.self, check: { _ = try schedule($0) },
        assign: { $1[keyPath: path] = try schedule($0) }))
  }

  /// Temperature of the next word.
  static func temperature(
    _ path: any WritableKeyPath<Request, Float?> & Sendable, default defaultValue: String
  ) -> Setting {
    Setting(
      "temperature", path, .words, range: "0 to 100", isAllowed: { (0...100).contains($0) },
      option: SettingOption(
        "temperature", .value("temperature"),
        "How freely words are chosen; 0 takes the likeliest.", default: defaultValue))
  }

  /// The share of probability of words that may be chosen.
  static func topP(
    _ path: any WritableKeyPath<Request, Float?> & Sendable, default defaultValue: String
  ) -> Setting {
    Setting(
      "topP", path, .words, title: "top-p", range: "more than 0, to 1",
      isAllowed: { $0 > 0 && $0 <= 1 },
      option: SettingOption(
        "top-p", .value("share"),
        "Only the likeliest words that together have this probability.", default: defaultValue))
  }

  /// How many words may be chosen.
  static func topK(_ path: any WritableKeyPath<Request, Int> & Sendable) -> Setting {
    Setting(
      "topK", path, .words, title: "top-k", range: "0 or more", isAllowed: { $0 >= 0 },
      option: SettingOption(
        "top-k", .value("count"), "Only so many of the likeliest words; 0 for all.", default: "0"))
  }

  /// The least probability of words that may be chosen.
  static func minP(_ path: any WritableKeyPath<Request, Float> & Sendable) -> Setting {
    Setting(
      "minP", path, .words, title: "min-p", range: "0 to less than 1",
      isAllowed: { (0..<1).contains($0) },
      option: SettingOption(
        "min-p", .value("share"),
        "Only words of at least this share of the likeliest's probability; 0 for all.",
        default: "0"))
  }

  /// The divisor of scores of words that occurred.
  static func repetitionPenalty(_ path: any WritableKeyPath<Request, Float> & Sendable) -> Setting {
    Setting(
      "repetitionPenalty", path, .words, range: "more than 0",
      isAllowed: { $0 > 0 && $0.isFinite },
      option: SettingOption(
        "repetition-penalty", .value("number"),
        "Divisor of the scores of words that occurred; 1 for no change.", default: "1"))
  }
}
