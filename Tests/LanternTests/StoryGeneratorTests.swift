import Foundation
import Lantern
import LanternFormats
import TestSupport
import Testing

/// Stories of a small transformer of random weights.
@Suite struct StoryGeneratorTests {
  private func withGenerator(
    isInterleaved: Bool = true, _ body: (StoryGenerator) throws -> Void
  ) throws {
    try withTemporaryFolder { root in
      try TinyStoryteller.write(to: root + "/model", isInterleaved: isInterleaved)
      try body(StoryGenerator(folder: root + "/model", precision: .exact))
    }
  }

  /// What happened, in words, and the pages.
  private func write(_ request: StoryRequest, _ generator: StoryGenerator) throws -> (
    events: [String], pages: [StoryPage]
  ) {
    var events: [String] = []
    var pages: [StoryPage] = []
    try generator.write(request) { event in
      switch event {
      case .text(_, let page): if events.last != "text \(page)" { events.append("text \(page)") }
      case .step(let number, let count, let page, let preview):
        events.append("step \(number)/\(count) of \(page)\(preview == nil ? "" : ", seen")")
      case .page(let page):
        events.append("page \(page.number)")
        pages.append(page)
      case .finished: events.append("end")
      }
    }
    return (events, pages)
  }

  private func request(_ pages: Int? = nil, seed: UInt64 = 3) -> StoryRequest {
    var request = StoryRequest(prompt: "a story about a red fox")
    request.pages = pages
    request.seed = seed
    return request
  }

