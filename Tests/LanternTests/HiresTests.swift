import Lantern
import LanternFormats
import LanternPictures
import LanternTensor
import TestSupport
import Testing

/// A second pass over what was drawn. That it draws as diffusers' pipelines do is in DiffusersParityTests.
@Suite("A second pass") struct HiresTests {
  private func request(_ hires: Hires?, _ change: (inout ImageRequest) -> Void = { _ in })
    -> ImageRequest
  {
    var request = ImageRequest(prompt: "a red fox")
    (request.steps, request.seed, request.hires) = (3, 7, hires)
    change(&request)
    return request
  }

  private func hires(_ size: String = "2x", _ change: (inout Hires) -> Void = { _ in }) throws
    -> Hires
  {
    var hires = Hires(try #require(Hires.size(size)))
    change(&hires)
    return hires
  }

  private func generator() throws -> ImageGenerator {
    try ImageGenerator(folder: TinyPipeline.folder, precision: .exact)
  }

  @Test("latents are enlarged as torch's interpolate enlarges them, in each of webui's six ways")
  func interpolation() throws {
    let reference = try TinyPipeline("hires")
    let latent = try reference.tensor("latent").permuted([0, 2, 3, 1]).contiguous()
    let rows = try reference.rows("interpolations")
    #expect(rows.count == 30)
    for row in rows {
      let name = try #require(row["name"]?.string)
      let kind = try #require(LatentUpscaling(rawValue: row["mode"]?.string ?? ""))
      let found = try Interpolation(kind).resized(
        latent, height: row["height"]?.integer ?? 0, width: row["width"]?.integer ?? 0)
      let expected = try reference.tensor(name)
      try expectEqual(
        found.permuted([0, 3, 1, 2]).contiguous(), expected, relative: 5e-6, name)
    }
  }

  @Test("steps count on through both passes, and the file says what both were")
  func steps() throws {
    var numbers: [String] = []
    let hires = try hires("1.5x") { ($0.steps, $0.denoise) = (2, 0.5) }
    let image = try generator().draw(request(hires)) { step in
      numbers.append("\(step.number)/\(step.count) \(step.pass.number)/\(step.pass.count)")
      let preview = try step.preview(every: 1)
      #expect(preview?.width == (step.number > 3 ? 96 : 64))
    }
    #expect(numbers == ["1/5 1/2", "2/5 1/2", "3/5 1/2", "4/5 2/2", "5/5 2/2"])
    #expect(image.picture.width == 96 && image.modelCalls == 5 && image.notes.isEmpty)
    let text = image.recipe.parameters
    #expect(text.contains("Size: 64x64"))
    #expect(
      text.contains(
        "Denoising strength: 0.5, Hires upscale: 1.5, Hires steps: 2, Hires upscaler: Latent"))
    let again = try #require(try PictureRecipe(["parameters": text])).request
    #expect(again.hires == hires)
    #expect(try #require(try PictureRecipe(image.recipe.metadata)).request.hires == hires)
    #expect(try generator().draw(request(again.hires)).picture.pixels == image.picture.pixels)
  }

