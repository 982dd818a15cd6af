import Foundation
import Lantern
import LanternPictures
import Testing

@Suite("The shipped weights") struct ShippedWeightsTests {
  private static let weights = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("weights").path
  static let folder = weights + "/picturebook"

  /// Samplers of one equation end near one another; a folder whose settings do not suit one of them,
  /// such as clipped latents, leaves that one far away.
  @Test("samplers that draw no noise agree on the picture", arguments: ["ddim", "euler"])
  func agreement(sampler: String) throws {
    let generator = try ImageGenerator(folder: Self.folder)
    var request = ImageRequest(prompt: "a rocket in space")
    request.seed = 42
    let usual = try generator.draw(request).picture
    request.sampler = sampler
    let other = try generator.draw(request).picture
    let differences = zip(usual.pixels, other.pixels).map { abs(Int($0) - Int($1)) }
    #expect(differences.count == 128 * 128 * 3)
    #expect(differences.reduce(0, +) < 10 * differences.count)
  }

  @Test("in four steps it draws what was asked for, as the storyteller sees it")
  func fast() throws {
    let generator = try ImageGenerator(folder: Self.folder, isFast: true)
    let reader = try StoryGenerator(folder: Self.weights + "/storyteller")
    for (thing, place) in [("red fox", "on the beach"), ("rocket", "in space")] {
      var request = ImageRequest(prompt: "a \(thing) \(place)")
      request.seed = 42
      let image = try generator.draw(request)
      #expect(image.modelCalls == 4 && image.settings.sampler == "lcm")
      #expect(try reader.caption(image.picture) == "a \(thing) \(place)")
    }
  }

  @Test("a story has its hero and its wish on the pages, and its pictures are of one hand")
  func story() throws {
    let generator = try StoryGenerator(folder: Self.weights + "/storyteller")
    #expect(generator.isInterleaved)
    var pages: [StoryPage] = []
    var request = StoryRequest(prompt: "a story about a red fox who looks for a key")
    request.seed = 42
    try generator.write(request) { event in
      if case .page(let page) = event { pages.append(page) }
    }
    #expect(pages.count == 4)
    #expect(pages[0].text.contains("fox") && pages[0].text.contains("key"))
    #expect(pages.allSatisfy { $0.picture.width == 128 && $0.text.count > 15 })
  }

  @Test("what the storyteller draws it also tells")
  func caption() throws {
    let generator = try StoryGenerator(folder: Self.weights + "/storyteller")
    var request = TokenPictureRequest(prompt: "a red balloon at night")
    request.seed = 42
    let picture = try generator.draw(request)
    let caption = try generator.caption(picture)
    #expect(caption.contains("at night") && caption.contains("red"))
    #expect(try generator.caption(picture, question: "where is this?") == "at night")
  }
}
