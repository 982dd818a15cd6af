import Foundation
import Lantern
import Testing

/// The examples of README and docs/stories.md, compiled; ``ReadmeTests`` compares the texts.
private func example() async throws {
  // README's text begins here.
  let generator = try ImageGenerator(.picturebook)
  var request = ImageRequest(prompt: "a red fox on the beach")
  request.seed = 7
  let image = try await generator.image(request)
  try image.picture.write(to: "fox.png")

  // Step by step, as for a progress bar:
  for try await event in generator.generate(request) {
    switch event {
    case .step(let number, let count, _): print("step \(number) of \(count)")
    case .finished(let image): print(image.recipe.text, try image.picture.png().count)
    }
  }
  // README's text ends here.
}

private func storyExample() async throws {
  // The guide's text begins here.
  let teller = try StoryGenerator(.storyteller)
  var request = StoryRequest(prompt: "a story about a red fox who looks for a key")
  request.seed = 7
  try await teller.story(request).write(to: "fox")  // story.html, story.md, 01.png …

  // As it is told:
  for try await event in teller.generate(request) {
    switch event {
    case .text(let words, _): print(words, terminator: "")
    case .step: break
    case .page(let page): try page.picture.write(to: StoryBook.pictureName(page.number))
    case .finished: print()
    }
  }
  // The guide's text ends here.
}

@Suite("README") struct ReadmeTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  @Test(
    "the Swift examples of README and the guide to stories are those that are compiled here",
    arguments: [("README.md", "README's"), ("docs/stories.md", "The guide's")])
  func examplesAreCompiled(file: String, owner: String) throws {
    let page = try String(
      contentsOf: Self.root.appendingPathComponent(file), encoding: .utf8)
    let source = try String(contentsOfFile: #filePath, encoding: .utf8)
    let begin = try #require(source.range(of: "// \(owner) text begins here.\n"))
    let end = try #require(source.range(of: "  // \(owner) text ends here."))
    let lines = source[begin.upperBound..<end.lowerBound].split(
      separator: "\n", omittingEmptySubsequences: false)
    let code = lines.map { $0.dropFirst(2) }.joined(separator: "\n")
      .trimmingCharacters(in: .newlines)
    #expect(lines.count > 5)
    #expect(page.contains("```swift\nimport Lantern\n\n\(code)\n```"))
  }

  @Test("every file that README and the guides link to is there")
  func links() throws {
    for name in [
      "README.md", "CONTRIBUTING.md", "docs/samplers.md", "docs/adding-a-model.md",
      "docs/stories.md",
      "samples/README.md", "training/README.md", "weights/judge/MODEL.md",
      "weights/picturebook/MODEL.md", "weights/storyteller/MODEL.md",
    ] {
      let file = Self.root.appendingPathComponent(name)
      let text = try String(contentsOf: file, encoding: .utf8)
      for link in text.matches(of: /\]\(([^):#]+)\)/) {
        let target = file.deletingLastPathComponent().appendingPathComponent(String(link.output.1))
        #expect(FileManager.default.fileExists(atPath: target.path), "\(name): \(link.output.1)")
      }
    }
  }
}