  @Test("a story is words, steps of a picture and a page, again and again, and an end")
  func events() throws {
    try withGenerator { generator in
      var request = request()
      request.previewInterval = 2
      let (events, pages) = try write(request, generator)
      #expect(
        events == [
          "text 1", "step 1/3 of 1", "step 2/3 of 1, seen", "step 3/3 of 1", "page 1",
          "text 2", "step 1/3 of 2", "step 2/3 of 2, seen", "step 3/3 of 2", "page 2", "end",
        ])
      #expect(pages.allSatisfy { $0.picture.width == 8 && $0.picture.height == 8 })
      #expect(pages.allSatisfy { !$0.text.isEmpty && $0.caption == nil })
    }
  }

  @Test("pictures of pages, and those of masked codes, carry what they show and their seed")
  func metadata() throws {
    try withGenerator { generator in
      let pages = try write(request(2, seed: 8), generator).pages
      let version = LanternVersion.label
      for page in pages {
        let text = try #require(page.picture.metadata["parameters"])
        let words = String(PlainText.scalars(page.text.trimmingCharacters(in: .whitespaces)))
        #expect(text.hasPrefix(words), "\(text)")
        #expect(
          text.hasSuffix(
            "Story: a story about a red fox, Page: \(page.number), Seed: 8, Model: model, Version: \(version)"
          ), "\(text)")
      }
      var drawn = TokenPictureRequest(prompt: "a cat")
      drawn.seed = 9
      let wanted = "a cat\nSeed: 9, Model: model, Version: \(version)"
      let picture = try generator.draw(drawn)
      #expect(picture.metadata["parameters"] == wanted)
      drawn.initialPicture = picture
      drawn.extensions = [.left]
      #expect(try generator.draw(drawn).metadata["parameters"] == wanted)
      try withTemporaryFolder { folder in
        try picture.write(to: folder + "/cat.png")
        #expect(try PictureMetadata(contentsOf: folder + "/cat.png") == picture.metadata)
      }
    }
  }

  @Test("a stranger's control characters do not reach a picture's text; its lines do")
  func controlCharacters() throws {
    try withGenerator { generator in
      var request = TokenPictureRequest(prompt: "a\u{1B}[31m cat\nthat sleeps")
      request.seed = 9
      let text = try #require(try generator.draw(request).metadata["parameters"])
      #expect(text.hasPrefix("a\u{FFFD}[31m cat\nthat sleeps\n"), "\(text)")
    }
  }

  @Test("a mask or a side needs a picture, a picture one of them, and an interval is not negative")
  func needsPicture() throws {
    try withGenerator { generator in
      let white = try Mask(width: 8, height: 8, pixels: [UInt8](repeating: 255, count: 64))
      let picture = try Picture(width: 8, height: 8, pixels: [UInt8](repeating: 9, count: 192))
      let changes: [(String, (inout TokenPictureRequest) -> Void)] = [
        ("a mask needs a picture to begin from", { $0.mask = white }),
        ("a side to extend needs a picture to begin from", { $0.extensions = [.up] }),
        (
          "a picture to begin from needs a mask, or a side to extend",
          { $0.initialPicture = picture }
        ),
        ("preview interval -1: choose 0 or more", { $0.previewInterval = -1 }),
      ]
      for (wanted, change) in changes {
        var request = TokenPictureRequest(prompt: "a cat")
        change(&request)
        let error = #expect(throws: RequestError.self) { try generator.draw(request) }
        #expect(error?.description == wanted)
      }
    }
  }

  @Test("the same seed tells the same story, another seed another")
  func seeds() throws {
    try withGenerator { generator in
      let first = try write(request(), generator).pages
      #expect(try write(request(), generator).pages == first)
      #expect(try write(request(seed: 4), generator).pages != first)
    }
  }

  @Test(
    "remembering what was read changes nothing: all computed anew gives the same story",
    arguments: [true, false])
  func recomputing(isInterleaved: Bool) throws {
    try withGenerator(isInterleaved: isInterleaved) { generator in
      var request = request(2)
      request.guidance = 2
      let remembered = try write(request, generator).pages
      request.recomputes = true
      #expect(try write(request, generator).pages == remembered)
    }
  }

  @Test("a beginning of words and pictures stays, and the story goes on from it")
  func beginning() throws {
    try withGenerator { generator in
      let picture = try Picture(
        width: 20, height: 8, pixels: (0..<480).map { UInt8(truncatingIfNeeded: $0 * 7) })
      var request = request(3)
      request.beginning = [.init(text: "There was a fox. ", picture: picture), .init(text: "Well")]
      let told = try write(request, generator)
      #expect(told.pages.map(\.text).prefix(2) == ["There was a fox. ", "Well"])
      #expect(told.events.prefix(4) == ["text 1", "page 1", "text 2", "step 1/3 of 2"])
      #expect(told.pages[0].picture.width == 8)
      var other = request
      other.beginning[0].text = "There was a bear. "
      #expect(try write(other, generator).pages[1].picture != told.pages[1].picture)
      other = request
      other.beginning[0].picture = try Picture(
        width: 8, height: 8, pixels: [UInt8](repeating: 250, count: 192))
      #expect(try write(other, generator).pages[1].picture != told.pages[1].picture)
      request.pages = 1
      #expect(throws: RequestError.self) { try write(request, generator) }
    }
  }

  @Test("without training to open pictures, each page's words draw afresh")
  func scripted() throws {
    try withGenerator(isInterleaved: false) { generator in
      let pages = try write(request(2), generator).pages
      // A page's picture hangs on its own words alone: not on the prompt, nor on the page before.
      var other = request(2)
      other.prompt = "something else"
      other.beginning = [.init(text: "another beginning"), .init(text: pages[1].text)]
      let others = try write(other, generator).pages
      #expect(others[1].picture == pages[1].picture)
      #expect(others[0].picture != pages[0].picture)
    }
  }

  @Test("numbers out of range are refused, and the message says what to choose")
  func ranges() throws {
    try withGenerator { generator in
      let changes: [(String, (inout StoryRequest) -> Void)] = [
        ("pages 0: choose 1 to 100", { $0.pages = 0 }),
        ("pages 101: choose 1 to 100", { $0.pages = 101 }),
        ("image steps 0: choose 1 to 1000", { $0.imageSteps = 0 }),
        ("guidance -1.0: choose 0 to 100", { $0.guidance = -1 }),
        ("guidance nan: choose 0 to 100", { $0.guidance = .nan }),
        ("temperature -0.1: choose 0 to 100", { $0.temperature = -0.1 }),
        ("top-p 0.0: choose more than 0, to 1", { $0.topP = 0 }),
        ("top-p 1.1: choose more than 0, to 1", { $0.topP = 1.1 }),
        ("top-k -1: choose 0 or more", { $0.topK = -1 }),
        ("min-p 1.0: choose 0 to less than 1", { $0.minP = 1 }),
        ("repetition penalty 0.0: choose more than 0", { $0.repetitionPenalty = 0 }),
      ]
      for (wanted, change) in changes {
        var request = request()
        change(&request)
        let error = #expect(throws: RequestError.self) { try write(request, generator) }
        #expect(error?.description == wanted)
      }
    }
  }

  @Test("a prompt that the positions do not reach ends in an error that says how long")
  func longPrompt() throws {
    try withGenerator { generator in
      let request = StoryRequest(prompt: String(repeating: "fox ", count: 600))
      let error = #expect(throws: RequestError.self) { try write(request, generator) }
      #expect(error.map { "\($0)" }?.contains("tokens and the model takes 502") == true)
    }
  }

  @Test("what does not fit is told before work begins: nothing happens before the error")
  func longWords() throws {
    for isInterleaved in [true, false] {
      try withGenerator(isInterleaved: isInterleaved) { generator in
        let many = String(repeating: "fox ", count: 700)
        var beginning = request(3)
        beginning.beginning = [.init(text: "There was a fox."), .init(text: many)]
        for request in [StoryRequest(prompt: many), beginning] {
          var events = 0
          let error = #expect(throws: RequestError.self) {
            try generator.write(request) { _ in events += 1 }
          }
          #expect(error?.description.contains("tokens and the model takes") == true)
          #expect(events == 0)
          #expect(throws: RequestError.self) { try generator.check(request) }
        }
        let picture = try Picture(width: 8, height: 8, pixels: [UInt8](repeating: 9, count: 192))
        let error = #expect(throws: RequestError.self) {
          try generator.caption(picture, question: many)
        }
        guard case .longStory(_, let tokens, let maximum)? = error else { return }
        #expect(tokens > maximum)
        // The longest question that fits has an answer of a word.
        let perWord = tokens / 700
        let fitting = String(repeating: "fox ", count: maximum / perWord - 4)
        _ = try generator.caption(picture, question: fitting)
      }
    }
  }

  /// A generator whose model says that it was trained on stories of so many pages.
  private func withGenerator(trainedPages: Int, _ body: (StoryGenerator) throws -> Void) throws {
    try withTemporaryFolder { root in
      try TinyStoryteller.write(to: root)
      try """
      {"interleaved": true, "pages": 2, "image_steps": 1, "trained_pages": \(trainedPages)}
      """.write(toFile: root + "/lantern.json", atomically: false, encoding: .utf8)
      try body(StoryGenerator(folder: root, precision: .exact))
    }
  }

  @Test("of a story longer than the model was trained for, pages between are told as its second")
  func longStory() throws {
    var known: [StoryPage] = []
    try withGenerator(trainedPages: 3) { generator in
      let pages = try write(request(7), generator).pages
      #expect(pages.map(\.number) == Array(1...7))
      // They hang on the first page alone, so that it is no matter how many there are.
      let fewer = try write(request(6), generator).pages
      #expect(fewer[..<5] == pages[..<5])
      #expect(fewer[5] != pages[5], "the last page of one, and not of the other")
      known = try write(request(3), generator).pages
      #expect(known[..<2] == pages[..<2])
      var again = request(7)
      again.recomputes = true
      #expect(try write(again, generator).pages == pages)
      #expect(try generator.check(request(7)).first?.contains("stories of 3 pages") == true)
      #expect(try generator.check(request(3)).isEmpty)
    }
    try withGenerator(trainedPages: 9) { generator in
      let pages = try write(request(3), generator).pages
      #expect(pages == known)
    }
    for trained in 1...2 {
      try withGenerator(trainedPages: trained) { generator in
        let pages = try write(request(5), generator).pages
        #expect(pages.count == 5)
      }
    }
    #expect(throws: (any Error).self) { try withGenerator(trainedPages: 0) { _ in } }
  }

  @Test("pages that a long story begins with are before the model when it goes on")
  func longBeginning() throws {
    try withGenerator(trainedPages: 4) { generator in
      var request = request(7)
      request.beginning = ["A fox.", "A bear.", "A cat."].map { .init(text: $0) }
      let pages = try write(request, generator).pages
      request.beginning[2].text = "A dog."
      #expect(try write(request, generator).pages[3] != pages[3])
    }
  }

  @Test("a story of as many pages as there may be fits, and long ones say that they look back less")
  func mostPages() throws {
    for isInterleaved in [true, false] {
      try withGenerator(isInterleaved: isInterleaved) { generator in
        var request = request(64)
        request.imageSteps = 1
        let notes = try generator.check(request)
        #expect(notes.first?.contains("640 tokens") == true)
        let pages = try write(request, generator).pages
        #expect(pages.count == 64)
      }
    }
  }

  @Test("special tokens in a prompt are words, not commands")
  func specialText() throws {
    try withGenerator { generator in
      for spelt in ["<|endoftext|>", "<|soi|>", "<|eoi|>", "[PAD]", "<|lvg|>"] {
        // As commands these were 200 tokens, which fit: as words they are more than three times that.
        let many = StoryRequest(prompt: String(repeating: spelt, count: 200))
        let error = #expect(throws: RequestError.self, "\(spelt)") { try write(many, generator) }
        guard case .longStory(_, let tokens, _)? = error else {
          Issue.record("\(spelt): \(String(describing: error))")
          continue
        }
        #expect(tokens > 600, "\(spelt)")
      }
    }
  }

  @Test("a picture of any size has a caption, and questions about it have answers")
  func captions() throws {
    try withGenerator { generator in
      for (width, height) in [(1, 1), (8, 8), (300, 7), (5, 640)] {
        let picture = try Picture(
          width: width, height: height,
          pixels: [UInt8](repeating: 99, count: width * height * 3))
        let caption = try generator.caption(picture)
        #expect(try generator.caption(picture) == caption)
        _ = try generator.caption(picture, question: "where is this?")
      }
      let picture = try Picture(width: 8, height: 8, pixels: [UInt8](repeating: 9, count: 192))
      #expect(throws: RequestError.self) {
        try generator.caption(picture, question: String(repeating: "why ", count: 600))
      }
    }
  }

  @Test("a picture is drawn anew where the mask is white, and stays where it is black")
  func inpainting() throws {
    try withGenerator { generator in
      let picture = try generator.draw(TokenPictureRequest(prompt: "a fox"))
      var request = TokenPictureRequest(prompt: "a cat")
      request.seed = 42
      request.initialPicture = try Picture(
        width: 8, height: 8, pixels: (0..<192).map { UInt8($0) })
      let original = try #require(request.initialPicture)
      request.mask = try Mask(width: 8, height: 8, pixels: [UInt8](repeating: 0, count: 64))
      let kept = try generator.draw(request)
      #expect(kept == original && kept.notes.count == 1)
      #expect(kept.notes.first?.contains("nothing to draw") == true)
      request.pastesKept = false
      #expect(
        try generator.draw(request)
          == generator.model.picture(generator.model.codes(of: original)))
      request.initialPicture = picture
      request.mask = try Mask(width: 8, height: 8, pixels: [UInt8](repeating: 255, count: 64))
      var anew = TokenPictureRequest(prompt: "a cat")
      anew.seed = request.seed
      #expect(try generator.draw(request) == generator.draw(anew))
      request.mask = nil
      #expect(throws: RequestError.self) { try generator.draw(request) }
    }
  }

  @Test("black stays to the byte beside white, and the seam is white's")
  func pasting() throws {
    try withGenerator { generator in
      var request = TokenPictureRequest(prompt: "a cat")
      request.initialPicture = try Picture(
        width: 8, height: 8, pixels: (0..<192).map { UInt8($0) })
      request.mask = try Mask(
        width: 8, height: 8, pixels: (0..<64).map { $0 % 8 < 4 ? 0 : 255 })
      let pasted = try generator.draw(request)
      request.pastesKept = false
      let drawn = try generator.draw(request)
      for index in 0..<192 {
        let share = max(0, index / 3 % 8 - 3)
        let mixed = Int(drawn.pixels[index]) * share + index * (4 - share)
        #expect(Int(pasted.pixels[index]) == (mixed + 2) / 4, "\(index)")
      }
    }
  }

  @Test("a picture extended to all sides grows by half a picture to each, around what it was")
  func extending() throws {
    try withGenerator { generator in
      var request = TokenPictureRequest(prompt: "a cat")
      request.seed = 42
      let original = try generator.draw(request)
      request.initialPicture = original
      request.extensions = [.right, .down, .left, .up]
      var steps: [String] = []
      let picture = try generator.draw(request) { number, count, _ in
        steps.append("\(number)/\(count)")
      }
      #expect(picture.width == 16 && picture.height == 16 && picture.notes.isEmpty)
      // One square to the right, two below 12 columns, two beside 12 rows, three above 16 columns.
      #expect(steps == (1...24).map { "\($0)/24" })
      for y in 0..<8 {
        let (row, start) = (24 * y, 3 * (16 * (y + 4) + 4))
        #expect(picture.pixels[start..<start + 24] == original.pixels[row..<row + 24])
      }
      request.initialPicture = try original.resized(width: 16, height: 12)
      let notes = try generator.draw(request).notes
      #expect(
        notes == ["of the picture's 16×12 pixels the middle square is taken, as 8×8"])
    }
  }

  @Test("parts of different models are refused with the reason")
  func mismatches() throws {
    try withTemporaryFolder { root in
      func complaint(_ change: (String) throws -> Void) throws -> String {
        let folder = "\(root)/\(UUID().uuidString)"
        try TinyStoryteller.write(to: folder)
        try change(folder)
        do {
          _ = try StoryGenerator(folder: folder)
          return ""
        } catch { return "\(error)" }
      }
      let manager = FileManager.default
      let cases: [(change: (String) throws -> Void, words: String)] = [
        ({ try manager.removeItem(atPath: "\($0)/llm") }, "tokenizer"),
        ({ try manager.removeItem(atPath: "\($0)/magvitv2") }, "image tokenizer"),
        ({ try manager.removeItem(atPath: "\($0)/model.safetensors") }, "model.safetensors"),
        ({ try Self.settings(#"{"_class_name": "Chameleon"}"#, $0) }, "Chameleon"),
        ({ try Self.settings(#"{"w_clip_vit": false, "vocab_size": 5}"#, $0) }, "llm_vocab_size"),
      ]
      for (change, words) in cases {
        let said = try complaint(change)
        #expect(said.contains(words), "\(said)")
      }
    }
  }

  private static func settings(_ text: String, _ folder: String) throws {
    try text.write(toFile: "\(folder)/config.json", atomically: false, encoding: .utf8)
  }

  @Test("a book's files hold its words as words, and its pictures as they are")
  func book() throws {
    let picture = try Picture(width: 8, height: 8, pixels: [UInt8](repeating: 7, count: 192))
    try withGenerator { generator in
      var request = request(1)
      request.beginning = [.init(text: "<b>\"A & B\"</b> _x_ [y](z)", picture: picture)]
      let page = try #require(try write(request, generator).pages.first)
      var book = StoryBook(title: "<i>", colophon: "by *")
      let png = try book.add(page)
      #expect(try Picture(png) == page.picture)
      #expect(book.html.contains("&lt;b&gt;&quot;A &amp; B&quot;&lt;/b&gt;"))
      #expect(book.html.contains("base64,\(Data(png).base64EncodedString())\""))
      #expect(!book.html.contains("<b>") && book.html.contains("<title>&lt;i&gt;</title>"))
      #expect(book.markdown.contains(#"\_x\_ \[y\](z)"#) && book.markdown.contains("(01.png)"))
      try withTemporaryFolder { folder in
        try book.write(to: folder + "/new/book")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder + "/new/book")
        #expect(files.sorted() == ["01.png", "story.html", "story.json", "story.md"])
        #expect(try Picture(contentsOf: folder + "/new/book/01.png") == page.picture)
        let html = try String(contentsOfFile: folder + "/new/book/story.html", encoding: .utf8)
        #expect(html == book.html)
      }
    }
  }

  @Test("the stream of events ends when its reader leaves, and so does the work")
  func stream() async throws {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    defer { try? FileManager.default.removeItem(atPath: root) }
    try TinyStoryteller.write(to: root)
    try #"{"interleaved": true, "pages": 1, "image_steps": 1, "trained_pages": 3}"#
      .write(toFile: root + "/lantern.json", atomically: false, encoding: .utf8)
    let generator = try StoryGenerator(folder: root, precision: .exact)
    var endless = request(64)
    endless.imageSteps = 1000
    let clock = ContinuousClock()
    let begin = clock.now
    var first: Duration?
    for try await event in generator.generate(endless) {
      if case .step = event {
        first = clock.now - begin
        break
      }
    }
    // One generator tells one story at a time: this one waits for the end of the one before.
    let left = clock.now
    var pages = 0
    for try await event in generator.generate(request(1)) { if case .page = event { pages += 1 } }
    #expect(pages == 1)
    #expect(try clock.now - left < #require(first) * 20)
  }
}
