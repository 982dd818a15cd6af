import Lantern
import LanternFormats
import LanternLayers
import LanternTokenizers
import TestSupport
import Testing

/// Prompts in stable-diffusion-webui's syntax against its own parser: tools/fixtures/webui_prompts.py. That they
/// draw what diffusers draws with their texts is in DiffusersParityTests.
@Suite("Prompts in webui's syntax") struct WebUIPromptTests {
  @Test("each prompt has webui's texts at webui's steps, in both passes, and broken ones are words")
  func schedules() throws {
    let rows = try TinyPipeline("webui_prompts").rows("schedules")
    #expect(rows.count > 1000)
    for row in rows {
      let prompt = try #require(row["prompt"]?.string)
      let (count, hires) = (row["steps"]?.integer ?? 0, row["hires"]?.integer)
      let steps = PromptSchedule.Steps(
        count: hires ?? count, before: hires == nil ? nil : count)
      let expected = (row["entries"]?.array ?? []).compactMap(\.array).map {
        "\($0[0].integer ?? -1) \($0[1].string ?? "")"
      }
      let found = PromptSchedule(parsing: prompt).entries(over: steps).map {
        "\($0.end) \($0.text)"
      }
      #expect(found == expected, "\(prompt) over \(steps)")
    }
  }

  @Test("AND divides a prompt where webui's divides it, with its weights")
  func compositions() throws {
    let rows = try TinyPipeline("webui_prompts").rows("compositions")
    #expect(rows.count > 25)
    for row in rows {
      let prompt = try #require(row["prompt"]?.string)
      let expected = (row["parts"]?.array ?? []).compactMap(\.array).map {
        "\(Float($0[1].double ?? 0)) \($0[0].string ?? "")"
      }
      let found = ComposedPrompt(parsing: prompt).parts.map { "\($0.weight) \($0.text)" }
      #expect(found == expected, "\(prompt)")
    }
  }

  private func request(_ prompt: String, _ change: (inout ImageRequest) -> Void = { _ in })
    -> ImageRequest
  {
    var request = ImageRequest(prompt: prompt)
    (request.steps, request.seed, request.sampler, request.guidance) = (4, 7, "ddim", 4)
    change(&request)
    return request
  }

  private func generator() throws -> ImageGenerator {
    try ImageGenerator(folder: TinyPipeline.folder, precision: .exact)
  }

  @Test("taken to the letter, all of it is words, and drawn as they are")
  func literal() throws {
    let generator = try generator()
    for prompt in ["a [fox:cat:2]", "a [fox|cat]", "a fox AND a cat", "a fox: 2"] {
      let read = try generator.draw(request(prompt))
      let words = try generator.draw(request(prompt) { $0.literalPrompt = true })
      #expect(read.picture.pixels != words.picture.pixels, "\(prompt)")
      #expect(words.notes.isEmpty)
    }
  }

  @Test("parts that are released and read again draw the same, and so do both of two equal texts")
  func memory() throws {
    var generator = try generator()
    let prompt = "a [fox|cat] AND the [beach:island:2] :0.5"
    let kept = try (0..<2).map { _ in try generator.draw(request(prompt)).picture.pixels }
    generator.retainsComponents = false
    let released = try generator.draw(request(prompt)).picture.pixels
    #expect(Set(kept + [released]).count == 1)
    let plain = try generator.draw(request("a fox")).picture.pixels
    for same in ["a [fox:fox:2]", "[a fox|a fox]", "a [cat:fox:0]"] {
      #expect(try generator.draw(request(same)).picture.pixels == plain, "\(same)")
    }
  }

  @Test("what is never drawn, weighs unasked, is composed with nothing or is not read is noted")
  func notes() throws {
    let generator = try generator()
    func notes(_ prompt: String, _ change: (inout ImageRequest) -> Void = { _ in }) throws
      -> String
    {
      try generator.draw(request(prompt, change)).notes.joined(separator: "\n")
    }
    let beyond = try notes("a [fox:cat:9]")
    #expect(beyond.isEmpty, "\(beyond)")
    let late = try notes("a [fox:cat:3]")
    #expect(
      late.contains("the prompt is never \"a cat\": that would begin at evaluation 5"), "\(late)")
    #expect(try notes("a [fox:cat:0.5]").isEmpty)
    #expect(try notes("a fox: 30").contains("weighs all of it, as in stable-diffusion-webui: 30.0"))
    #expect(try notes("a fox AND").contains("AND has no prompt on one of its sides"))
    let bar = try notes("a | [fox:cat:2]")
    #expect(bar.contains("[fox:cat:2] in the prompt is read as plain words"), "\(bar)")
    #expect(bar.contains("because of a | outside"), "\(bar)")
    #expect(
      try notes("a fox") { $0.negativePrompt = "a cat AND a dog" }.contains("AND in the negative"))
    let cached = try notes("[fox|cat]") { $0.cache = StepCache("deepcache:2") }
    #expect(cached.contains("saves next to nothing"), "\(cached)")
    let unguided = try notes("a fox AND a cat") { ($0.guidance, $0.negativePrompt) = (1, "red") }
    #expect(unguided.isEmpty, "\(unguided)")
  }

  @Test("tags, embeddings' words, weights and BREAK stand within it too")
  func together() throws {
    let generator = try generator()
    let plain = try generator.draw(request("a [(fox:1.3) BREAK red:cat:2]")).picture.pixels
    let tagged = try generator.draw(request("a [(fox:1.3) BREAK red<lora:x:1>:cat:2]"))
    #expect(tagged.picture.pixels == plain)
    #expect(tagged.notes.contains { $0.contains("<lora:x:1> in the prompt adds nothing") })
    let again = try #require(try PictureRecipe(tagged.recipe.metadata)).request
    #expect(again.prompt == "a [(fox:1.3) BREAK red<lora:x:1>:cat:2]")
  }

  @Test("composed prompts of different lengths are filled up with empty text")
  func lengths() throws {
    let generator = try generator()
    let long = "a red fox on the beach" + String(repeating: ", the island", count: 40)
    let found = try generator.draw(request("\(long) AND a fox")).picture.pixels
    let filled = try generator.draw(request("\(long) AND a fox BREAK ")).picture.pixels
    #expect(found == filled)
  }

  @Test("so many texts that memory would run out are refused")
  func limit() throws {
    let turns = "[" + (0..<40).map { "a\($0)" }.joined(separator: "|") + "]"
    let long = turns + String(repeating: " fox", count: 2000)
    #expect(throws: RequestError.longPrompt(chunks: 513, maximum: 512)) {
      try generator().draw(request(long) { $0.steps = 40 })
    }
  }
}
