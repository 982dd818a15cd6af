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
      throws: FormatError.wrongType(key: "part", expected: "a whole number", file: "config.json")
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

  @Test("a setting nobody asked for is refused at the end")
  func finishes() throws {
    let config = Config(
      ["asked": .integer(1), "other": .string("x"), "_x": .integer(1), "none": .null],
      file: "config.json")
    _ = try config.integer("asked")
    #expect(
      throws: FormatError.unsupportedSetting(key: "other", value: "\"x\"", file: "config.json")
    ) { try config.finish() }
    try config.finish(ignoring: ["other"])
  }

  @Test("a file that holds no object is refused")
  func refusesLists() throws {
    try withTemporaryFolder { folder in
      try AtomicFile.write(Array("[]".utf8), to: folder + "/config.json")
      #expect(throws: FormatError.self) { try Config(path: folder + "/config.json") }
    }
  }
}
