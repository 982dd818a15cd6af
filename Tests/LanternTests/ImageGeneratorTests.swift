import Foundation
import Lantern
import LanternFormats
import LanternSamplers
import LanternTensor
import TestSupport
import Testing

@Suite struct ImageGeneratorTests {
  private let generator: ImageGenerator

  init() throws { generator = try ImageGenerator(folder: TinyPipeline.folder) }

  private func request(_ prompt: String = "a red fox", steps: Int = 3) -> ImageRequest {
    var request = ImageRequest(prompt: prompt)
    request.seed = 42
    request.steps = steps
    return request
  }

  @Test("what is not said is taken from the model, and told")
  func defaults() throws {
    #expect(generator.nativeSize == (64, 64))
    let settings = try generator.draw(request(steps: 2)).settings
    #expect((settings.width, settings.height) == (64, 64))
    #expect(settings.steps == 2)
    #expect(settings.guidance == 7.5)
    #expect(settings.sampler == "ddim")
    #expect(settings.schedule == nil)
    #expect(settings.seed == 42)
    var fromPicture = request(steps: 2)
    fromPicture.initialPicture = try TinyPipeline().photo()
    let size = try generator.draw(fromPicture).settings
    #expect((size.width, size.height) == (72, 48))
  }

  @Test("a folder's lantern.json says what suits the model")
  func ownDefaults() throws {
    let generator = try TinyPipeline.generator { folder in
      try #"{"steps": 4, "guidance": 2}"#.write(
        toFile: "\(folder)/lantern.json", atomically: true, encoding: .utf8)
    }
    let settings = try generator.draw(ImageRequest(prompt: "fox")).settings
    #expect(settings.steps == 4)
    #expect(settings.guidance == 2)
  }

  @Test("components that were released are read again, and draw the same")
  func parts() throws {
    let wanted = try generator.draw(request()).picture
    var frugal = generator
    frugal.retainsComponents = false
    var fromPicture = request()
    fromPicture.initialPicture = wanted
    let changed = try frugal.draw(fromPicture).picture
    for generator in [frugal, frugal, generator] {
      #expect(try generator.draw(request()).picture == wanted)
      #expect(try generator.draw(fromPicture).picture == changed)
    }
  }

  @Test("the same seed draws the same bits, alone or with others at once, and another does not")
  func seeds() async throws {
    var stochastic = request()
    stochastic.sampler = "euler_a"
    let alone = try generator.draw(stochastic).picture
    let (generator, again) = (generator, stochastic)
    try await withThrowingTaskGroup(of: Picture?.self) { group in
      for _ in 0..<4 { group.addTask { try await generator.finished(again) } }
      for try await picture in group { #expect(picture == alone) }
    }
    stochastic.seed = 43
    #expect(try generator.draw(stochastic).picture != alone)
  }

  @Test("without guidance the negative prompt is not looked at", arguments: [1, 0.5, 0] as [Float])
  func unguided(guidance: Float) throws {
    var request = request()
    request.guidance = guidance
    let plain = try generator.draw(request).picture
    request.negativePrompt = "the fox on the beach"
    #expect(try generator.draw(request).picture == plain)
    request.guidance = 1.5
    #expect(try generator.draw(request).picture != plain)
  }

  @Test("empty prompts and long ones are drawn, of 100 kB only when literal")
  func lengths() throws {
    let long = String(repeating: "red fox ", count: 75 * 32)
    let whole = try generator.draw(request(long, steps: 1))
    #expect(whole.cutTokens == 0)
    #expect(try generator.draw(request("", steps: 1)).picture != whole.picture)
    let longer = String(repeating: "red fox ", count: 12_500)
    #expect(throws: RequestError.longPrompt(chunks: 334, maximum: 64)) {
      try generator.draw(request(longer, steps: 1))
    }
    var literal = request(longer, steps: 1)
    literal.literalPrompt = true
    let cut = try generator.draw(literal)
    #expect(cut.cutTokens == 25_000 - 75)
    #expect(cut.picture != whole.picture)
  }

  @Test("weights of a prompt are read, but not of a literal one")
  func weights() throws {
    let plain = try generator.draw(request("red fox")).picture
    #expect(try generator.draw(request("(red:1.5) fox")).picture != plain)
    #expect(try generator.draw(request("(red:1.0) fox")).picture == plain)
    var literal = request("red fox")
    literal.literalPrompt = true
    #expect(try generator.draw(literal).picture == plain)
    // Its brackets are tokens.
    literal.prompt = "(red:1.0) fox"
    #expect(try generator.draw(literal).picture != plain)
  }

  @Test("steps come in order, with a preview of every second, and the picture comes last")
  func events() async throws {
    var request = request(steps: 5)
    request.previewInterval = 2
    var steps: [Int] = []
    var previews: [Int] = []
    var image: GeneratedImage?
    for try await event in generator.generate(request) {
      switch event {
      case .step(let number, let count, let preview):
        #expect(image == nil)
        #expect(count == 5)
        steps.append(number)
        if let preview {
          previews.append(number)
          #expect((preview.width, preview.height) == (64, 64))
        }
      case .finished(let found): image = found
      }
    }
    #expect(steps == [1, 2, 3, 4, 5])
    #expect(previews == [2, 4])
    #expect(try image?.picture == generator.draw(request).picture)
  }

  @Test("a picture in one call is the one that is drawn step by step, and its recipe can be read")
  func oneCall() async throws {
    let request = request(steps: 2)
    let image = try await generator.image(request)
    #expect(try image.picture == generator.draw(request).picture)
    let recipe = try #require(try PictureRecipe(image.picture.metadata))
    #expect(recipe == image.recipe)
    #expect((recipe.request.prompt, recipe.request.steps) == (request.prompt, 2))
    #expect(recipe.seed == request.seed && recipe.program == nil)
    #expect(recipe.text.contains("\"seed\":\(request.seed)"))
    let file = try image.picture.png()
    #expect(try Picture(file) == image.picture)
    #expect(try PictureRecipe(PictureMetadata(file)) == recipe)
  }

  @Test("cancelling the task of a picture in one call ends it with CancellationError")
  func oneCallCancelled() async throws {
    let (generator, request) = (generator, request(steps: 1000))
    let task = Task { try await generator.image(request) }
    try await Task.sleep(for: .milliseconds(50))
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test("leaving the loop, or cancelling its task, stops the work long before its end")
  func cancellation() async throws {
    var endless = request(steps: 1000)
    (endless.width, endless.height) = (256, 256)
    let clock = ContinuousClock()
    let (generator, request) = (generator, endless)
    let begin = clock.now
    for try await event in generator.generate(request) {
      if case .step = event { break }
    }
    let step = clock.now - begin
    // One generator draws one picture at a time: this one waits for the end of the one before.
    let task = Task {
      var isFinished = false
      for try await event in generator.generate(request) {
        if case .finished = event { isFinished = true }
      }
      return isFinished
    }
    try await Task.sleep(for: .milliseconds(50))
    task.cancel()
    #expect(try await task.value == false)
    #expect(try await generator.finished(self.request(steps: 1)) != nil)
    #expect(clock.now - begin < step * 500)
  }

  @Test("a trace holds what went into the run and came out of it, as PyTorch lays it out")
  func trace() throws {
    var request = request()
    (request.width, request.height) = (72, 48)
    let trace = Trace()
    let image = try generator.draw(request, trace: trace)
    try withTemporaryFolder { folder in
      try trace.write(to: "\(folder)/trace.safetensors")
      let file = try SafetensorsFile("\(folder)/trace.safetensors")
      let shapes = Dictionary(uniqueKeysWithValues: file.names.map { ($0, file.info($0)?.shape) })
      #expect(
        shapes == [
          "prompt_embeds": [77, 12], "negative_prompt_embeds": [77, 12], "noise": [4, 6, 9],
          "initial_latents": [4, 6, 9], "latents": [3, 4, 6, 9], "image": [3, 48, 72],
        ])
      let drawn = try #require(try file.tensor("image")).permuted([1, 2, 0])
      #expect(try Picture(drawn) == image.picture)
    }
  }

  @Test("throwing in a step stops at that step")
  func throwing() throws {
    struct Enough: Error {}
    var steps: [Int] = []
    #expect(throws: Enough.self) {
      _ = try generator.draw(request(steps: 9)) { step in
        steps.append(step.number)
        if step.number == 3 { throw Enough() }
      }
    }
    #expect(steps == [1, 2, 3])
  }

  @Test(
    "after its first steps a picture takes no new buffers",
    arguments: ["ddim", "euler_a", "dpm++2m"]
  )
  func buffers(sampler: String) throws {
    var request = request(steps: 12)
    request.sampler = sampler
    // Other tests share the pool and may take from it at the same time, so one quiet run suffices.
    var growth: [Int] = []
    for _ in 0..<50 where growth.last != 0 {
      var counts: [Int] = []
      _ = try generator.draw(request) { _ in counts.append(BufferPool.shared.allocationCount) }
      growth.append(counts[11] - counts[2])
    }
    #expect(growth.last == 0, "\(growth)")
  }
}

extension ImageGenerator {
  /// The picture, when nothing stops it.
  fileprivate func finished(_ request: ImageRequest) async throws -> Picture? {
    for try await event in generate(request) {
      if case .finished(let image) = event { return image.picture }
    }
    return nil
  }
}
