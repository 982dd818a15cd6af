import Foundation
import Lantern
import LanternPictures
import TestSupport
import Testing

/// samples/ is what the shipped weights draw, and says who drew it.
@Suite struct SamplesTests {
  private static func path(_ name: String) -> String { repositoryPath("samples/\(name)") }

  private static let pages = ["fox", "penguin", "bear"].flatMap { story in
    (1...4).map { "\(story)/0\($0).png" }
  }

  /// The release and the instruction set that samples/README.md names.
  private func told() throws -> (release: String, instructionSet: String) {
    let readme = try String(contentsOfFile: Self.path("README.md"), encoding: .utf8)
    let found = try #require(readme.firstMatch(of: /Drawn by (lantern [0-9.]+) on `([a-z0-9]+)`/))
    return (String(found.output.1), String(found.output.2))
  }

  @Test(
    "the README of samples names the release that drew them, as every picture's own text does",
    arguments: [
      "fox.png", "fox-meadow.png", "houses.png", "lion.png", "bear.png", "cyanotype.png",
      "turquoise.png",
    ] + pages
  )
  func release(name: String) throws {
    let told = try told()
    let texts = try PictureMetadata(contentsOf: Self.path(name))
    #expect(texts["parameters"]?.hasSuffix("Version: \(told.release)") == true)
    if !name.contains("/") {
      #expect(try PictureRecipe(texts)?.instructionSet == told.instructionSet)
    }
  }

  @Test("sheets are made of those pictures")
  func sheets() throws {
    let fox = try Picture(contentsOf: Self.path("fox.png"))
    let sheet = try Picture(contentsOf: Self.path("picturebook.png"))
    for y in 0..<fox.height {
      let start = 3 * y * sheet.width
      #expect(
        sheet.pixels[start..<start + 3 * fox.width].elementsEqual(
          fox.pixels[3 * y * fox.width..<3 * (y + 1) * fox.width]))
    }
    let pages = try Self.pages.map { try Picture(contentsOf: Self.path($0)) }
    #expect(
      try Picture.sheet(pages, columns: 4, gap: 4)
        == Picture(contentsOf: Self.path("stories.png")))
  }

  @Test("today's defaults draw the first of them, to the eye")
  func defaults() throws {
    let generator = try ImageGenerator(folder: repositoryPath("weights/picturebook"))
    var request = ImageRequest(prompt: "a red fox on the beach")
    request.seed = 42
    let drawn = try generator.draw(request).picture
    let sample = try Picture(contentsOf: Self.path("fox.png"))
    let maximum = zip(drawn.pixels, sample.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 255
    #expect(maximum <= 3)
  }
}
