import LanternTokenizers
import Testing

@Suite struct PromptSyntaxTests {
  @Test(
    "what other programs would read is found, one line a kind",
    arguments: [
      ("a [red:blue:0.5] fox", "[red:blue:0.5]"), ("a [red::0.5] fox", "[red::0.5]"),
      ("a [:blue:5] fox", "[:blue:5]"), ("a [blue:0.5] fox", "[blue:0.5]"),
      ("[(a:1.2):b: 0.3 ]", "[(a:1.2):b: 0.3 ]"), ("a [red|blue] fox", "[red|blue]"),
      ("a fox AND a cat", "AND"), ("a fox:1.2 AND a cat", "AND"), ("a FOX AND a CAT", "AND"),
      ("a {red|blue} fox", "{red|blue}"), ("{2$$a|b|c}", "{2$$a|b|c}"),
      ("a __color__ fox", "__color__"),
      ("a fox, __a/b-c*__,", "__a/b-c*__"), ("a fox embedding:bad-hands", "embedding:bad-hands"),
      ("(embedding:x:1.2)", "embedding:x:1.2"), ("a red++ fox", "red++"),
      ("a (red fox)++", "(red fox)++"),
      ("(\"a\", \"b\").blend(1, 1)", "(\"a\", \"b\").b"),
      ("a <random:red, blue> fox", "<random:red, blue>"),
      ("a fox --ar 16:9", "--ar"), ("<fromto[0.5]:a,b>", "<fromto[0.5]:a,b>"),
    ])
  func found(prompt: String, example: String) {
    let syntax = PromptSyntax(prompt)
    #expect(syntax.findings.count == 1 && syntax.tags.isEmpty)
    #expect(syntax.findings.first?.example == example)
    let notes = syntax.notes(on: "negative prompt")
    #expect(
      notes.count == 1 && notes[0].hasPrefix("\(example) in the negative prompt is read as "))
  }

  @Test(
    "ordinary words and Lantern's own marks are not told",
    arguments: [
      "a red fox and a cat", "a fox, AND", "AND a fox", "ROCK AND ROLL", "A CAT AND A DOG",
      "ANDROID",
      "a Band AND", "(a fox:1.3) and [a cat]", "[[a]] ((b))", "a fox (red) [blue] {green}",
      "a fox BREAK a cat", "at 12:30: a fox", "a fox :) <3 :[ {", "C++ and g++, Notepad++",
      "x > y: a < b", #"\[a|b\] \(x\)"#, "a fox -- red", "50% a|b", "a_b __ ____ _", "fox | cat",
      "",
      "[a] | [b]", "2 + 2 = 4 ++", "a fox: red, [sky: blue]", "<3 and >:(", "embedding:", "2+",
    ])
  func quiet(prompt: String) {
    let syntax = PromptSyntax(prompt)
    #expect(syntax.findings.isEmpty && syntax.tags.isEmpty, "\(syntax)")
  }

  @Test("extra networks are no words, wherever a prompt comes from")
  func tags() {
    let prompt = "a <lora:style:0.8>fox<lyco:x>, <hypernet:h:1:2> <lora:> <lora:open"
    let (rest, tags) = PromptSyntax.withoutTags(prompt)
    #expect(rest == "a fox,  <lora:> <lora:open")
    #expect(tags.map(\.name) == ["style", "x", "h"])
    #expect(tags.map(\.arguments) == ["0.8", "", "1:2"])
    #expect(tags.map(\.kind) == ["lora", "lyco", "hypernet"])
    #expect(tags.map(\.text).joined() == "<lora:style:0.8><lyco:x><hypernet:h:1:2>")
    #expect(WeightedPrompt(parsing: "a fox<lora:x:(1)>").pieces == [.text("a fox", weight: 1)])
    #expect(WeightedPrompt(literal: "<lora:x:1>").pieces == [.text("<lora:x:1>", weight: 1)])
  }

  @Test("where weights are not read, they are told")
  func weights() {
    #expect(PromptSyntax("a (fox:1.3)").findings.isEmpty)
    #expect(PromptSyntax("a (fox:1.3)", readsWeights: false).findings.first?.kind == .weight)
    #expect(PromptSyntax("a (fox: red)", readsWeights: false).findings.isEmpty)
    let tag = PromptSyntax("a fox <lora:x:1>", readsWeights: false)
    #expect(tag.tags.isEmpty && tag.findings.map(\.kind) == [.tag])
  }

  @Test("more of a kind are counted, and examples are short and harmless")
  func many() {
    let syntax = PromptSyntax("[a|\u{1B}b] [c|d] [e|f]")
    #expect(
      syntax.notes(on: "prompt") == [
        "[a| b] (and 2 more like it) in the prompt is read as plain words: the prompt does not "
          + "alternate between steps"
      ])
    let long = PromptSyntax("[a|" + String(repeating: "é", count: 100_000) + "]")
    #expect((long.findings.first?.example.count ?? 0) < 60)
  }

  @Test(
    "no prompt takes more than its length",
    arguments: [
      "<lora:", "<", "[", "[a|", "{a|", "(", ")", "]", ":", "|", "AND ", "a AND ", "__", "__a__ ",
      "++", "a++", "embedding:", "\\", "[:1", "[a:0.5]", "<lora:a:1>", "<a:b>", "(a)++", "[(", ")]",
      "[a|b]", "[a:[b:", "(:", "]|", " AND a:1",
    ])
  func hostile(piece: String) {
    let text = String(repeating: piece, count: 20_000) + "a]})>"
    let clock = ContinuousClock()
    let time = clock.measure {
      _ = PromptSyntax(text).notes(on: "prompt")
      _ = WeightedPrompt(parsing: text)
      _ = ComposedPrompt(parsing: text)
      let schedule = PromptSchedule(parsing: text)
      _ = (schedule.words, schedule.entries(over: PromptSchedule.Steps(count: 3)))
    }
    #expect(time < .seconds(30))
  }
}
