import LanternPictures
import Testing

/// The grammar is that of stable-diffusion-webui's `parse_generation_parameters`, and of what other
/// programs make of it.
@Suite struct WebUITextTests {
  private static let plain = """
    a red fox
    on the beach
    Negative prompt: blurry,
    dark
    Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 64x64, Model: m
    """

  @Test(
    "line ends of any system, space at both ends and a byte order mark make no difference",
    arguments: [
      plain, plain + "\n", plain + "\r\n\r\n", "\n" + plain + " \t\n", "\u{FEFF}" + plain,
      plain.replacing("\n", with: "\r\n"), plain.replacing("\n", with: "\r"), plain + "\0\0",
    ])
  func lineEnds(text: String) {
    let text = WebUIText(parsing: text)
    #expect(text.prompt == "a red fox\non the beach")
    #expect(text.negativePrompt == "blurry,\ndark")
    #expect(text.fields.map(\.name) == ["Steps", "Sampler", "CFG scale", "Seed", "Size", "Model"])
    #expect(text["Seed"] == "5" && text["Model"] == "m" && text["seed"] == nil)
    #expect(text.extensions.isEmpty)
  }

  @Test("lines after the settings are those of extensions")
  func extensions() {
    let lines = ["Template: a {red|blue} fox, b: c, d: e", "Negative Template: bad"]
    let text = WebUIText(parsing: Self.plain + "\n" + lines.joined(separator: "\r\n") + "\n")
    #expect(text.extensions == lines)
    #expect(text.negativePrompt == "blurry,\ndark" && text["Model"] == "m")
  }

  @Test("values in quotes and values of JSON hold commas and colons; what only begins so does not")
  func quotes() {
    let text = WebUIText(
      parsing: """
        a fox
        Steps: 20, Lora hashes: "a: 1b, c: 2d", Hashes: {"model": "x, y", "lora:a": "}"}, \
        ControlNet 0: "Module: canny, Say: \\"hi\\"\\n", Civitai resources: [{"a": [1, 2]}], \
        Empty: , Model: "open, Odd: "a" b, Seed: 7, Bare, Last: {1, 2
        """)
    let found = text.fields.map { "\($0.name)=\($0.value)" }
    #expect(
      found == [
        "Steps=20", "Lora hashes=a: 1b, c: 2d", #"Hashes={"model": "x, y", "lora:a": "}"}"#,
        "ControlNet 0=Module: canny, Say: \"hi\"\n", #"Civitai resources=[{"a": [1, 2]}]"#,
        "Empty=", "Model=\"open", "Odd=\"a\" b", "Seed=7", "Last={1",
      ])
  }

  @Test("the last line with a number of steps counts, or the last line of three settings")
  func settings() {
    let odd = WebUIText(parsing: "a fox\nSteps: 3, b: c\nNegative prompt: x\nSteps: 20, Seed: 1")
    #expect(odd.prompt == "a fox\nSteps: 3, b: c" && odd["Steps"] == "20")
    let late = WebUIText(parsing: "a fox\nSize: 64x64, Seed: 5, Steps: 20")
    #expect(late.prompt == "a fox" && late["Steps"] == "20")
    for prompt in [
      "a fox", "a fox, style: oil, mood: dark, light: warm", "a\nSteps: many, b: c", "Steps: 20",
      "",
    ] {
      #expect(WebUIText(parsing: prompt).prompt == prompt)
      #expect(WebUIText(parsing: prompt).fields.isEmpty)
    }
    #expect(WebUIText(parsing: "Negative prompt:x\nSteps: 1, Seed: 2").negativePrompt == "x")
  }

  @Test("what is written is read as the same, whatever prompts and values look like")
  func roundTrip() {
    let pieces = [
      "a fox", ",", ":", "\"", "\\", "\n", "\r", "\r\n", " ", "\t", "Steps: 20, Seed: 3, Size: 1x1",
      "Negative prompt: ", "Negative prompt:", "{", "}", "[1, 2]", "é", "🦊", "\u{301}", "\0",
      "\u{FEFF}", "Prompt: \"x\"", "<lora:x:1>", "\u{85}", "\u{2028}",
    ]
    var random = Numbers()
    for _ in 0..<1000 {
      func text(_ maximum: Int) -> String {
        (0..<random.below(maximum + 1)).map { _ in pieces[random.below(pieces.count)] }.joined()
      }
      var written = WebUIText()
      written.prompt = text(6)
      written.negativePrompt = text(4)
      written.fields = [.init("Steps", "\(random.below(50))"), .init("Model", text(3))]
      let again = WebUIText(parsing: written.text)
      #expect(Array(again.prompt.utf8) == Array(written.prompt.utf8))
      #expect(Array(again.negativePrompt.utf8) == Array(written.negativePrompt.utf8))
      #expect(again.fields == written.fields, "\(written.text)")
    }
  }

  @Test("a plain prompt stands once, in webui's lines")
  func plainWriting() {
    var text = WebUIText()
    text.prompt = "a fox, (sly:1.2)"
    text.negativePrompt = "snow"
    text.fields = [.init("Steps", "20"), .init("Model", "a, b: c")]
    #expect(text.text == "a fox, (sly:1.2)\nNegative prompt: snow\nSteps: 20, Model: \"a, b: c\"")
  }

  @Test(
    "no text takes more than its length",
    arguments: [
      ":", ",", "\"", "a: \"", "a: {,", "a: {\"", "a: [", "\n", "\r", "Steps: 1\n", "Steps: 1, ",
      "Steps: 1, a: {}x\n", "Negative prompt:\n", "\\", "a: \"\\",
    ])
  func hostile(piece: String) {
    let text = String(repeating: piece, count: 20_000) + "\nSteps: 1, Seed: 2, a: }}}}"
    let clock = ContinuousClock()
    let time = clock.measure { _ = WebUIText(parsing: text).text }
    #expect(time < .seconds(20))
    let line = "Steps: 1, " + String(repeating: piece, count: 20_000)
    #expect(clock.measure { _ = WebUIText(parsing: line) } < .seconds(20))
  }
}

/// Numbers that look random and are the same every time.
private struct Numbers {
  private var state: UInt64 = 1

  mutating func below(_ limit: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % limit
  }
}
