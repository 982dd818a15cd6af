import LanternDecoding
import Testing

@Suite struct StopStringsTests {
  private func written(_ pieces: [String], _ stops: [String]) -> (
    text: String, pieces: [String], isStopped: Bool
  ) {
    var strings = StopStrings(stops)
    var told: [String] = []
    for piece in pieces {
      let (text, isStopped) = strings.take(piece)
      told.append(text)
      if isStopped { return (told.joined(), told, true) }
    }
    told.append(strings.finish())
    return (told.joined(), told, false)
  }

  @Test("a text ends before the first of the strings, in whichever pieces it came")
  func ends() {
    for pieces in [["one\n\ntwo"], ["one\n", "\ntwo"], "one\n\ntwo".map { String($0) }] {
      let (text, _, isStopped) = written(pieces, ["two", "\n\n"])
      #expect(text == "one" && isStopped, "\(pieces)")
    }
    #expect(written(["aab"], ["ab", "aab"]).text == "")
  }

  @Test("what may be the beginning of one is held back until it is certain")
  func held() {
    let (text, pieces, isStopped) = written(["The e", "n", "e", "my"], ["end"])
    #expect(text == "The enemy" && !isStopped)
    #expect(pieces == ["The ", "", "en", "emy", ""])
    #expect(written(["The en"], ["end"]).text == "The en")
  }

  @Test("without strings, and with empty ones, every piece is told at once")
  func none() {
    #expect(written(["a", "b"], [""]).pieces == ["a", "b", ""])
    #expect(written(["a", "b"], []).pieces == ["a", "b", ""])
  }
}
