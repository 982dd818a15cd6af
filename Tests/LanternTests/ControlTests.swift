import Lantern
import LanternFormats
import LanternPictures
import LanternTensor
import TestSupport
import Testing

/// Pictures that follow others by ControlNets, against those of diffusers: tools/fixtures/tiny_control.py.
@Suite struct ControlTests {
  /// The cases, the pictures and what diffusers draws.
  private struct Reference {
    let file: SafetensorsFile
    let cases: [String: [String: JSONValue]]

    init() throws {
      file = try SafetensorsFile(fixture("tiny_control.safetensors"))
      let text = Array(try #require(file.metadata["cases"]).utf8)
      let list = try text.withUnsafeBytes { try JSON.parse($0, file: "cases") }.array ?? []
      cases = Dictionary(
        uniqueKeysWithValues: list.compactMap(\.object).map { ($0["name"]?.string ?? "", $0) })
    }

    func picture(_ name: String) throws -> Picture {
      let tensor = try #require(try file.tensor(name))
      let bytes = try tensor.converted(to: .float32).floats().map { UInt8($0) }
      return try Picture(width: tensor.shape[1], height: tensor.shape[0], pixels: bytes)
    }

    func request(_ name: String) throws -> ImageRequest {
      let found = try #require(cases[name])
      var request = ImageRequest(prompt: try #require(found["prompt"]?.string))
      request.literalPrompt = true
      request.steps = found["steps"]?.integer
      request.guidance = found["guidance"]?.double.map { Float($0) }
      request.sampler = found["sampler"]?.string
      request.seed = 42
      request.width = found["width"]?.integer
      request.height = found["height"]?.integer
      request.guessMode = found["guess"]?.bool ?? false
      request.pastesKept = false
      if let strength = found["strength"]?.double {
        request.strength = strength
        request.initialPicture = try TinyPipeline().photo()
      }
      if found["kind"] == "mask" { request.mask = try TinyPipeline().mask() }
      request.controls = try (found["controls"]?.array ?? []).compactMap(\.object).map { members in
        var control = Control(
          network: fixture("tiny_control/\(try #require(members["network"]?.string))"),
          picture: try picture(#require(members["picture"]?.string)))
        control.strength = Float(try #require(members["strength"]?.double))
        control.start = try #require(members["start"]?.double)
        control.end = try #require(members["end"]?.double)
        return control
      }
      return request
    }
  }

  /// The cases' names, as they are without a fixture at hand.
  static let names = (try? Reference().cases.keys.sorted()) ?? []

  private func generator(_ kind: String = "text") throws -> ImageGenerator {
    try ImageGenerator(
      folder: fixture(kind == "xl" ? "tiny_xl" : "tiny_pipeline"), precision: .exact)
  }

  @Test(
    "latents after each step equal those of diffusers within 1e-4, pictures within 1/255",
    arguments: names)
  func parity(name: String) throws {
    #expect(Self.names.count == 17)
    let reference = try Reference()
    let kind = try #require(reference.cases[name]?["kind"]?.string)
    let trace = Trace()
    let image = try generator(kind).draw(reference.request(name), trace: trace)
    let latents = try withTemporaryFolder { folder in
      try trace.write(to: "\(folder)/trace.safetensors")
      return try #require(try SafetensorsFile("\(folder)/trace.safetensors").tensor("latents"))
    }
    let expected = try #require(try reference.file.tensor("\(name).latents"))
    let difference = try expectEqual(latents, expected, relative: 1e-4, name)
    tell(name, isFrom: "diffusers", by: difference)
    let picture = try reference.picture("\(name).picture")
    #expect(image.picture.width == picture.width && image.picture.height == picture.height)
    let worst = zip(image.picture.pixels, picture.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
    #expect(worst <= 1, "\(name): \(worst)/255")
  }

  @Test(
    "a picture is drawn in the size of the one that it follows, and edges are found in that size")
  func preprocessing() throws {
    let reference = try Reference()
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
    let reference = try Reference()
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
    let reference = try Reference()
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
    let reference = try Reference()
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
