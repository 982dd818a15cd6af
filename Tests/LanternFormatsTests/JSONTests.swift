import LanternPlatform
import LanternFormats
import TestSupport
import Testing

@Suite("JSON")
struct JSONTests {
  private func parse(_ text: String) throws(FormatError) -> JSONValue {
    try parse(Array(text.utf8))
  }

  private func parse(_ bytes: [UInt8]) throws(FormatError) -> JSONValue {
    let outcome: Result<JSONValue, FormatError> = bytes.withUnsafeBytes { buffer in
      Result { () throws(FormatError) in try JSON.parse(buffer, file: "x.json") }
    }
    return try outcome.get()
  }

  private func failure(_ bytes: [UInt8]) -> FormatError? {
    do throws(FormatError) {
      _ = try parse(bytes)
      return nil
    } catch {
      return error
    }
  }

  @Test("members of one object are listed as they stand, equal ones by composition too")
  func members() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/x.json"
      let text = """
        {"b": {"a": {"v": 1}}, "a": {"x": [{"v": 2}], "v": {"é": 1, "e\u{301}": 2, "z": {"v": 3}}}}
        """
      try AtomicFile.write(Array(text.utf8), to: path)
      let (value, members) = try JSON.read(path, membersAt: ["a", "v"])
      #expect(members?.map { Array($0.key.utf8) } == ["é", "e\u{301}", "z"].map { Array($0.utf8) })
      #expect(members?.map(\.value) == [.integer(1), .integer(2), .object(["v": .integer(3)])])
      let rest: JSONValue = .object([
        "b": .object(["a": .object(["v": .integer(1)])]),
        "a": .object(["x": .array([.object(["v": .integer(2)])]), "v": .object([:])]),
      ])
      #expect(value == rest)
      #expect(throws: FormatError.self) { try JSON.read(path) }
      try AtomicFile.write(Array("{\"b\": [1], \"a\": 2}".utf8), to: path)
      #expect(try JSON.read(path, membersAt: []).members?.map(\.key) == ["b", "a"])
      #expect(try JSON.read(path, membersAt: ["b"]).members == nil)
    }
  }

  @Test(
    "every kind of value is read",
    arguments: [
      ("null", .null), (" true ", .bool(true)), ("false\n", .bool(false)), ("0", .integer(0)),
      ("-12", .integer(-12)), ("9223372036854775807", .integer(.max)),
      ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .unsigned(1 << 63)),
      ("18446744073709551615", .unsigned(.max)), ("18446744073709551616", .number(0x1p64)),
      ("1.0", .integer(1)), ("1e3", .integer(1000)), ("-0", .number(-0.0)), ("0.5", .number(0.5)),
      ("1E-5", .number(1e-5)), ("0.00085", .number(0.00085)), ("1e300", .number(1e300)),
      (#""""#, .string("")), (#""a\"\\\/\b\f\n\r\t""#, .string("a\"\\/\u{8}\u{c}\n\r\t")),
      (#""\u0041\u00e9\u20AC\ud83d\ude00""#, .string("Aé€😀")), ("\"Ġé😀\"", .string("Ġé😀")),
      ("[]", .array([])), ("[1, [2]]", .array([.integer(1), .array([.integer(2)])])),
      ("{}", .object([:])),
      (#"{"a": {"b": [null]}}"#, .object(["a": .object(["b": .array([.null])])])),
      ("\u{FEFF}[]", .array([])),
    ] as [(String, JSONValue)])
  func reads(text: String, value: JSONValue) throws {
    #expect(try parse(text) == value)
  }

  @Test(
    "what is not JSON is refused at its byte",
    arguments: [
      ("", 0), (" ", 1), ("[1,]", 3), ("[1 2]", 3), ("{\"a\":1,}", 7), ("{a:1}", 1),
      ("{\"a\" 1}", 5),
      ("01", 0), ("-", 1), ("+1", 0), (".5", 0), ("1.", 2), ("1e", 2), ("1e+", 3), ("0x10", 1),
      ("1e999", 0), ("tru", 0), ("nulL", 0), ("'a'", 0), ("\"a", 2), ("\"\\x\"", 1),
      ("\"\\u12G4\"", 1),
      ("\"\\ud83d\"", 1), ("\"\\ude00\"", 1), ("\"\\ud83d\\u0041\"", 1), ("\"a\nb\"", 2),
      ("[]]", 2),
      ("[] {}", 3), ("//", 0), ("{\"a\":}", 5), ("\u{FEFF}", 3),
    ])
  func refuses(text: String, at: Int) {
    guard case .malformedJSON("x.json", let found, _)? = failure(Array(text.utf8)) else {
      Issue.record("\(text): \(String(describing: failure(Array(text.utf8))))")
      return
    }
    #expect(found == at)
  }

  @Test("NaN and Infinity, which Python writes, are read as numbers and nothing else")
  func readsPythonsLiterals() throws {
    let text = Array("[NaN, Infinity, -Infinity]".utf8)
    let found = try text.withUnsafeBytes { try JSON.parse($0, file: "x.json") }.array ?? []
    #expect(found.count == 3 && found[0].double?.isNaN == true)
    #expect(found.dropFirst() == [.number(.infinity), .number(-.infinity)])
    #expect(found.allSatisfy { $0.integer == nil })
    #expect(failure(Array("Nan".utf8)) != nil && failure(Array("-Inf".utf8)) != nil)
  }

  @Test(
    "what is not UTF-8 is refused at its byte",
    arguments: [
      [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80],
      [0xF0, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82],
      [0xFF], [0xC3], [0xE2, 0x28, 0xA1],
    ] as [[UInt8]])
  func refusesBrokenUTF8(bytes: [UInt8]) {
    let text = Array("\"0123456789".utf8)
    let expected = FormatError.malformedJSON(file: "x.json", at: 11, reason: "not UTF-8")
    #expect(failure(text + bytes + [UInt8(ascii: "\"")]) == expected)
  }

  @Test("64 lists may lie in one another and 65 may not")
  func limitsDepth() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    _ = try parse(nested(64))
    #expect(failure(Array(nested(65).utf8)) == .tooDeep(file: "x.json", at: 64, limit: 64))
    #expect(
      failure(Array(repeating: UInt8(ascii: "["), count: 1_000_000))
        == .tooDeep(file: "x.json", at: 64, limit: 64))
  }

  @Test("a key that comes twice is refused where it comes again")
  func refusesDuplicateKeys() {
    #expect(
      failure(Array(#"{"a":1, "a":2}"#.utf8)) == .duplicateKey(key: "a", file: "x.json", at: 8))
    #expect(
      failure(Array(#"{"a":1, "\u0061":2}"#.utf8))
        == .duplicateKey(key: "a", file: "x.json", at: 8))
  }

  @Test("a text cut short anywhere is refused")
  func refusesEveryTruncation() throws {
    let whole = Array(
      #"{"a": [1.5e3, -2, "é\u00e9\ud83d\ude00", true, null], "b": {"c": false}}"#.utf8)
    _ = try parse(whole)
    for length in 0..<whole.count { #expect(failure(Array(whole[..<length])) != nil) }
  }

  @Test("any byte changed is read or refused, never a trap")
  func survivesEveryByteChanged() {
    let whole = Array(#"{"a":[1.5e3,-2,"\u00e9\n",true,null]}"#.utf8)
    for index in whole.indices {
      for byte in UInt8.min...UInt8.max {
        var bytes = whole
        bytes[index] = byte
        _ = failure(bytes)
      }
    }
  }

  @Test("what is written reads back the same, keys in order")
  func writes() throws {
    let value = JSONValue.object([
      "b": .array([.null, .bool(true), .integer(.min), .number(1e-7), .number(-0.0)]),
      "a": .string("\"\\\n\u{1}\u{7F}é😀/"), "é": .object([:]), "": .number(1e22),
    ])
    let text = JSON.write(value)
    #expect(
      text == #"{"":1e+22,"a":"\"\\\n\u0001\u007fé😀/","b":"#
        + #"[null,true,-9223372036854775808,1e-07,-0.0],"é":{}}"#)
    #expect(try parse(text) == value)
    #expect(JSON.write(.array([.number(.nan), .number(.infinity)])) == "[null,null]")
  }

  @Test("a vocabulary of 49,408 entries is read in a moment")
  func isFast() throws {
    let members = (0..<49_408).map { "\"token\($0)</w>\": \($0)" }.joined(separator: ", ")
    let bytes = Array("{\(members)}".utf8)
    let clock = ContinuousClock()
    var value = JSONValue.null
    let time = try clock.measure { value = try parse(bytes) }
    #expect(value.object?.count == 49_408)
    // Milliseconds when optimised; this only notices work that grows with the square.
    #expect(time < .seconds(5))
  }

  @Test("files that are missing, empty, endless or folders are told apart")
  func readsFiles() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/x.json"
      #expect(throws: FormatError.cannotRead(path: path, code: 2)) { try JSON.read(path) }
      try AtomicFile.write([], to: path)
      #expect(throws: FormatError.empty(path: path)) { try JSON.read(path) }
      try AtomicFile.write(Array("[1]".utf8), to: path)
      #expect(try JSON.read(path) == .array([.integer(1)]))
      #expect(throws: FormatError.notAFile(path: folder)) { try JSON.read(folder) }
    }
    #expect(throws: FormatError.notAFile(path: "/dev/zero")) {
      try FileSystem.read("/dev/zero", limit: 65536)
    }
  }
}
