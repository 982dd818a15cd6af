import LanternTokenizers
import Testing

/// Examples and rules are those of stable-diffusion-webui's `parse_prompt_attention`.
@Suite struct WeightedPromptTests {
  typealias Piece = WeightedPrompt.Piece

  @Test(
    "webui's documented examples give its pieces",
    arguments: [
      ("normal text", [("normal text", 1)]),
      ("an (important) word", [("an ", 1), ("important", 1.1), (" word", 1)]),
      ("(unbalanced", [("unbalanced", 1.1)]),
      (#"\(literal\]"#, [("(literal]", 1)]),
      ("(unnecessary)(parens)", [("unnecessaryparens", 1.1)]),
      (
        "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
        [
          ("a ", 1), ("house", 1.573), (" ", 1.1), ("on", 1), (" a ", 1.1), ("hill", 0.55),
          (", sun, ", 1.1), ("sky", 1.4641), (".", 1.1),
        ]
      ),
    ] as [(String, [(String, Float)])])
  func documented(prompt: String, expected: [(String, Float)]) {
    expect(prompt, expected)
  }

  @Test(
    "odd prompts give the pieces that webui's rules make of them",
    arguments: [
      ("", [("", 1)]),
      ("()", [("", 1)]),
      ("(a:1.3", [("a:1.3", 1.1)]),
      ("a:1.3)", [("a:1.3)", 1)]),
      ("a) b] (c", [("a) b] ", 1), ("c", 1.1)]),
      ("(a: 1.3 )", [("a", 1.3)]),
      ("(a:+.5)(b:-1)(c:2.)", [("a", 0.5), ("b", -1), ("c", 2)]),
      ("(a:b:2)", [("a:b", 2)]),
      ("[a:0.5]", [("a:0.5", 1 / 1.1)]),
      ("[a:b:0.5] c|d AND e", [("a:b:0.5", 1 / 1.1), (" c|d AND e", 1)]),
      ("[[a]]", [("a", 1 / 1.21)]),
      ("([a)b]", [("a", 1), ("b", 1 / 1.1)]),
      (#"a\nb \\ \( \x("#, [(#"anb \ ( x"#, 1)]),
      ("(a:1e999)", [("a:1e999", 1.1)]),
      ("(猫:1.2)とé", [("猫", 1.2), ("とé", 1)]),
    ] as [(String, [(String, Float)])])
  func odd(prompt: String, expected: [(String, Float)]) {
    expect(prompt, expected)
  }

  @Test(
    "a number that is none is text",
    arguments: ["(cat:.)", "(cat:)", "(cat:-)", "(cat:1.2.3)", "(cat:..)"])
  func badNumbers(prompt: String) {
    expect(prompt, [(String(prompt.dropFirst().dropLast()), 1.1)])
  }

  @Test("BREAK as a word ends a chunk, with the spaces about it")
  func breaks() {
    #expect(
      WeightedPrompt(parsing: "a  BREAK\n b, BREAKER_BREAK BREAK").pieces == [
        .text("a", weight: 1), .chunkBreak, .text("b, BREAKER_BREAK", weight: 1), .chunkBreak,
        .text("", weight: 1),
      ])
    #expect(
      WeightedPrompt(parsing: "(a BREAK b)").pieces == [
        .text("a", weight: 1.1), .chunkBreak, .text("b", weight: 1.1),
      ])
  }

  @Test("a literal prompt keeps its brackets")
  func literal() {
    #expect(WeightedPrompt(literal: "(a) BREAK").pieces == [.text("(a) BREAK", weight: 1)])
  }

  @Test(
    "hostile prompts take neither trap nor quadratic time, and no weight is infinite",
    arguments: [
      String(repeating: "(", count: 100_000), String(repeating: "(a", count: 10_000),
      String(repeating: "[a", count: 10_000) + String(repeating: "]", count: 10_000),
      String(repeating: "(a", count: 10_000) + String(repeating: ":9)", count: 10_000),
      "(a:" + String(repeating: "9", count: 100_000) + ")", String(repeating: ":1", count: 100_000),
      "(a:" + String(repeating: "9", count: 300) + ")", String(repeating: "BREAK ", count: 50_000),
      String(repeating: "\\", count: 100_001), String(repeating: " ", count: 100_000) + "BREAK",
      "(x" + String(repeating: ": ", count: 100_000), String(repeating: ")", count: 100_000),
    ])
  func hostile(prompt: String) {
    let clock = ContinuousClock()
    var pieces: [Piece] = []
    let time = clock.measure { pieces = WeightedPrompt(parsing: prompt).pieces }
    #expect(time < .seconds(10))
    let weights = pieces.compactMap { if case .text(_, let weight) = $0 { weight } else { nil } }
    #expect(weights.allSatisfy { $0.isFinite && abs($0) <= 1e6 })
  }

  private func expect(_ prompt: String, _ expected: [(text: String, weight: Float)]) {
    let pieces = WeightedPrompt(parsing: prompt).pieces
    #expect(pieces.count == expected.count, "\(pieces)")
    for (piece, (text, weight)) in zip(pieces, expected) {
      guard case .text(let found, let foundWeight) = piece else {
        Issue.record("a break in \(prompt)")
        continue
      }
      #expect(found == text)
      #expect(abs(foundWeight - weight) < 1e-6, "\(text)")
    }
  }
}
