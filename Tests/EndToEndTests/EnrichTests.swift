import Foundation
import LanternFormats
import TestSupport
import Testing

/// `lantern image --enrich` with small random models.
@Suite struct EnrichTests {
  @Test("what a library says of a thing is read before details are added")
  func facts() throws {
    try withTemporaryFolder { folder in
      let model = try longContextModel("qwen2.gguf", in: folder)
      try Data("A fox is red.".utf8).write(to: URL(fileURLWithPath: folder + "/a.txt"))
      let place = ["--library-folder", "libraries"]
      #expect(try Program.run(["library", "add", "x", "a.txt"] + place, in: folder).code == 0)
      let draw = [
        "image", "-m", fixture("tiny_model"), "--steps", "1", "--seed", "3", "a fox", "--enrich",
        model, "--json", "-o",
      ]
      let with = try Program.run(draw + ["a.png", "--library", "x"] + place, in: folder).events()
      let without = try Program.run(draw + ["b.png"], in: folder).events()
      #expect(with.first { $0["event"] == "passage" }?["text"]?.string == "A fox is red.")
      let prompts = [with, without].map { $0.first { $0["event"] == "prompt" }?["prompt"]?.string }
      #expect(prompts.allSatisfy { $0?.hasPrefix("a fox") == true } && prompts[0] != prompts[1])
    }
  }

  @Test("the richer prompt is shown, drawn and kept with the one before")
  func enrich() throws {
    try withTemporaryFolder { folder in
      let model = try longContextModel("qwen2.gguf", in: folder)
      let begin = ["image", "-m", fixture("tiny_model"), "--steps", "1", "--seed", "3", "-o"]
      let enriched = begin + ["a.png", "a fox", "--enrich", model]
      let events = try Program.run(enriched + ["--json"], in: folder).events()
      let prompt = try #require(events.first { $0["event"] == "prompt" }?["prompt"]?.string)
      #expect(prompt.hasPrefix("a fox") && prompt.utf8.count > 15)
      let recipe = try #require(events.first { $0["recipe"] != nil }?["recipe"]?.object)
      #expect(recipe["prompt"]?.string == prompt && recipe["original_prompt"] == "a fox")
      let shown = try Program.run(enriched + ["--overwrite"], in: folder)
      #expect(shown.errors.contains("prompt: \(prompt)\n"), "\(shown.errors)")
      func again(_ more: [String]) throws -> [String: JSONValue] {
        let arguments = ["image", "-m", fixture("tiny_model"), "--like", "a.png", "--json"] + more
        let events = try Program.run(arguments, in: folder).events()
        return try #require(events.first { $0["recipe"] != nil }?["recipe"]?.object)
      }
      #expect(try again(["-o", "b.png"]) == again(["-o", "c.png"]))
      #expect(try again(["-o", "d.png"])["original_prompt"] == "a fox")
      #expect(try again(["-o", "e.png", "a cat"])["original_prompt"] == nil)
      // Made richer once more, it is the first prompt that is.
      let other = try again(["-o", "f.png", "--enrich", model])
      #expect(other["prompt"]?.string == prompt && other["original_prompt"] == "a fox")
    }
  }
}
