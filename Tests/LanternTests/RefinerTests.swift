import Foundation
import Lantern
import LanternFormats
import TestSupport
import Testing

/// A second model for the last steps. That it draws as diffusers' pipelines do is in DiffusersParityTests.
@Suite("A refiner") struct RefinerTests {
  private let base = fixture("tiny_xl")
  private let refiner = fixture("tiny_refiner")

  private func request(_ change: (inout ImageRequest) -> Void = { _ in }) -> ImageRequest {
    var request = ImageRequest(prompt: "a fox")
    (request.steps, request.seed) = (5, 7)
    change(&request)
    return request
  }

  @Test("a picture is the same whether parts stay in memory or are released and read again")
  func memory() throws {
    var generator = try ImageGenerator(folder: base, refiner: refiner, precision: .exact)
    let kept = try (0..<2).map { _ in try generator.draw(request()).picture }
    generator.retainsComponents = false
    let released = try (0..<2).map { _ in try generator.draw(request()).picture }
    #expect(Set((kept + released).map(\.pixels)).count == 1)
    let alone = try ImageGenerator(folder: base, precision: .exact).draw(request()).picture
    #expect(alone.pixels != kept[0].pixels)
  }

  @Test("it takes over below its share of the noise: at 1 never, and that is noted; at 0 at once")
  func start() throws {
    let generator = try ImageGenerator(folder: base, refiner: refiner, precision: .exact)
    let never = try generator.draw(request { $0.refinerStart = 1 })
    let alone = try ImageGenerator(folder: base, precision: .exact).draw(request())
    #expect(never.picture.pixels == alone.picture.pixels)
    #expect(never.notes.contains { $0.contains("tiny_refiner has no effect") })
    let always = try generator.draw(request { $0.refinerStart = 0 })
    let itself = try ImageGenerator(folder: refiner, precision: .exact).draw(request())
    #expect(always.picture.pixels == itself.picture.pixels)
    #expect(always.notes.isEmpty)
    #expect(throws: RequestError.self) { try generator.draw(request { $0.refinerStart = 1.5 }) }
  }

  @Test("it does not see image prompts, which is noted")
  func imagePrompts() throws {
    let generator = try ImageGenerator(folder: base, refiner: refiner, precision: .exact)
    let shown = try ControlReference("tiny_ip_adapter").request("xl").imagePrompts
    let notes = try generator.draw(
      request { ($0.refinerStart, $0.imagePrompts) = (0.5, shown) }
    ).notes
    #expect(
      notes.contains {
        $0.hasPrefix("the refiner does not see image prompts: xl.safetensors counts in the steps")
      }, "\(notes)")
  }

  @Test("recipes name it and its start, in Lantern's way and in webui's")
  func recipe() throws {
    let generator = try ImageGenerator(folder: base, refiner: refiner, precision: .exact)
    let recipe = try generator.draw(request { $0.refinerStart = 0.5 }).recipe
    let again = try #require(try PictureRecipe(recipe.metadata))
    #expect(again.refiner == "tiny_refiner" && again.request.refinerStart == 0.5)
    #expect(recipe.parameters.contains("Refiner: tiny_refiner"))
    #expect(recipe.parameters.contains("Refiner switch at: 0.5"))
    let alone = try ImageGenerator(folder: base, precision: .exact).draw(request()).recipe
    #expect(alone.refiner == nil && !alone.parameters.contains("Refiner"))
  }

  @Test("embeddings for both of SDXL's text encoders serve a refiner, which has the second")
  func embeddings() throws {
    let generator = try ImageGenerator(folder: base, refiner: refiner, precision: .exact)
    let path = fixture("textual_inversion") + "/xl.safetensors"
    let found = try generator.draw(
      request {
        $0.prompt = "a fox xl"
        $0.embeddings = [TextualInversion(path)]
      })
    let plain = try generator.draw(request { $0.prompt = "a fox xl" })
    #expect(found.picture.pixels != plain.picture.pixels)
  }

  @Test("a model of another kind is none")
  func otherKind() throws {
    for (base, refiner) in [(base, fixture("tiny_pipeline")), (fixture("tiny_pipeline"), refiner)] {
      #expect(throws: RequestError.self) {
        try ImageGenerator(folder: base, refiner: refiner, precision: .exact)
      }
    }
  }

  @Test("one that predicts something else is refused by name")
  func mismatch() throws {
    try withTemporaryFolder { root in
      let other = root + "/other"
      try FileManager.default.copyItem(atPath: base, toPath: other)
      try TinyPipeline.set(
        "prediction_type", "v_prediction", other + "/scheduler/scheduler_config.json")
      do {
        _ = try ImageGenerator(folder: base, refiner: other, precision: .exact)
        Issue.record("a model of velocity was taken for a refiner of one of noise")
      } catch {
        #expect("\(error)".hasPrefix(other + ": the refiner must be of the kind of"), "\(error)")
      }
    }
  }
}
