import Foundation
import Lantern
import Testing

/// The example of README, compiled; ``ReadmeTests`` compares the texts.
private func example() async throws {
  // README's text begins here.
  let generator = try ImageGenerator(folder: "weights/picturebook")
  var request = ImageRequest(prompt: "a red fox on the beach")
  request.seed = 7
  for try await event in generator.generate(request) {
    switch event {
    case .step(let number, let count, _): print("step \(number) of \(count)")
    case .finished(let image): try image.picture.write(to: "fox.png")
    }
  }
  // README's text ends here.
}

@Suite("README") struct ReadmeTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  @Test("the Swift example of README is the one that is compiled here")
  func exampleIsCompiled() throws {
    let readme = try String(
      contentsOf: Self.root.appendingPathComponent("README.md"), encoding: .utf8)
    let source = try String(contentsOfFile: #filePath, encoding: .utf8)
    let begin = try #require(source.range(of: "// README's text begins here.\n"))
    let end = try #require(source.range(of: "  // README's text ends here."))
    let lines = source[begin.upperBound..<end.lowerBound].split(separator: "\n")
    let code = lines.map { $0.dropFirst(2) }.joined(separator: "\n")
    #expect(lines.count > 5)
    #expect(readme.contains("```swift\nimport Lantern\n\n\(code)\n```"))
  }

  @Test("every file that README and the guides link to is there")
  func links() throws {
    for name in [
      "README.md", "CONTRIBUTING.md", "docs/samplers.md", "docs/adding-a-model.md",
      "samples/README.md", "training/README.md", "weights/picturebook/MODEL.md",
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
