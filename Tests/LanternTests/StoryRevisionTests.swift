import Foundation
import Lantern
import LanternFormats
import TestSupport
import Testing

/// Stories that were told, edited and drawn again.
@Suite("A story edited") struct StoryRevisionTests {
  private static let illustrator = Result {
    StoryIllustrator(try ImageGenerator(folder: fixture("tiny_model")))
  }
  private static let hostile = "\"A *fox*\" <b> [x](y) `1.` \\ & #1"

  /// A story of three pages in a folder, as a writer and the illustrator would leave it.
  private func write(to folder: String) throws {
    let plan = StoryPlan(
      title: "A \(Self.hostile)", cast: [.init(name: "Bo", kind: "fox", look: "red fox")],
      places: ["in a wood"], outline: ["a", "b", "c"])
    var request = StoryRequest(prompt: "a fox")
    (request.seed, request.imageSteps, request.language) = (7, 1, .english)
    var details = StoryDetails(prompt: "a fox", seed: 7, writer: "w", illustrator: "tiny_model")
    details.plan = plan
    var book = StoryBook(title: plan.title, details)
    let pages = ["1. He ran.\n\n- Home [1].", Self.hostile, "The end."]
    let story = try StoryRevision(
      pages.enumerated().map { .init(text: $1, prompt: "a red fox, \($0), \(Self.hostile)") },
      sources: [StoryCitation(number: 1, place: "a_b.txt, page 2")], title: plan.title, details)
    try Self.illustrator.get().revise(story, request, writer: nil) { event in
      if case .page(let page) = event { try book.add(page) }
    }
    try book.write(to: folder)
  }

  private func pictures(_ folder: String) throws -> [Data] {
    try (1...3).map { try Data(contentsOf: URL(fileURLWithPath: "\(folder)/0\($0).png")) }
  }

  /// Changes a text of a file, draws again into another folder, and says which pages were drawn.
  private func revise(
    _ name: String, in folder: String, _ change: (String) -> String, to other: String
  ) throws -> (drawn: [Int], story: StoryRevision) {
    let path = "\(folder)/\(name)"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let changed = change(text)
    try changed.write(toFile: path, atomically: false, encoding: .utf8)
    let story = try StoryRevision(contentsOf: path)
    var request = StoryRequest(prompt: "")
    request.imageSteps = 1
    var (book, drawn) = (story.book("tiny_model"), Set<Int>())
    try Self.illustrator.get().revise(story, request, writer: nil) { event in
      if case .step(_, _, let page, _) = event { drawn.insert(page) }
      if case .page(let page) = event { try book.add(page) }
    }
    try book.write(to: other)
    return (drawn.sorted(), story)
  }

  @Test(
    "what JSON and Markdown say comes back to the letter, and nothing is drawn",
    arguments: ["story.json", "story.md"])
  func unchanged(name: String) throws {
    try withTemporaryFolder { root in
      try write(to: root + "/a")
      let (drawn, story) = try revise(name, in: root + "/a", { $0 }, to: root + "/b")
      #expect(drawn.isEmpty && story.title == "A \(Self.hostile)" && story.notes.isEmpty)
      #expect(story.pages.map(\.text) == ["1. He ran.\n\n- Home [1].", Self.hostile, "The end."])
      #expect(story.pages.map(\.prompt) == (0...2).map { "a red fox, \($0), \(Self.hostile)" })
      #expect(story.sources == [StoryCitation(number: 1, place: "a_b.txt, page 2")])
      #expect(try pictures(root + "/a") == pictures(root + "/b"))
    }
  }

  @Test(
    "of an edited story the pages are drawn whose picture's prompt changed; the others keep every byte",
    arguments: ["story.json", "story.md"])
  func edited(name: String) throws {
    try withTemporaryFolder { root in
      try write(to: root + "/a")
      let before = try pictures(root + "/a")
      let (drawn, _) = try revise(
        name, in: root + "/a",
        {
          $0.replacingOccurrences(of: "a red fox, 1", with: "a blue owl, 1")
            .replacingOccurrences(of: "The end.", with: "Good night.")
        }, to: root + "/b")
      let after = try pictures(root + "/b")
      #expect(drawn == [2] && after[0] == before[0] && after[2] == before[2])
      #expect(after[1] != before[1])
      let text = try String(contentsOfFile: root + "/b/story.md", encoding: .utf8)
      #expect(text.contains("Good night.") && text.contains("a blue owl, 1"))
      let record = try #require(PictureMetadata(contentsOf: root + "/b/02.png")["lantern-story"])
      #expect(record.contains("\"picture_prompt\":\"a blue owl, 1"))
    }
  }

