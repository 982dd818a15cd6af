import LanternLibrary
import Testing

/// How documents are cut into passages, and texts into words.
@Suite struct PassageTests {
  private func passages(_ blocks: [DocumentText.Block], limit: Int = 200) -> [Passage] {
    var document = DocumentText()
    document.blocks = blocks
    var splitter = PassageSplitter()
    splitter.wordLimit = limit
    return splitter.passages(of: document)
  }

  @Test("a passage stands below its headings, and begins on its page")
  func headings() {
    let found = passages([
      .page(1), .paragraph("Before all."), .heading(level: 1, "A"), .heading(level: 2, "B"),
      .paragraph("One."), .page(2), .paragraph("Two."), .heading(level: 2, "C"),
      .paragraph("Three."), .heading(level: 1, "D"), .paragraph("Four."),
    ])
    #expect(
      found == [
        Passage(page: 1, text: "Before all."),
        Passage(heading: "A > B", page: 1, text: "One.\n\nTwo."),
        Passage(heading: "A > C", page: 2, text: "Three."),
        Passage(heading: "D", page: 2, text: "Four."),
      ])
  }

  @Test("long paragraphs are cut between sentences, and nothing is lost or said twice")
  func sentences() {
    let text = (1...100).map { "Sentence \($0) by Dr. Fox has e.g. seven words!" }.joined(
      separator: " ")
    let found = passages([.paragraph(text)], limit: 50)
    #expect(found.count > 15)
    for passage in found {
      #expect(passage.text.hasPrefix("Sentence ") && passage.text.hasSuffix("words!"))
      #expect(passage.text.split(separator: " ").count <= 50)
    }
    #expect(found.map(\.text).joined(separator: " ") == text)
  }

  @Test(
    "a sentence without an end is cut between words, a word without one within, Chinese by characters"
  )
  func endless() {
    let words = passages([.paragraph((0..<1000).map { "w\($0)" }.joined(separator: " "))])
    #expect(words.count == 5 && words.allSatisfy { $0.text.split(separator: " ").count == 200 })
    let line = String(repeating: "x", count: 100_000)
    let pieces = passages([.paragraph(line)])
    #expect(pieces.allSatisfy { $0.text.count <= 32 * 200 + 400 } && pieces.count > 10)
    #expect(pieces.map(\.text).joined() == line)
    let chinese = passages([.paragraph(String(repeating: "狐狸住在洞里。", count: 100))])
    #expect(chinese.count == 4 && chinese.allSatisfy { $0.text.hasSuffix("。") })
  }

  @Test("words are letters and digits in lower case without accents; of Chinese each character")
  func words() {
    #expect(
      SearchWords.words(of: "The Café’s 3rd FOX—é e\u{301}!") == [
        "the", "cafe", "s", "3rd", "fox", "e", "e",
      ])
    #expect(SearchWords.words(of: "狐狸 lives ﬁne") == ["狐", "狸", "lives", "fine"])
    #expect(SearchWords.words(of: " \n—!") == [])
  }
}
