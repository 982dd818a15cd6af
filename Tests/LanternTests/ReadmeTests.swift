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
    "the Swift examples of README, the guide to stories and the catalogue are those that are compiled here",
    arguments: [
      ("README.md", "README's"), ("docs/stories.md", "The guide's"),
      ("Sources/Lantern/Lantern.docc/Lantern.md", "README's"),
      ("Sources/Lantern/Lantern.docc/Lantern.md", "The guide's"),
    ])
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

  @Test("every file and every heading that a document links to is there")
  func links() throws {
    let documents = try Self.documents()
    #expect(documents.count > 15)
    #expect(documents.contains("docs/stories.md") && documents.contains("README.md"))
    var checked = 0
    for name in documents {
      let file = Self.root.appendingPathComponent(name)
      let text = try String(contentsOf: file, encoding: .utf8)
      for link in text.matches(of: /\]\(([^)\s]+)\)/).map({ String($0.output.1) }) {
        guard !link.contains("://"), !link.hasPrefix("mailto:") else { continue }
        let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let target =
          parts[0].isEmpty
          ? file : file.deletingLastPathComponent().appendingPathComponent(String(parts[0]))
        #expect(FileManager.default.fileExists(atPath: target.path), "\(name): \(link)")
        checked += 1
        guard parts.count > 1, target.pathExtension == "md" else { continue }
        #expect(try Self.anchors(of: target).contains(String(parts[1])), "\(name): \(link)")
      }
    }
    #expect(checked > 30)
  }

  /// The Markdown files of the repository, but for those of builds and fixtures.
  private static func documents() throws -> [String] {
    let walk = FileManager.default.enumerator(
      at: root, includingPropertiesForKeys: nil, options: [.skipsHiddenFiles])
    let base = root.standardizedFileURL.path
    return (walk?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "md" }
      .map { String($0.standardizedFileURL.path.dropFirst(base.count + 1)) }
      .filter { !$0.hasPrefix("Tests/") && !$0.hasPrefix("shared/") }
  }

  /// The anchors that GitHub gives a file's headings.
  private static func anchors(of file: URL) throws -> Set<String> {
    let text = try String(contentsOf: file, encoding: .utf8)
    var anchors: Set<String> = []
    for line in text.split(separator: "\n") where line.hasPrefix("#") {
      let heading = line.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces).lowercased()
      anchors.insert(
        String(heading.filter { $0.isLetter || $0.isNumber || "-_ ".contains($0) })
          .replacingOccurrences(of: " ", with: "-"))
    }
    return anchors
  }
}
