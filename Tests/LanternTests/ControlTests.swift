import Lantern
import LanternFormats
import LanternPictures
import LanternTensor
import TestSupport
import Testing

/// Pictures that follow others by ControlNets, against those of diffusers: tools/fixtures/tiny_control.py.
@Suite struct ControlTests {
  private func generator() throws -> ImageGenerator { try ControlReference.generator() }

  @Test(
    "a picture is drawn in the size of the one that it follows, and edges are found in that size")
  func preprocessing() throws {
    let reference = try ControlReference("tiny_control")
    var request = try reference.request("one")
    (request.width, request.height, request.steps) = (nil, nil, 1)
    request.controls[0].picture = try reference.picture("edges").resized(width: 73, height: 49)
    request.controls[0].preprocessor = .canny
    let generator = try generator()
    let edges = try generator.draw(request)
    #expect(edges.picture.width == 72 && edges.picture.height == 48)
    request.controls[0].preprocessor = nil
    let plain = try generator.draw(request)
    request.controls[0].picture = try reference.picture("edges").resized(width: 73, height: 49)
      .resized(width: 72, height: 48).cannyEdges()
    #expect(try generator.draw(request).picture == edges.picture)
    #expect(plain.picture != edges.picture)
  }

  @Test("what has no effect is noted")
  func notes() throws {
    let reference = try ControlReference("tiny_control")
    let generator = try generator()
    func notes(_ change: (inout ImageRequest) -> Void) throws -> String {
      var request = try reference.request("one")
      (request.steps, request.pastesKept) = (2, true)
      change(&request)
      return try generator.draw(request).notes.joined(separator: "\n")
    }
    let none = try notes { _ in }
    #expect(none == "")
    #expect(try notes { $0.controls[0].strength = 0 }.contains("first has no effect"))
    #expect(try notes { $0.controls[0].end = 0.4 }.contains("of 2 steps none lies within"))
    #expect(try notes { ($0.controls, $0.guessMode) = ([], true) }.contains("guess mode has no"))
    #expect(try notes { $0.width = 96 }.contains("it is stretched"))
  }

  @Test("networks of other models, and numbers that cannot be, are refused with what to do")
  func refusals() throws {
    let reference = try ControlReference("tiny_control")
    let generator = try generator()
    func complaint(_ change: (inout ImageRequest) -> Void) throws -> String {
      var request = try reference.request("one")
      change(&request)
      do {
        _ = try generator.draw(request)
        return "drawn"
      } catch { return "\(error)" }
    }
    #expect(try complaint { $0.controls[0].picture = nil }.contains("needs a picture to follow"))
    #expect(try complaint { $0.controls[0].strength = -1 }.contains("0 to 10"))
    #expect(try complaint { $0.controls[0].strength = .nan }.contains("0 to 10"))
    #expect(try complaint { $0.controls[0].start = 1 }.contains("a start of 0 or more"))
    #expect(try complaint { $0.controls[0].end = 1.5 }.contains("a start of 0 or more"))
    #expect(
      try complaint {
        $0.controls[0].network = fixture("tiny_control/xl")
      }.contains("trained for its kind"))
    #expect(
      try complaint { $0.controls[0].network = fixture("tiny_pipeline/unet") }
        .contains("UNet2DConditionModel"))
    #expect(try complaint { $0.controls[0].network = "none" }.contains("none"))
    #expect(
      try complaint {
        ($0.controls[0].end, $0.sampler) = (0.5, "dpm_adaptive")
      }.contains("a fixed number of steps"))
  }

  @Test("released networks are loaded again, and draw the same")
  func releasing() throws {
    let reference = try ControlReference("tiny_control")
    var generator = try generator()
    let first = try generator.draw(reference.request("two"))
    generator.retainsComponents = false
    #expect(try generator.draw(reference.request("two")).picture == first.picture)
    #expect(try generator.draw(reference.request("two")).picture == first.picture)
    #expect(first.recipe.controls == ["first", "second"])
    let read = try #require(try PictureRecipe(first.picture.metadata))
    #expect(read.request.controls.map(\.strength) == [0.7, 0.4])
  }
}
