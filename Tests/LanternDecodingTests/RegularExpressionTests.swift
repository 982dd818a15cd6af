import Foundation
import LanternDecoding
import LanternFormats
import TestSupport
import Testing

/// The fixture holds what Python's `re` matches: tools/fixtures/regular_expressions.py.
@Suite struct RegularExpressionTests {
  /// A token for each byte.
  private static let trie = VocabularyTrie((0..<256).map { ([UInt8($0)], $0) }, count: 256)

  private func matches(_ text: String, _ form: TextForm) throws -> Bool {
    var constraint = TextConstraint(try form.grammar(), Self.trie, what: form.name)
    return text.utf8.allSatisfy { constraint.accept(Int($0)) } && constraint.mayEnd
  }

  @Test("texts are let through whole where Python's re matches them whole, and no others")
  func parity() throws {
    let rows = try #require(try JSON.read(fixture("regular_expressions.json")).array)
    var counts = [true: 0, false: 0]
    for row in rows {
      let pattern = try #require(row.object?["pattern"]?.string)
      for item in try #require(row.object?["texts"]?.array) {
        let text = try #require(item.object?["text"]?.string)
        let wanted = try #require(item.object?["matches"]?.bool as Bool?)
        #expect(try matches(text, .regex(pattern)) == wanted, "\(pattern): \(text)")
        counts[wanted, default: 0] += 1
      }
    }
    #expect(rows.count > 45 && counts[true, default: 0] > 300 && counts[false, default: 0] > 300)
  }

  @Test("what random scores write is matched by the expression, however early it is cut")
  func written() throws {
    for (number, pattern) in [
      "-?(0|[1-9][0-9]*)(\\.[0-9]+)?", "[A-Z][a-z]{2,8}( [A-Z][a-z]+)*", "(\"[^\"\\n]*\",){2}é?",
      "a*b{3,5}c",
    ].enumerated() {
      for seed in 0..<30 {
        for most in [1, 8, 100] {
          let text = try TextConstraintTests.write(
            .regex(pattern), seed: UInt64(100 * number + seed), most: most)
          let range = text.range(of: "^(?:\(pattern))$", options: .regularExpression)
          #expect(range == text.startIndex..<text.endIndex, "\(pattern): \(text)")
        }
      }
    }
  }

  @Test("a pattern of a schema is found within the string, or bound to its ends")
  func searched() throws {
    for (pattern, text, isFound) in [
      ("b+", "abbc", true), ("^b+", "abbc", false), ("^ab", "abbc", true), ("c$", "abbc", true),
      ("b$", "abbc", false), ("^a$|x", "axe", true), ("^a$|x", "ae", false),
      ("\\\\n", "a\\\\nb", true),
    ] {
      let schema = JSON.write(.object(["type": "string", "pattern": .string(pattern)]))
      #expect(try matches("\"\(text)\"", .schema(schema)) == isFound, "\(pattern): \(text)")
    }
  }

  @Test(
    "what is not regular, or wrong, is refused with its place",
    arguments: [
      ("(?=a)b", 1, "look-around"), ("(?<!a)b", 1, "look-around"), ("(?i)a", 1, "flags"),
      ("a(b", 2, "does not end"), ("ab)", 3, "no ("), ("[a", 1, "does not end"),
      ("*a", 1, "repeat"),
      ("a**", 3, "repeat"), ("a{2}{3}", 5, "quantifier"), ("(a)\\1", 5, "\\1"),
      ("\\bword", 2, "\\b"),
      ("\\p{L}", 2, "\\p"), ("[z-a]", 5, "backwards"), ("[\\d-z]", 6, "backwards"),
      ("a{3,2}", 7, "least"),
      ("a++", 3, "possessive"), ("a^b", 2, "beginning"), ("a$b", 3, "end of the whole"),
      ("\\x1", 3, "hexa"),
      ("\\uD800", 3, "hexa"), ("a\\", 3, "\\ at the end"), ("(?P<n", 1, "name"),
      ("a{999999}", 8, "times"),
    ])
  func refused(pattern: String, place: Int, word: String) {
    let error = #expect(throws: ConstraintError.self, "\(pattern)") {
      try TextForm.regex(pattern).grammar()
    }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("character \(place):") && text.contains(word), "\(pattern): \(text)")
  }

  @Test("expressions that are too large, or that no text matches, are refused")
  func limits() {
    for pattern in [
      "(a{1000}){1000}", "(){131072}", "((){500}){500}", String(repeating: "(", count: 70),
    ] {
      #expect(throws: ConstraintError.self) { try TextForm.regex(pattern).grammar() }
    }
    let never = #expect(throws: ConstraintError.self) {
      try TextForm.regex("[^\\w\\W]").grammar()
    }
    #expect(never != nil)
  }

  @Test("an expression with very many states at once is refused, and not walked")
  func wide() throws {
    let form = TextForm.regex("(a?){9000}")
    var constraint = TextConstraint(try form.grammar(), Self.trie, what: form.name)
    #expect(throws: ConstraintError.tooLarge(what: form.name)) { _ = try constraint.allowed() }
  }
}
