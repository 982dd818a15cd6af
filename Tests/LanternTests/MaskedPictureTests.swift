import Lantern
import LanternFormats
import TestSupport
import Testing

/// What a mask keeps, stays.
@Suite struct MaskedPictureTests {
  private let reference: TinyPipeline

  init() throws { reference = try TinyPipeline() }

  /// A request whose mask is white within a rectangle of `width` · `height` pixels.
  private func request(
    _ width: Int, _ height: Int, white: (x: Range<Int>, y: Range<Int>)
  ) throws -> ImageRequest {
    var pixels = [UInt8](repeating: 0, count: width * height)
    for y in white.y { for x in white.x { pixels[y * width + x] = 255 } }
    var request = ImageRequest(prompt: "a red fox")
    (request.width, request.height, request.steps) = (width, height, 3)
    (request.strength, request.seed) = (1, 5)
    request.initialPicture = try reference.photo()
    request.mask = try Mask(width: width, height: height, pixels: pixels)
    return request
  }

  /// How much each pixel differs at most, row by row.
  private func differences(_ one: Picture, _ other: Picture) -> [Int] {
    let all = zip(one.pixels, other.pixels).map { abs(Int($0) - Int($1)) }
    return stride(from: 0, to: all.count, by: 3).map { all[$0..<$0 + 3].max() ?? 0 }
  }

  @Test(
    "what is black stays to the byte, of a picture of another size too, and what is white is drawn",
    arguments: [false, true])
  func keeps(isInpaintingModel: Bool) throws {
    let generator =
      isInpaintingModel
      ? try reference.inpaintingGenerator()
      : try ImageGenerator(folder: TinyPipeline.folder, precision: .exact)
    var request = try request(72, 48, white: (24..<56, 8..<32))
    request.previewInterval = 1
    var previews: [Picture] = []
    let drawn = try generator.draw(request) { step in
      if let preview = try step.preview(every: 1) { previews.append(preview) }
    }.picture
    let original = try reference.photo().resized(width: 72, height: 48)
    #expect(previews.count == 3)
    for picture in previews + [drawn] {
      let found = differences(picture, original)
      for y in 0..<48 {
        for x in 0..<72 where !(24..<56).contains(x) || !(8..<32).contains(y) {
          #expect(found[72 * y + x] == 0, "\(x), \(y)")
        }
      }
    }
    // Four pixels from the seam there is nothing but what was drawn.
    request.pastesKept = false
    let plain = try generator.draw(request).picture
    let inside = differences(plain, drawn)
    for y in 11..<29 { for x in 27..<53 { #expect(inside[72 * y + x] == 0) } }
    #expect(differences(plain, original).prefix(72).contains { $0 > 0 })
  }

  @Test("without a mask nothing is pasted, and a white one leaves nothing to paste")
  func pastesNothing() throws {
    let generator = try ImageGenerator(folder: TinyPipeline.folder)
    var white = try request(72, 48, white: (0..<72, 0..<48))
    let image = try generator.draw(white)
    #expect(image.notes.count == 1 && image.notes[0].contains("nothing to keep"))
    white.pastesKept = false
    #expect(try generator.draw(white).picture == image.picture)
    white.mask = nil
    let plain = try generator.draw(white).picture
    white.pastesKept = true
    #expect(try generator.draw(white).picture == plain)
  }

  @Test("a mask that leaves nothing to draw is told, and gives the picture it began from")
  func drawsNothing() throws {
    let generator = try ImageGenerator(folder: TinyPipeline.folder)
    let original = try reference.photo().resized(width: 72, height: 48)
    for (white, words) in [
      ((0..<0, 0..<0), "it is all black"),
      // Seven pixels between those that the latents look at.
      ((9..<16, 1..<48), "squares of 8×8"),
    ] {
      let image = try generator.draw(request(72, 48, white: white))
      #expect(image.notes.count == 1 && image.notes[0].contains("nothing to draw"))
      #expect(image.notes.first?.contains(words) == true)
      #expect(image.picture == original)
    }
    #expect(try generator.draw(request(72, 48, white: (8..<16, 0..<8))).notes.isEmpty)
  }

  @Test("a mask of another shape than the picture is told")
  func stretched() throws {
    let generator = try ImageGenerator(folder: TinyPipeline.folder)
    var request = try request(72, 48, white: (8..<16, 0..<8))
    request.mask = try Mask(width: 2, height: 2, pixels: [0, 255, 0, 0])
    let notes = try generator.draw(request).notes
    #expect(notes == ["the mask is 2×2 and the picture 75×51: it is stretched over it"])
  }

  @Test("a recipe says whether it was pasted, and an old one, which does not, was not")
  func recipes() throws {
    let generator = try ImageGenerator(folder: TinyPipeline.folder)
    for pastes in [true, false] {
      var request = try request(72, 48, white: (8..<16, 0..<8))
      request.pastesKept = pastes
      let recipe = try generator.draw(request).recipe
      let again = try #require(try PictureRecipe(recipe.metadata))
      #expect(again.needsMask && again.request.pastesKept == pastes)
    }
    for (text, pastes) in [(#"{"masked": true}"#, false), ("{}", true)] {
      let old = PictureMetadata([.init(key: "lantern", text: text)])
      #expect(try PictureRecipe(old)?.request.pastesKept == pastes)
    }
  }
}
