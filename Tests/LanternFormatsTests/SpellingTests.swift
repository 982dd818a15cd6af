import LanternFormats
import Testing

@Suite("Words that were meant") struct SpellingTests {
  @Test(
    "the nearest word has the fewest letters to change, leave out, add or swap",
    arguments: [
      ("dgo", "dog"), ("foxs", "fox"), ("fxo", "fox"), ("dogg", "dog"),
      ("penguinn", "penguin"), ("pengiun", "penguin"),
    ])
  func nearest(_ word: String, _ meant: String) {
    #expect(Spelling.nearest(to: word, in: ["cat", "dog", "fox", "penguin"]) == meant)
  }

  @Test("what is far from every word has none, and nothing is near in an empty list")
  func far() {
    #expect(Spelling.nearest(to: "dragon", in: ["fox", "penguin"], within: 0.34) == nil)
    #expect(Spelling.nearest(to: "fox", in: []) == nil)
    #expect(Spelling.nearest(to: "", in: ["penguin"]) == nil)
    #expect(Spelling.nearest(to: String(repeating: "x", count: 100_000), in: ["fox"]) == nil)
  }
}
