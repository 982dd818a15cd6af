import Foundation
import LanternFormats
import LanternPictures
import LanternTensor
import TestSupport
import Testing

@Suite("lantern image --like")
struct LikeTests {
  /// Writes a picture with another program's settings.
  private func write(_ text: String, _ model: TinyModel, _ name: String = "old.png") throws {
    let grey = try Picture(width: 64, height: 64, pixels: Array(repeating: 99, count: 64 * 64 * 3))
    try grey.write(to: model.out + "/" + name, metadata: ["parameters": text])
  }

  private func like(_ model: TinyModel, _ arguments: String...) throws -> Program.Run {
    try Program.run(
      ["image", "--like", "old.png", "-m", model.path, "-o", "new.png"] + arguments, in: model.out)
  }

  @Test("draws a picture again and says that it is identical", arguments: ["png", "jpg"])
  func identical(_ kind: String) throws {
    try TinyModel.copied { model in
      #expect(
        try model.draw(
          "(a fox:1.2), \"sly\"\nand old", "-n", "a dog", "-o", "old.\(kind)", "-s", "9", "-W",
          "72", "--sampler", "euler_a", "--schedule", "karras", steps: 4
        ).code == 0)
      let run = try Program.run(
        ["image", "--like", "old.\(kind)", "-m", model.path, "-o", "new.png"], in: model.out)
      #expect(run.code == 0 && run.errors.contains("identical to old.\(kind)"), "\(run.errors)")
      #expect(try Picture(contentsOf: model.out + "/new.png").width == 72)
    }
  }

  @Test("a difference that no eye sees is told as such, with its cause only where that is known")
  func equal() throws {
    try TinyModel.copied { model in
      #expect(try model.draw("a fox", "-o", "old.png").code == 0)
      let path = model.out + "/old.png"
      let (drawn, texts) = (try Picture(contentsOf: path), try PictureMetadata(contentsOf: path))
      var pixels = drawn.pixels
      for index in [0, 100, 2000] { pixels[index] = pixels[index] == 0 ? 1 : pixels[index] - 1 }
      let changed = try Picture(width: 64, height: 64, pixels: pixels)
      let here = ComputeEngine.instructionSet
      let cause = "; drawn on another instruction set: abacus, here \(here)"
      for (instructions, cause) in [(here, ""), ("abacus", cause), (nil, "")] {
        var metadata = texts
        metadata["lantern"] = texts["lantern"]?.replacing(
          "\"instruction_set\":\"\(here)\",",
          with: instructions.map { "\"instruction_set\":\"\($0)\"," } ?? "")
        try changed.write(to: path, metadata: metadata)
        let run = try like(model)
        let line = "equal to the eye: old.png (differs by 1/255 in 3 values\(cause))"
        #expect(run.code == 0 && run.errors.contains(line), "\(run.errors)")
        let events = try like(model, "--json").events()
        let event = try #require(events.first { $0["event"]?.string == "comparison" })
        #expect(event["identical"]?.bool == false && event["most"]?.integer == 1)
        #expect(event["values"]?.integer == 3 && event["of"]?.integer == pixels.count)
        #expect(event["instruction_set"]?.string == instructions)
      }
      pixels[0] &+= 128
      try Picture(width: 64, height: 64, pixels: pixels).write(to: path, metadata: texts)
      #expect(try like(model).errors.contains("differs from old.png in 3 of 12288 values, by 12"))
    }
  }

  @Test("another LoRA or embedding under the same name is told by the hashes of both")
  func otherFiles() throws {
    try TinyModel.copied { model in
      let (lora, word) = (model.out + "/ink.safetensors", model.out + "/word.safetensors")
      func put(_ strength: Float) throws {
        let layer = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
        let file = try SafetensorsFile(
          model.path + "/unet/diffusion_pytorch_model.safetensors")
        let name = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight"
        let shape = try #require(file.info(name)?.shape)
        try SafetensorsFile.write(
          [
            ("\(layer).lora_A.weight", try Tensor(repeating: strength, shape: [1, shape[1]])),
            ("\(layer).lora_B.weight", try Tensor(repeating: strength, shape: [shape[0], 1])),
          ], to: lora)
        let text = try SafetensorsFile(model.path + "/text_encoder/model.safetensors")
        let table = try #require(
          text.names.first { $0.hasSuffix("token_embedding.weight") }.flatMap { text.info($0) })
        try SafetensorsFile.write(
          [("emb_params", try Tensor(repeating: strength, shape: [1, table.shape[1]]))], to: word)
      }
      try put(0.1)
      let added = ["--lora", lora, "--embedding", word]
      let drawn = try Program.run(
        ["image", "a fox word", "-m", model.path, "--steps", "1", "-o", "old.png"] + added,
        in: model.out)
      #expect(drawn.code == 0, "\(drawn.errors)")
      let text = try PictureMetadata(contentsOf: model.out + "/old.png")["parameters"] ?? ""
      #expect(
        text.contains("Lora hashes: \"ink: ") && text.contains("TI hashes: \"word: "), "\(text)")
      func again() throws -> Program.Run {
        try Program.run(
          ["image", "--like", "old.png", "-m", model.path, "-o", "new.png"] + added, in: model.out)
      }
      let same = try again()
      #expect(same.errors.contains("identical") && !same.errors.contains("hash"), "\(same.errors)")
      try put(0.2)
      let other = try again()
      for name in ["ink", "word"] {
        #expect(
          other.errors.contains("drawn with another file \"\(name).safetensors\": its hash was"),
          "\(other.errors)")
      }
    }
  }

  @Test("the instruction set that drew a picture is noted in it, and another one is told")
  func instructionSet() throws {
    try TinyModel.copied { model in
      #expect(try model.draw("a fox", "-o", "old.png", steps: 2).code == 0)
      let run = try Program.run(
        ["image", "--like", "old.png", "-m", model.path, "-o", "new.png"], in: model.out,
        environment: ["LANTERN_ISA": "portable"])
      let here = ComputeEngine.instructionSet
      let isSame = run.errors.contains("identical to old.png")
      let cause = "drawn on another instruction set: \(here), here portable"
      #expect(isSame || run.errors.contains(cause), "\(run.errors)")
      #expect(!isSame || !run.errors.contains("another instruction set"))
    }
  }

  @Test("--json tells seeds as numbers, and all that draws the picture again")
  func json() throws {
    try TinyModel.copied { model in
      let run = try model.draw(
        "a fox", "--json", "-s", "-7", "-b", "2", "--sampler", "euler", "-o", "a.png")
      let pictures = try run.events().filter { $0["event"]?.string == "picture" }
      let seeds: [UInt64?] = [.max - 6, .max - 5]
      #expect(pictures.map { $0["seed"]?.unsigned } == seeds)
      for picture in pictures {
        let recipe = try #require(picture["recipe"]?.object)
        #expect(recipe["seed"] == picture["seed"] && recipe["sampler"]?.string == "euler")
        #expect(recipe["prompt"]?.string == "a fox" && recipe["steps"]?.integer == 1)
      }
    }
  }

  @Test("webui's text draws what the same options draw, and what has no effect is told")
  func webUI() throws {
    try TinyModel.copied { model in
      try write(
        """
        a (fox:1.2) <lora:x:0.5>\r
        Negative prompt: snow\r
        Steps: 2, Sampler: DPM++ 2M Karras, CFG scale: 3, Seed: 5, Size: 64x72, Variation seed: 7, \
        Denoising strength: 0.5, Version: v1.10.1\r
        Template: a {red|blue} fox\r\n
        """, model)
      let run = try like(model)
      #expect(run.code == 0, "\(run.errors)")
      let notes = run.errorLines.filter { $0.hasPrefix("note: ") }
      #expect(notes.count == 3, "\(notes)")
      #expect(
        notes[0]
          == "note: of webui v1.10.1's settings these have no effect here: Variation seed: 7, "
          + "Template: a {red|blue} fox")
      #expect(notes[1].contains("denoising strength 0.5") && notes[1].contains("--init"))
      #expect(notes[2].contains("x.safetensors:0.5") && notes[2].contains("--lora FILE"))
      #expect(
        try model.draw(
          "a (fox:1.2)", "-n", "snow", "--sampler", "dpmpp_2m_karras", "-g", "3", "-s", "5", "-H",
          "72", "-o", "same.png", steps: 2
        ).code == 0)
      let pictures = try ["new", "same"].map {
        try Picture(contentsOf: "\(model.out)/\($0).png").pixels
      }
      #expect(pictures[0] == pictures[1])
    }
  }

  @Test("a seed of -1 is any: it is picked, told and kept")
  func anySeed() throws {
    try TinyModel.copied { model in
      try write("a fox\nSteps: 1, Sampler: Euler a, Seed: -1, Size: 64x64, Model: m", model)
      let run = try like(model)
      let line = try #require(run.errorLines.first { $0.hasPrefix("seed ") })
      #expect(run.code == 0)
      let text = try PictureMetadata(contentsOf: model.out + "/new.png")["parameters"] ?? ""
      #expect(text.contains("Seed: \(line.dropFirst(5)),"))
      #expect(try like(model, "-s", "3").errorLines.contains { $0.hasPrefix("seed ") } == false)
    }
  }

  @Test("other programs' pictures and WebP are refused by name")
  func refused() throws {
    try TinyModel.copied { model in
      try write(#"{"nodes": [1]}"#, model)
      expectError(try like(model), code: 65, ["ComfyUI", "give prompt and settings by hand"])
      let webp = Data("RIFF".utf8) + Data([0, 0, 0, 0]) + Data("WEBPVP8 ".utf8)
      try webp.write(to: URL(fileURLWithPath: model.out + "/old.png"))
      expectError(try like(model), code: 65, ["old.png", "WebP"])
      let grey = try Picture(width: 1, height: 1, pixels: [1, 2, 3])
      try grey.write(to: model.out + "/old.png")
      expectError(try like(model), code: 65, ["old.png", "says nothing of how it was drawn"])
    }
  }

  @Test("syntax that is not read is told once, for both prompts, and not when taken to the letter")
  func syntax() throws {
    try TinyModel.copied { model in
      let arguments = [
        "a {red|blue} fox <lora:x:1>", "-n", "snow AND ice", "-b", "2", "-o", "a.png",
      ]
      let run = try Program.run(
        ["image", "-m", model.path, "--steps", "1"] + arguments, in: model.out)
      let notes = run.errorLines.filter { $0.hasPrefix("note: ") }
      #expect(notes.count == 3, "\(notes)")
      for (note, words) in zip(
        notes, ["<lora:x:1> in the prompt", "{red|blue}", "negative prompt"])
      {
        #expect(note.contains(words))
      }
      let literal = try Program.run(
        ["image", "-m", model.path, "--steps", "1", "--literal"] + arguments, in: model.out)
      #expect(literal.code == 0 && !literal.errors.contains("note: "))
      let typed = try model.draw("a fox<lora:x:1>", "-s", "1", "-o", "b.png")
      #expect(
        typed.code == 0 && typed.errors.contains("note: <lora:x:1> in the prompt adds nothing"))
      #expect(try model.draw("a fox", "-s", "1", "-o", "c.png").code == 0)
      #expect(
        try Picture(contentsOf: model.out + "/b.png").pixels
          == Picture(contentsOf: model.out + "/c.png").pixels)
    }
  }
}
