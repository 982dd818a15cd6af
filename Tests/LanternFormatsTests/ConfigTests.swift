import LanternFormats
import TestSupport
import Testing

@Suite("Config")
struct ConfigTests {
  private let config = Config(
    [
      "whole": .integer(4), "part": .number(0.5), "yes": .bool(true), "name": .string("silu"),
      "sizes": .array([.integer(1), .integer(2)]), "words": .array([.string("a"), .string("b")]),
      "nothing": .null, "_class_name": .string("X"), "huge": .number(1e300),
      "mixed": .array([.integer(1), .string("b")]),
    ], file: "config.json")

  @Test("settings are read by type")
  func readsTypes() throws {
    #expect(try config.integer("whole") == 4)
    #expect(try config.float("part") == 0.5)
    #expect(try config.float("whole") == 4)
    #expect(try config.double("part") == 0.5)
    #expect(try config.bool("yes"))
    #expect(try config.string("name") == "silu")
    #expect(try config.integers("sizes") == [1, 2])
    #expect(try config.doubles("sizes") == [1, 2])
    #expect(try config.strings("words") == ["a", "b"])
    #expect(config.value("nothing") == .null)
    #expect(config.has("nothing"))
    #expect(config.value("absent") == nil)
  }

  @Test("null and absent settings take the default, or are missing")
  func takesDefaults() throws {
    for key in ["nothing", "absent"] {
      #expect(try config.integer(key, default: 7) == 7)
      #expect(try config.optionalInteger(key) == nil)
      #expect(try config.strings(key, default: ["c"]) == ["c"])
      #expect(throws: FormatError.missingKey(key: key, file: "config.json")) {
        try config.integer(key)
      }
    }
  }

  @Test("a setting of another type is refused")
  func refusesOtherTypes() throws {
    #expect(
      throws: FormatError.wrongType(key: "part", expected: "an integer", file: "config.json")
    ) { try config.integer("part", default: 1) }
    #expect(throws: FormatError.self) { try config.integer("yes") }
    #expect(throws: FormatError.self) { try config.float("name") }
    #expect(throws: FormatError.self) { try config.float("huge") }
    #expect(throws: FormatError.self) { try config.bool("whole") }
    #expect(throws: FormatError.self) { try config.string("whole") }
    #expect(throws: FormatError.self) { try config.strings("mixed") }
    #expect(throws: FormatError.self) { try config.integers("mixed") }
    #expect(throws: FormatError.self) { try config.integers("whole") }
  }

  @Test("one number stands for every level, a list for each")
  func readsPerLevel() throws {
    #expect(try config.perLevel("whole", count: 3) == [4, 4, 4])
    #expect(try config.perLevel("sizes", count: 2) == [1, 2])
    #expect(try config.perLevel("absent", count: 2, default: 9) == [9, 9])
    #expect(throws: FormatError.self) { try config.perLevel("sizes", count: 3) }
    #expect(throws: FormatError.self) { try config.perLevel("mixed", count: 2) }
    #expect(throws: FormatError.self) { try config.perLevel("absent", count: 2) }
  }

  @Test("an expected value passes and another is named with its file")
  func expects() throws {
    try config.expect("name", [.string("silu"), .string("swish")])
    try config.expect("whole", [.number(4)])
    try config.expect("nothing", [.string("silu")])
    try config.expect("absent", [.string("silu")])
    let error = #expect(throws: FormatError.self) { try config.expect("sizes", [.null]) }
    #expect(
      error
        == FormatError.unsupportedSetting(key: "sizes", value: "[1,2]", file: "config.json"))
    #expect(
      error?.description
        == "config.json: \"sizes\" is [1,2], which Lantern does not support; take a model without it"
    )
  }

  private func half() throws -> Config {
    let config = Config(
      ["read": .integer(1), "other": .string("x"), "_x": .integer(1), "none": .null],
      file: "config.json")
    _ = try config.integer("read")
    return config
  }

  @Test("a setting that was not read is noted at the end, and refused in a file of our own")
  func finishes() throws {
    let config = try half()
    try config.finish()
    #expect(config.notes == [#"config.json: settings without an effect: "other""#])
    let silent = try half()
    try silent.finish(ignoring: ["other"])
    #expect(silent.notes.isEmpty)
    #expect(
      throws: FormatError.unsupportedSetting(key: "other", value: "\"x\"", file: "config.json")
    ) { try half().finishStrictly() }
    try half().finishStrictly(ignoring: ["other"])
    let many = Config(
      Dictionary(uniqueKeysWithValues: (10..<20).map { ("k\($0)", .integer(1)) }), file: "x")
    try many.finish()
    #expect(many.notes[0].hasSuffix("\"k17\" and 2 more"))
  }

  @Test(
    "a setting that no class has and that changes results is refused unless it changes none",
    arguments: [
      ("predict_epsilon", .bool(true), .bool(false)),
      ("pruned_heads", .object([:]), .object(["0": .array([.integer(1)])])),
      ("quantization_config", .null, .object(["bits": .integer(4)])),
    ] as [(String, JSONValue, JSONValue)])
  func telling(key: String, harmless: JSONValue, harmful: JSONValue) throws {
    try Config([key: harmless], file: "config.json").finish()
    let error = #expect(throws: FormatError.self) {
      try Config([key: harmful], file: "config.json").finish()
    }
    #expect(error?.description.hasPrefix("config.json: \"\(key)\" is ") == true)
  }

  @Test("sizes are a number or two, and what is the same for all levels a number or a list of it")
  func sizes() throws {
    let config = Config(
      [
        "one": .integer(64), "two": .array([.integer(64), .integer(48)]),
        "single": .array([.integer(9)]), "three": .array([.integer(1), .integer(2), .integer(3)]),
        "text": .string("64"), "same": .array([.integer(5), .integer(5)]), "empty": .array([]),
      ], file: "config.json")
    #expect(try config.size("one") == (64, 64))
    #expect(try config.size("two") == (64, 48))
    #expect(try config.size("single") == (9, 9))
    #expect(try config.size("absent", default: 7) == (7, 7))
    for key in ["three", "text", "empty", "absent"] {
      #expect(throws: FormatError.self) { try config.size(key) }
    }
    #expect(try config.sameInteger("same", default: 1) == 5)
    #expect(try config.sameInteger("one", default: 1) == 64)
    #expect(try config.sameInteger("absent", default: 1) == 1)
    for key in ["two", "empty", "text"] {
      #expect(throws: FormatError.self) { try config.sameInteger(key, default: 1) }
    }
  }

  @Test("a file that holds no object is refused")
  func refusesLists() throws {
    try withTemporaryFolder { folder in
      try AtomicFile.write(Array("[]".utf8), to: folder + "/config.json")
      #expect(throws: FormatError.self) { try Config(path: folder + "/config.json") }
    }
  }
}
