import Foundation
import LanternFormats
import LanternPictures
import TestSupport
import Testing

@Suite("lantern image")
struct ImageCommandTests {
  @Test("writes a PNG with its settings, says its path on standard output, and draws no bar")
  func png() throws {
    try TinyModel.copied { model in
      let run = try model.draw("a red fox", "-o", "fox.png", "--seed", "7", steps: 2)
      #expect(run.code == 0)
      #expect(run.output == "fox.png\n")
      #expect(run.errorLines.count == 1 && run.errors.hasPrefix("step 2 of 2, "))
      #expect(!run.errors.contains("\r") && !run.errors.contains("\u{1b}"))
      #expect(try model.written == ["fox.png"])
      let picture = try Picture(contentsOf: model.out + "/fox.png")
      #expect(picture.width == 64 && picture.height == 64)
      #expect(Set(picture.pixels).count > 16)
      let texts = try PictureMetadata(contentsOf: model.out + "/fox.png").entries
      let parameters = texts.first { $0.key == "parameters" }?.text
      #expect(
        parameters?.contains("a red fox\nSteps: 2, Sampler: PLMS, CFG scale: 7.5, Seed: 7")
          == true)
      #expect(
        texts.contains { $0.key == "lantern" && $0.text.contains("\"prompt\":\"a red fox\"") })
    }
  }

  @Test("writes a JPEG with its settings", arguments: ["fox.jpg", "fox.JPEG"])
  func jpeg(_ name: String) throws {
    try TinyModel.copied { model in
      #expect(try model.draw("a red fox", "-o", name).output == "\(name)\n")
      let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(model.out)/\(name)"))
      #expect(bytes.starts(with: [0xFF, 0xD8, 0xFF]))
      #expect(try Picture(contentsOf: "\(model.out)/\(name)").width == 64)
      let texts = try PictureMetadata(contentsOf: "\(model.out)/\(name)").entries
      #expect(texts.contains { $0.text.contains("a red fox\nSteps: 1") })
    }
  }

  @Test("the same seed draws the same bytes, another seed others")
  func seeds() throws {
    try TinyModel.copied { model in
      func bytes(_ seed: String, _ name: String) throws -> Data {
        #expect(try model.draw("a fox", "--seed", seed, "-o", name, steps: 3).code == 0)
        return try Data(contentsOf: URL(fileURLWithPath: "\(model.out)/\(name)"))
      }
      let first = try bytes("5", "a.png")
      #expect(try bytes("5", "b.png") == first)
      #expect(try bytes("6", "c.png") != first)
      #expect(try bytes("9223372036854775807", "d.png").isEmpty == false)
    }
  }

  @Test(
    "without a seed, and with -1, one is picked and told, so that the picture can be drawn again",
    arguments: [[], ["-s", "-1"]])
  func randomSeed(_ option: [String]) throws {
    try TinyModel.copied { model in
      let run = try Program.run(
        ["image", "a fox", "-m", model.path, "--steps", "1", "-o", "a.png"] + option,
        in: model.out)
      let line = try #require(run.errorLines.first { $0.hasPrefix("seed ") })
      let seed = String(line.dropFirst("seed ".count))
      #expect(try model.draw("a fox", "-s", seed, "-o", "b.png").code == 0)
      let pictures = try ["a", "b"].map {
        try Data(contentsOf: URL(fileURLWithPath: "\(model.out)/\($0).png"))
      }
      #expect(pictures[0] == pictures[1])
      let others = try ["c.png", "d.png"].map { name in
        try Program.run(
          ["image", "a fox", "-m", model.path, "--steps", "1", "--json", "-o", name] + option,
          in: model.out
        ).events().compactMap { $0["seed"]?.unsigned }
      }
      #expect(others[0] != others[1])
      #expect(others.allSatisfy { $0.count == 2 && $0[0] == $0[1] }, "load and picture tell it")
    }
  }

  @Test("-b draws several with the next seeds and numbers them")
  func batch() throws {
    try TinyModel.copied { model in
      let run = try model.draw("a fox", "-b", "3", "-o", "fox.png", "-s", "4", "-q")
      #expect(run.code == 0 && run.errors.isEmpty)
      #expect(run.output == "fox-001.png\nfox-002.png\nfox-003.png\n")
      #expect(
        try model.draw("a fox", "-b", "2", "-o", "%02d.png", "-q").output == "01.png\n02.png\n")
      #expect(try model.draw("a fox", "-s", "6", "-o", "one.png").code == 0)
      #expect(
        try Picture(contentsOf: model.out + "/one.png").pixels
          == Picture(contentsOf: model.out + "/fox-003.png").pixels)
    }
  }

  @Test(
    "nothing is overwritten unless it is named or --overwrite says so: names get numbers")
  func keepsFiles() throws {
    try TinyModel.copied { model in
      func draw(_ more: String...) throws -> Program.Run {
        try Program.run(
          ["image", "fox", "-m", model.path, "--steps", "2", "-s", "1"] + more, in: model.out)
      }
      for name in ["picture.png", "picture-2.png", "picture-3.png"] {
        let run = try draw("-q")
        #expect(run.output == name + "\n" && run.errors.isEmpty)
      }
      let first = try Data(contentsOf: URL(fileURLWithPath: model.out + "/picture.png"))
      // What is named is meant.
      #expect(try draw("-o", "picture.png", "-q").output == "picture.png\n")
      #expect(try draw("--overwrite", "-q").output == "picture.png\n")
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: model.out + "/picture.png")) == first,
        "the same seed")
      // Numbers go on behind those that are there, and fill what is free.
      #expect(try draw("-b", "2", "-o", "a-%d.png", "-q").output == "a-1.png\na-2.png\n")
      try FileManager.default.removeItem(atPath: model.out + "/a-1.png")
      #expect(try draw("-b", "2", "-o", "a-%d.png", "-q").output == "a-1.png\na-3.png\n")
      // A trace and a preview are always named.
      let extra = [
        "-o", "b.png", "--trace", "t.safetensors", "--preview", "p.png", "--preview-interval", "1",
      ]
      for _ in 0..<2 {
        #expect(
          try Program.run(
            ["image", "fox", "-m", model.path, "--steps", "2"] + extra, in: model.out
          ).code == 0)
      }
      let written = try model.written
      for name in ["b.png", "p.png", "t.safetensors"] {
        #expect(written.contains(name), "\(name) of \(written)")
      }
      #expect(!written.contains { ["b-2.png", "p-2.png", "t-2.safetensors"].contains($0) })
    }
  }

  @Test("of processes that draw to one name at once none overwrites another's picture")
  func races() throws {
    try TinyModel.copied { model in
      // A pipeline's programs run at once.
      let shell = "\"$@\" -s 1 | \"$@\" -s 2 | \"$@\" -s 3"
      let run = try model.draw("fox", "-q", "-t", "1", shell: shell)
      #expect(run.code == 0)
      let names = ["picture.png"] + (2...3).map { "picture-\($0).png" }
      #expect(try model.written == names.sorted())
      #expect(names.contains { run.output == $0 + "\n" })
      let seeds = try names.map { name in
        try PictureMetadata(contentsOf: "\(model.out)/\(name)")["lantern"]?
          .components(separatedBy: "\"seed\":").last
      }
      #expect(Set(seeds).count == 3)
    }
  }

  @Test("--json tells programs of everything on standard output, and nothing elsewhere")
  func json() throws {
    try TinyModel.copied { model in
      let run = try model.draw("a fox", "--json", "-o", "fox.png", "-s", "42", steps: 2)
      #expect(run.code == 0 && run.errors.isEmpty)
      let events = try run.events()
      #expect(events.map { $0["event"]?.string } == ["load", "step", "step", "picture"])
      #expect(events[2]["step"]?.integer == 2 && events[2]["of"]?.integer == 2)
      #expect(events[3]["path"]?.string == "fox.png" && events[3]["seed"]?.integer == 42)
      #expect(events[3]["width"]?.integer == 64 && events[3]["height"]?.integer == 64)

      let failed = try model.draw("a fox", "--json", "-W", "65")
      #expect(failed.code == 64)
      #expect(try failed.events().last?["event"]?.string == "error")
      #expect(failed.errors.hasPrefix("Error: width 65: choose"))
    }
  }

  @Test("--lora is noted in the picture, and --like asks for it")
  func lora() throws {
    try withTemporaryFolder { folder in
      let model = ["-m", fixture("tiny_pipeline"), "-o", "fox.png", "-q"]
      let lora = ["--lora", fixture("lora/peft.safetensors") + ":0.5"]
      func image(_ arguments: [String]) throws -> Program.Run {
        try Program.run(["image"] + model + arguments, in: folder)
      }
      #expect(try image(["a fox", "--steps", "2"] + lora).code == 0)
      expectError(
        try image(["--like", "fox.png"]), code: 64, ["peft.safetensors:0.5", "--lora FILE"])
      // Its strength is the old one's where none is given.
      for (file, isSame) in [("peft", true), ("kohya", false)] {
        let again = try Program.run(
          [
            "image", "--like", "fox.png", "-o", "again.png", "--lora",
            fixture("lora/\(file).safetensors"),
          ]
            + model.prefix(2), in: folder)
        #expect(again.code == 0)
        #expect(again.errors.contains("identical to fox.png") == isSame)
        #expect(again.errors.contains("drawn with other LoRAs") == !isSame)
      }
      expectError(
        try image(["a fox", "--lora", "none.safetensors"]), code: 66, ["none.safetensors"])
      expectError(try image(["a fox", "--fast"]), code: 65, ["lantern.json", "--lora FILE"])
    }
  }

  @Test(
    "tags of prompts add LoRAs of --lora-folder, and the picture is drawn again from its recipe")
  func loraFolder() throws {
    try withTemporaryFolder { folder in
      let loras = ["--lora-folder", fixture("lora")]
      func image(_ arguments: [String]) throws -> Program.Run {
        try Program.run(
          ["image", "-m", fixture("tiny_pipeline"), "--steps", "2", "-s", "1"] + arguments,
          in: folder)
      }
      let prompt = "a fox <lora:peft:0.5> <lora:kohya:0.5:0.25>"
      let drawn = try image([prompt, "-o", "fox.png"] + loras)
      #expect(drawn.code == 0 && drawn.errors.contains("strength 0.5 for text encoders"))
      let options = [
        "--lora", fixture("lora/peft.safetensors") + ":0.5", "--lora",
        fixture("lora/kohya.safetensors") + ":0.25:te=0.5",
      ]
      #expect(try image(["a fox", "-o", "same.png"] + options).code == 0)
      let (one, other) = try (
        PictureMetadata(contentsOf: "\(folder)/fox.png"),
        PictureMetadata(contentsOf: "\(folder)/same.png")
      )
      #expect(one == other)
      #expect(
        one["parameters"]?.contains("a fox <lora:peft:0.5> <lora:kohya:0.5:0.25>\n") == true,
        "\(one["parameters"] ?? "")")
      for again in [loras, options] {
        let run = try Program.run(
          ["image", "--like", "fox.png", "-o", "again.png", "-m", fixture("tiny_pipeline")] + again,
          in: folder)
        #expect(run.code == 0 && run.errors.contains("identical to fox.png"), "\(run.errors)")
      }
      expectError(
        try image(["a <lora:pefd:1>", "-o", "b.png"] + loras), code: 66,
        ["did you mean \"peft\"?"])
      let idle = try image(["a fox", "-o", "b.png"] + loras)
      #expect(idle.errors.contains("the folder of LoRAs has no effect: no prompt"))
      let literal = try image([prompt, "--literal", "-o", "b.png", "--overwrite"] + loras)
      #expect(literal.errors.contains("taken to the letter"))
    }
  }

  @Test("embeddings are noted in the picture, and drawn again from a folder or by their files")
  func embeddings() throws {
    try withTemporaryFolder { folder in
      let library = ["--embedding-folder", fixture("textual_inversion")]
      let file = ["--embedding", fixture("textual_inversion/kohya.safetensors")]
      func image(_ arguments: [String]) throws -> Program.Run {
        try Program.run(["image", "-m", fixture("tiny_pipeline")] + arguments, in: folder)
      }
      let words = ["a kohya fox", "-n", "(embedding:kohya:1.2)", "--steps", "2", "-s", "1"]
      #expect(try image(words + ["-o", "fox.png"] + library).code == 0)
      #expect(try image(words + ["-o", "same.png"] + file).code == 0)
      let metadata = try PictureMetadata(contentsOf: "\(folder)/fox.png")
      #expect(try metadata == PictureMetadata(contentsOf: "\(folder)/same.png"))
      #expect(metadata["lantern"]?.contains(#""embeddings":["kohya.safetensors"]"#) == true)
      for again in [library, file] {
        let run = try image(["--like", "fox.png", "-o", "again.png"] + again)
        #expect(run.code == 0 && run.errors.contains("identical to fox.png"), "\(run.errors)")
        #expect(!run.errors.contains("no effect"), "\(run.errors)")
      }
      expectError(
        try image(["--like", "fox.png", "-o", "again.png"]), code: 64,
        ["kohya.safetensors", "--embedding FILE", "--embedding-folder"])
      expectError(
        try image(["a embedding:kohja", "-o", "b.png"] + library), code: 66,
        ["did you mean \"kohya\"?"])
    }
  }

  @Test("each line of --prompts has LoRAs of its own")
  func loraPrompts() throws {
    try withTemporaryFolder { folder in
      try "a fox <lora:peft:1>\na fox\na fox <lora:peft:1>".write(
        toFile: "\(folder)/p.txt", atomically: false, encoding: .utf8)
      let run = try Program.run(
        [
          "image", "-m", fixture("tiny_pipeline"), "--steps", "1", "-s", "1", "-o", "p-%d.png",
          "--prompts", "p.txt", "--lora-folder", fixture("lora"),
        ], in: folder)
      #expect(run.code == 0, "\(run.errors)")
      let pictures = try (1...3).map { try Picture(contentsOf: "\(folder)/p-\($0).png") }
      #expect(pictures[0].pixels == pictures[2].pixels && pictures[0].pixels != pictures[1].pixels)
    }
  }

  @Test("prompts may be empty, long, in any script, weighted, and without a closing bracket")
  func prompts() throws {
    try TinyModel.copied { model in
      let text = "fox and castle "
      let long = String(repeating: text, count: 6700)
      for prompt in [
        "", " ", String(repeating: text, count: 400), "狐狸 🦊 \u{202E}", "((a:1.5) [fox]",
        "(fox:nan)", "<|endoftext|>",
        "-fox", "(((((((((((((((((((((((((((((((((((((((((((((((((",
      ] {
        let run = try model.draw("--prompt", prompt, "-q")
        #expect(run.code == 0 && run.errors.isEmpty, "\(prompt.prefix(50)): \(run.errors)")
      }
      expectError(try model.draw(long, "-o", "no.png"), code: 64, ["shorten", "--literal"])
      #expect(try model.draw("", "-q", "--literal").code == 0)
      #expect(
        try model.draw(long, "-q", "--literal", "-o", "l.png").errors.isEmpty)
      // JPEG has no room for such a text; the picture is not lost for that.
      let run = try model.draw(long, "--literal", "-o", "long.jpg")
      #expect(run.code == 0 && run.output == "long.jpg\n")
      #expect(run.errors.contains("note: long.jpg: without its settings: "))
    }
  }

  @Test("a prompt that is not UTF-8 is refused, as an argument and from a file")
  func notUTF8() throws {
    try TinyModel.copied { model in
      let shell = "exec \"$@\" \"$(printf 'fox \\377\\376 \\300\\257')\""
      expectError(try model.draw("-o", "a.png", "-q", shell: shell), code: 64, ["UTF-8"])
      try Data([0x66, 0xFF]).write(to: URL(fileURLWithPath: model.root + "/prompt"))
      expectError(
        try model.draw("-p", "@../prompt"), code: 65, ["../prompt", "UTF-8"])
    }
  }

  @Test("-p @FILE reads a prompt from a file, its last line break left out")
  func promptFile() throws {
    try TinyModel.copied { model in
      for (name, text) in [("unix", "a red\nfox\n"), ("dos", "a red\nfox\r\n")] {
        try Data(text.utf8).write(to: URL(fileURLWithPath: model.root + "/prompt"))
        #expect(try model.draw("-p", "@../prompt", "-o", "\(name).png").code == 0)
        let texts = try PictureMetadata(contentsOf: "\(model.out)/\(name).png").entries
        #expect(texts.contains { $0.text.contains("\"prompt\":\"a red\\nfox\"") })
      }
      let long = String(repeating: "a fox ", count: 17_000)
      try Data(long.utf8).write(to: URL(fileURLWithPath: model.root + "/prompt"))
      #expect(try model.draw("-p", "@../prompt", "-q", "--literal").code == 0)
      expectError(try model.draw("-p", "@../prompt", "-o", "no.png"), code: 64, ["shorten"])
      expectError(try model.draw("-p", "@none"), code: 66, ["none", "check the name"])
      expectError(try model.draw("-p", "@.."), code: 66, ["..", "not a file"])
    }
  }

  @Test("LANTERN_MODEL names the model")
  func environment() throws {
    try TinyModel.copied { model in
      let run = try Program.run(
        ["image", "fox", "--steps", "1", "-q"], in: model.out,
        environment: ["LANTERN_MODEL": model.path])
      #expect(run.code == 0 && run.output == "picture.png\n")
    }
  }

  @Test("a preview and a trace are written where they are asked for")
  func previewAndTrace() throws {
    try TinyModel.copied { model in
      let run = try model.draw(
        "a fox", "--preview", "p.png", "--preview-interval", "1", "--trace", "t.safetensors",
        steps: 2)
      #expect(run.code == 0)
      #expect(try model.written == ["p.png", "picture.png", "t.safetensors"])
      let trace = try SafetensorsFile(model.out + "/t.safetensors")
      #expect(trace.info("latents")?.shape == [2, 4, 8, 8])
    }
  }

  @Test("a picture to begin from, and a mask")
  func initialPicture() throws {
    try TinyModel.copied { model in
      #expect(try model.draw("a fox", "-o", "a.png").code == 0)
      let run = try model.draw(
        "a fox", "-i", "a.png", "--mask", "a.png", "--strength", "0.5", "-o", "b.png", steps: 4)
      #expect(run.code == 0, "\(run.errors)")
      try Data("GIF89a".utf8).write(to: URL(fileURLWithPath: model.out + "/c.gif"))
      expectError(
        try model.draw("a fox", "-i", "c.gif"), code: 65, ["c.gif", "PNG", "convert it"])
      try Data().write(to: URL(fileURLWithPath: model.out + "/d.png"))
      expectError(try model.draw("a fox", "-i", "d.png"), code: 65, ["d.png", "is empty"])
      try model.change("../out/b.png") { $0 = $0.prefix(200) }
      expectError(
        try model.draw("a fox", "-i", "b.png", "-o", "e.png"), code: 65, ["b.png", "again"])
      expectError(try model.draw("-o", "e.png", "--like", "b.png"), code: 65, ["b.png"])
      expectError(try model.draw("a fox", "--mask", "a.png"), code: 64, ["mask"])
    }
  }

  @Test("what a mask keeps stays to the byte, and --like repeats that, or --no-paste")
  func pasting() throws {
    try TinyModel.copied { model in
      #expect(try model.draw("a fox", "-o", "a.png").code == 0)
      let half = try Mask(width: 8, height: 8, pixels: (0..<64).map { $0 < 32 ? 255 : 0 })
      let grey = half.pixels.flatMap { [$0, $0, $0] }
      try Picture(width: 8, height: 8, pixels: grey).write(to: model.out + "/half.png")
      let picture = ["-i", "a.png", "--mask", "half.png"]
      func draw(_ arguments: [String]) throws -> Picture {
        let run = try Program.run(
          ["image", "-m", model.path, "--steps", "2", "-o", "b.png", "--overwrite"] + arguments
            + picture,
          in: model.out)
        #expect(run.code == 0, "\(run.errors)")
        if arguments.contains("--like") { #expect(run.errors.contains("identical to c.png")) }
        return try Picture(contentsOf: model.out + "/b.png")
      }
      let original = try Picture(contentsOf: model.out + "/a.png")
      let below = 64 * 32 * 3
      for flags in [[], ["--no-paste"]] {
        let drawn = try draw(["a cat", "--strength", "1"] + flags)
        #expect(
          (drawn.pixels.suffix(below) == original.pixels.suffix(below)) == flags.isEmpty)
        try? FileManager.default.removeItem(atPath: model.out + "/c.png")
        try FileManager.default.moveItem(
          atPath: model.out + "/b.png", toPath: model.out + "/c.png")
        _ = try draw(["--like", "c.png"])
      }
      expectError(
        try model.draw("--like", "c.png", "-i", "a.png"), code: 64, ["behind a mask", "--mask"])
    }
  }
}
