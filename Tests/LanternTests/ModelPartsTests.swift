import Lantern
import TestSupport
import Testing

/// Parts that go before a model's own; those of models in one file are in SingleFileTests.
@Suite("Parts of a model") struct ModelPartsTests {
  @Test("another vocabulary leaves each text encoder the token that fills its texts up")
  func padding() throws {
    let folder = fixture("tiny_xl")
    var parts = ModelParts()
    parts.tokenizer = folder + "/tokenizer"
    var request = ImageRequest(prompt: "a fox")
    (request.steps, request.seed) = (2, 7)
    let pictures = try [ModelParts(), parts].map { parts in
      try ImageGenerator(folder: folder, with: parts, precision: .exact).draw(request).picture
    }
    #expect(pictures[0].pixels == pictures[1].pixels)
  }
}