  @Test("a story that one transformer told and drew is drawn again where it was edited")
  func ofOneTransformer() throws {
    try withTemporaryFolder { root in
      try TinyStoryteller.write(to: root + "/model", isInterleaved: true)
      let generator = try StoryGenerator(folder: root + "/model", precision: .exact)
      var request = StoryRequest(prompt: "a fox")
      (request.seed, request.pages, request.temperature) = (5, 2, 1)
      var book = StoryBook(request, writer: "tiny", illustrator: "tiny")
      try generator.write(request) { event in
        if case .page(let page) = event { try book.add(page) }
      }
      try FileManager.default.createDirectory(
        atPath: root + "/a", withIntermediateDirectories: true)
      try book.write(to: root + "/a")
      let before = try Data(contentsOf: URL(fileURLWithPath: root + "/a/02.png"))
      var count = 0
      let change = { (text: String) in
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
          guard line.hasPrefix("![") else { return String(line) }
          count += 1
          return count == 1 ? "![a blue frog](01.png)" : String(line)
        }.joined(separator: "\n")
      }
      let (drawn, story) = try revise("story.md", in: root + "/a", change, to: root + "/b")
      #expect(drawn == [1] && story.pages.first?.prompt == "a blue frog")
      #expect(try Data(contentsOf: URL(fileURLWithPath: root + "/b/02.png")) == before)
    }
  }

  @Test("a page whose picture is gone is drawn from the seed that story.json names")
  func namedSeed() throws {
    try withTemporaryFolder { root in
      try write(to: root + "/a")
      let before = try Picture(contentsOf: root + "/a/02.png")
      try FileManager.default.removeItem(atPath: root + "/a/02.png")
      #expect(try revise("story.json", in: root + "/a", { $0 }, to: root + "/b").drawn == [2])
      #expect(try Picture(contentsOf: root + "/b/02.png").pixels == before.pixels)
      #expect(throws: FormatError.self) {
        try revise(
          "story.json", in: root + "/a",
          {
            $0.replacingOccurrences(
              of: "\"seed\": ?", with: "$0-", options: .regularExpression)
          }, to: root + "/c")
      }
    }
  }

  @Test("a page that was added is drawn after its words, and one whose picture is missing anew")
  func added() throws {
    try withTemporaryFolder { root in
      try write(to: root + "/a")
      try FileManager.default.removeItem(atPath: root + "/a/01.png")
      let (drawn, story) = try revise(
        "story.md", in: root + "/a",
        { $0.replacingOccurrences(of: "\n*Told", with: "![](new.png)\n\nHe slept.\n\n*Told") },
        to: root + "/b")
      #expect(drawn == [1, 4] && story.pages.last?.text == "He slept.")
      #expect(story.pages.last?.prompt == nil)
    }
  }

  @Test("a picture of one's own in a page's place stays, whatever its prompt says")
  func ownPicture() throws {
    try withTemporaryFolder { root in
      try write(to: root + "/a")
      let own = try Picture(width: 3, height: 3, pixels: [UInt8](repeating: 5, count: 27))
      try own.write(to: root + "/a/02.png")
      let before = try pictures(root + "/a")
      let change = { (text: String) in text.replacingOccurrences(of: "a red fox, 1", with: "x") }
      #expect(try revise("story.json", in: root + "/a", change, to: root + "/b").drawn.isEmpty)
      #expect(try pictures(root + "/b") == before)
    }
  }

  @Test(
    "what is no story is one error that names the file",
    arguments: [
      "", "{}", "[]", #"{"pages":[]}"#, #"{"pages":[{"picture":"01.png"}]}"#, #"{"pages":[3]}"#,
      #"{"pages":[{"text":"a","picture":"../x.png"}]}"#,
      #"{"pages":[{"text":"a","picture":".."}]}"#,
      #"{"pages":[{"text":"a"}],"plan":{"title":3}}"#,
      #"{"pages":[{"text":"a","picture":"s.json"}]}"#,
    ])
  func broken(text: String) throws {
    try withTemporaryFolder { root in
      let path = root + "/s.json"
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      #expect { try StoryRevision(contentsOf: path) } throws: { error in
        "\(error)".contains("s.json")
      }
    }
  }

  @Test("what a file has that is not read is noted")
  func unknown() throws {
    try withTemporaryFolder { root in
      let text = #"{"title":"T","mood":1,"pages":[{"text":"a","colour":"red"}]}"#
      try Data(text.utf8).write(to: URL(fileURLWithPath: root + "/s.json"))
      let notes = try StoryRevision(contentsOf: root + "/s.json").notes
      #expect(notes.first?.hasSuffix(#"without effect: "mood", "colour""#) == true, "\(notes)")
    }
  }
}