  @Test("what the second pass has of its own stands in the file, and is read back from both texts")
  func own() throws {
    let hires = try hires("1.5x") {
      ($0.prompt, $0.negativePrompt, $0.guidance) = ("a cat, \"blue\"", "fox", 3)
      $0.sampler = "DPM++ 2M Karras"
    }
    let image = try generator().draw(request(hires))
    for field in [
      "Hires sampler: DPM++ 2M", "Hires schedule type: Karras", "Hires CFG Scale: 3.0",
      "Hires negative prompt: fox",
    ] { #expect(image.recipe.parameters.contains(field), "\(image.recipe.parameters)") }
    var expected = hires
    (expected.sampler, expected.schedule) = ("dpm++2m", "karras")
    let recipes = [["parameters": image.recipe.parameters], image.recipe.metadata]
    for metadata in recipes as [PictureMetadata] {
      let again = try #require(try PictureRecipe(metadata)).request
      #expect(again.hires == expected)
      #expect(try generator().draw(request(again.hires)).picture.pixels == image.picture.pixels)
    }
    let plain = try generator().draw(request(try self.hires("1.5x"))).picture.pixels
    for change: (inout Hires) -> Void in [
      { $0.prompt = "a cat" }, { $0.negativePrompt = "fox" }, { $0.sampler = "euler_a" },
      { $0.schedule = "karras" }, { $0.guidance = 1 },
    ] {
      #expect(try generator().draw(request(try self.hires("1.5x", change))).picture.pixels != plain)
    }
  }

  @Test("notes and refusals of the second pass are said to be of it")
  func ownNotes() throws {
    func notes(_ change: (inout Hires) -> Void) throws -> [String] {
      try generator().draw(request(try hires("1.5x", change))).notes
    }
    #expect(
      try notes { ($0.negativePrompt, $0.guidance) = ("x", 1) }.contains {
        $0.hasPrefix("in the second pass, the negative prompt without effect")
      })
    #expect(
      try notes { $0.prompt = "a {red|blue} fox" }.joined().contains("in the second pass, {red"))
    for (change, text): ((inout Hires) -> Void, String) in [
      ({ $0.sampler = "wavy" }, "wavy"), ({ $0.schedule = "wavy" }, "wavy"),
      ({ $0.guidance = -1 }, "guidance"),
      ({ $0.sampler = "dpm_adaptive" }, "hires needs a sampler"),
    ] {
      let wanted = request(try hires("1.5x", change))
      #expect { try generator().draw(wanted) } throws: { "\($0)".contains(text) }
    }
    // One that draws no fresh noise does without the first pass's.
    let mixed = request(try hires { $0.sampler = "dpmpp_2m" }) {
      ($0.sampler, $0.eta) = ("ddim", 0.5)
    }
    #expect(try generator().draw(mixed).notes.isEmpty)
  }

  @Test("parts that are released and read again draw the same")
  func memory() throws {
    var generator = try generator()
    for upscaler in ["latent", "lanczos"] {
      let wanted = request(try hires { $0.upscaler = upscaler })
      generator.retainsComponents = true
      let kept = try generator.draw(wanted).picture.pixels
      generator.retainsComponents = false
      #expect(try generator.draw(wanted).picture.pixels == kept, "\(upscaler)")
    }
  }

  @Test("a network enlarges as often as it takes, then Lanczos fits; its name stands in the file")
  func network() throws {
    let file = fixture("upscalers") + "/compact_x2.safetensors"
    let generator = try generator()
    let image = try generator.draw(request(try hires("1.5x") { $0.upscaler = file }))
    #expect((image.picture.width, image.picture.height) == (96, 96))
    #expect(image.recipe.parameters.contains("Hires upscaler: compact_x2"))
    let plain = try generator.draw(request(try hires("1.5x") { $0.upscaler = "lanczos" }))
    #expect(plain.picture.pixels != image.picture.pixels)
    let first = try generator.draw(request(nil)).picture
    let upscaler = try Upscaler(file: file, precision: .exact)
    var enlarged = first
    while enlarged.width < 96 {
      enlarged = try upscaler.upscale(enlarged, tile: Upscaler.standardTile)
    }
    let begun = try generator.draw(
      request(nil) {
        ($0.initialPicture, $0.steps, $0.strength) = (
          try? enlarged.resized(width: 96, height: 96), 4, 0.8
        )
      })
    #expect(begun.picture.pixels == image.picture.pixels)
  }

  @Test(
    "prompts that change go on in the second pass as webui counts"
  )
  func prompts() throws {
    let generator = try generator()
    func pixels(_ prompt: String) throws -> [UInt8] {
      try generator.draw(request(try hires()) { $0.prompt = prompt }).picture.pixels
    }
    // A share from 1, a step from the first pass's.
    #expect(try pixels("a [fox:cat:1.5]") == pixels("a [fox:cat:4]"))
    #expect(try pixels("a [fox:cat:1.5]") != pixels("a fox"))
    let noted = try generator.draw(request(try hires()) { $0.prompt = "a [fox:cat:1.5]" })
    #expect(noted.notes.isEmpty, "\(noted.notes)")
  }

  @Test("what cannot be is refused by name")
  func refusals() throws {
    let generator = try generator()
    func message(_ wanted: ImageRequest) -> String {
      do {
        _ = try generator.draw(wanted)
        return ""
      } catch { return "\(error)" }
    }
    let photo = try TinyPipeline().photo()
    #expect(
      message(request(try hires()) { $0.initialPicture = photo }).hasPrefix("hires needs a picture")
    )
    #expect(
      message(request(try hires()) { $0.sampler = "dpm_adaptive" }).hasPrefix(
        "hires needs a sampler"))
    #expect(
      message(request(try hires("32x64"))).hasPrefix("hires 32x64: choose at least the 64x64"))
    #expect(message(request(try hires("8000x64"))).contains("hires width 8000"))
    #expect(
      message(request(try hires { $0.denoise = 0 })).hasPrefix("hires 3 steps of denoising 0.0"))
    #expect(
      message(request(try hires { ($0.steps, $0.denoise) = (20, 0.01) })).contains("no more than"))
    #expect(
      message(request(try hires { $0.upscaler = "4x-none" })).hasPrefix(
        "hires upscaler \"4x-none\""))
    for size in [Hires.Size.factor(.nan), .factor(-1), .factor(1e300)] {
      #expect(message(request(Hires(size))).hasPrefix("hires "))
    }
    let far = ImageRequest.Size(width: .max, height: .min)
    #expect(message(request(Hires(.pixels(far)))).hasPrefix("hires "))
    #expect(message(request(try hires { $0.denoise = .nan })).hasPrefix("hires 3 steps"))
    for text in ["2", "x", "0x", "0.5x", "9x", "nanx", "infx", "2xx", "-2x", "1024x", "0x5", ""] {
      #expect(Hires.size(text) == nil, "\(text)")
    }
  }
}
