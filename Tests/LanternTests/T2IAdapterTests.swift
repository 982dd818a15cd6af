import Lantern
import LanternFormats
import LanternPictures
import TestSupport
import Testing

/// Pictures that follow others by T2I-Adapters, against those of diffusers: tools/fixtures/tiny_adapter.py.
@Suite struct T2IAdapterTests {
  @Test(
    "step caches, tiled decoding and samplers of several evaluations leave adapters their effect")
  func together() throws {
    let reference = try ControlReference("tiny_adapter")
    let generator = try ControlReference.generator()
    for change: @Sendable (inout ImageRequest) -> Void in [
      { $0.cache = StepCache("deepcache:2") }, { $0.sampler = "heun" }, { $0.sampler = "lcm" },
    ] {
      var request = try reference.request("one")
      change(&request)
      let followed = try generator.draw(request)
      request.controls = []
      #expect(try generator.draw(request).picture != followed.picture)
    }
  }

  @Test(
    "sizes that come from a picture are multiples of what the adapter takes, given ones must be")
  func sizes() throws {
    let reference = try ControlReference("tiny_adapter")
    let generator = try ControlReference.generator("xl")
    var request = try reference.request("xl")
    (request.width, request.height, request.steps) = (nil, nil, 1)
    request.controls[0].picture = try reference.picture("edges").resized(width: 79, height: 63)
    let picture = try generator.draw(request).picture
    #expect(picture.width == 64 && picture.height == 48)
    request.width = 72
    do {
      _ = try generator.draw(request)
      Issue.record("drawn")
    } catch { #expect("\(error)".contains("width 72: choose a multiple of 16")) }
  }

  @Test("what has no effect is noted, and a recipe names the adapter")
  func notes() throws {
    let reference = try ControlReference("tiny_adapter")
    let generator = try ControlReference.generator()
    var request = try reference.request("one")
    (request.steps, request.pastesKept) = (2, true)
    let plain = try generator.draw(request)
    #expect(plain.notes == [])
    #expect(plain.recipe.controls == ["full"])
    request.guessMode = true
    let guessing = try generator.draw(request)
    #expect(guessing.notes.joined().contains("guess mode has no effect on the T2I-Adapter full"))
    #expect(guessing.picture == plain.picture)
    request.controls[0].strength = 0
    #expect(try generator.draw(request).notes.joined().contains("full has no effect"))
  }

  @Test("adapters of other models are refused, with what does not fit and what to do")
  func refusals() throws {
    let reference = try ControlReference("tiny_adapter")
    func complaint(_ network: String, _ kind: String? = nil) throws -> String {
      var request = try reference.request("one")
      request.controls[0].network = network
      do {
        _ = try ControlReference.generator(kind).draw(request)
        return "drawn"
      } catch { return "\(error)" }
    }
    let other =
      "has 8 channels, a position for 16 pixels a side, and the model's denoiser 8 and 8 there"
    #expect(try complaint(fixture("tiny_adapter/xl")).contains(other))
    #expect(try complaint(fixture("tiny_adapter/full"), "xl").contains("trained for its kind"))
    #expect(try complaint(fixture("tiny_adapter/light")).contains("residual 2 of this T2I-Adapter"))
  }

  @Test(
    "pictures for adapters of one channel are made grey as Pillow does, before they are resized")
  func grey() throws {
    let reference = try ControlReference("tiny_adapter")
    let generator = try ControlReference.generator()
    var request = try reference.request("grey")
    let drawn = try generator.draw(request).picture
    request.controls[0].picture = try reference.picture("depth").grey
    #expect(try generator.draw(request).picture == drawn)
    request.controls[0].preprocessor = .canny
    #expect(try generator.draw(request).picture != drawn)
  }
}
