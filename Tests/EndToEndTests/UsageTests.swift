import Foundation
import LanternFormats
import LanternTensor
import TestSupport
import Testing

@Suite("Commands that make no sense, and those that only tell")
struct UsageTests {
  @Test("a mistake in a bench's command points to that command's help")
  func helpOfNestedCommands() throws {
    for name in ["kernels", "model", "samplers"] {
      expectError(
        try Program.run(["bench", name, "--no-such-option"], in: "/"), code: 64,
        ["(see lantern bench \(name) --help)"])
    }
  }

  @Test("a model in another's place is told by what it is and where it belongs")
  func misplacedModels() throws {
    let writer = fixture("gguf_models/qwen2.gguf")
    expectError(
      try Program.run(["image", "fox", "-m", writer], in: "/tmp"), code: 65,
      ["qwen2.gguf: is a language model", "no model with a U-Net"])
    expectError(
      try Program.run(["write", "a", "-m", "storyteller"], in: "/tmp"), code: 64,
      ["storyteller is a model of another kind", "lantern story"])
    expectError(
      try Program.run(["serve", "a=\(writer)", "a=\(writer)", "--port", "0"], in: "/tmp"),
      code: 64, ["a: two models of one name"])
  }

  @Test("two outputs of one picture in one file, however it is written, are refused")
  func sameFiles() throws {
    try withTemporaryFolder { folder in
      for option in ["--animate", "--trace", "--preview"] {
        expectError(
          try Program.run(["image", "fox", "-o", "x.png", option, "./x.png"], in: folder),
          code: 64, ["two files of one name"])
      }
      expectError(
        try Program.run(
          [
            "image", "fox", "--init", "f.png", "--preview",
            "../\(folder.split(separator: "/").last ?? "")/f.png",
          ],
          in: folder), code: 64, ["is a picture that is read"])
    }
  }

  @Test("traces of other numbers of steps are refused, and both numbers are said")
  func tracesOfOtherSteps() throws {
    try withTemporaryFolder { folder in
      for steps in [2, 3] {
        let latents = try Tensor(repeating: 1, shape: [steps, 1, 2, 2])
        try SafetensorsFile.write([("latents", latents)], to: "\(folder)/\(steps).safetensors")
      }
      expectError(
        try Program.run(["trace", "2.safetensors", "3.safetensors"], in: folder), code: 65,
        ["3.safetensors: is of 3 steps", "of 2: give traces of as many steps"])
    }
  }

  @Test("a schedule that changes nothing is told, one that does is not")
  func idleSchedules() throws {
    for (sampler, isIdle) in [("lcm", true), ("euler", false)] {
      let run = try Program.run(
        ["schedule", "-m", fixture("tiny_model"), "--sampler", sampler, "--schedule", "karras"],
        in: "/")
      #expect(run.code == 0)
      #expect((run.output + run.errors).contains("schedule karras has no effect") == isIdle)
    }
  }

  @Test(
    "an empty name is no file or folder",
    arguments: [
      ["image", "fox", "-m"], ["image", "fox", "--vae"], ["image", "fox", "--lora"],
      ["image", "fox", "--tiny-decoder"], ["image", "fox", "--refiner"], ["image", "fox", "-o"],
      ["image", "fox", "--init"], ["image", "fox", "--embedding"],
      ["image", "fox", "--lora-folder"],
      ["image", "fox", "--preview"], ["inspect"], ["convert", "picturebook"],
      ["story", "fox", "-o"],
      ["upscale", "a.png", "b.png", "-m"],
    ])
  func emptyNames(arguments: [String]) throws {
    try withTemporaryFolder { folder in
      let run = try Program.run(arguments + [""], in: folder)
      #expect(run.code == 64 && run.errors.contains("give "), "\(run.errors)")
      #expect(run.errorLines.count == 1, "\(run.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  @Test(
    "a mistake is one line of error and exit code 64",
    arguments: [
      (["fox", "-W", "0"], ["width 0", "multiple of 8"]),
      (["fox", "-W", "-8"], ["width -8", "multiple of 8"]),
      (["fox", "-H", "65"], ["height 65", "multiple of 8"]),
      (["fox", "--height", "100000"], ["height 100000", "4096"]),
      (["fox", "--width", "9223372036854775807"], ["width", "4096"]),
      (["fox", "--width", "9223372036854775808"], ["9223372036854775808", "--width"]),
      (["fox", "--steps", "0"], ["0 steps", "1 to 1000"]),
      (["fox", "--steps", "-1"], ["-1 steps", "1 to 1000"]),
      (["fox", "--steps", "10000"], ["10000 steps", "1 to 1000"]),
      (["fox", "--steps", "many"], ["many", "--steps"]),
      (["fox", "-g", "-3"], ["guidance -3", "0 to 1000"]),
      (["fox", "-g", "nan"], ["guidance nan"]),
      (["fox", "-s", "fox"], ["fox", "-s"]),
      (["fox", "-b", "0"], ["count 0", "1 to 10000"]),
      (["fox", "-t", "0"], ["threads 0", "1 to 64"]),
      (["fox", "--clip-skip", "2"], ["clip skip 2", "0 to 1"]),
      (["fox", "--sampler", "eular"], ["\"eular\"", "did you mean \"euler\"?", "dpm++2m"]),
      (["fox", "--schedule", "karas"], ["\"karas\"", "did you mean \"karras\"?"]),
      (["fox", "--sampler", "lcm", "--steps", "200"], ["200 steps", "1 to 50"]),
      (["fox", "--sampler", "euler", "--eta", "0.5"], ["euler", "no fresh noise"]),
      (["fox", "--sampler", "ddim", "--eta", "2"], ["eta 2", "0 (no fresh noise) to 1"]),
      (["fox", "--compat", "difusers"], ["\"difusers\"", "did you mean \"diffusers\"?"]),
      (["fox", "--guidance-rescale", "2"], ["guidance rescale 2", "0 to 1"]),
      (["fox", "--guidance-interval", "3"], ["guidance interval \"3\"", "like 0.3-6"]),
      (["fox", "--guidance-interval", "6-3"], ["guidance interval \"6-3\""]),
      (["fox", "--apg-momentum", "0.5"], ["--apg"]),
      (["fox", "--apg", "--apg-threshold", "-1"], ["APG threshold -1"]),
      (["fox", "--cfg++", "--sampler", "euler"], ["CFG++", "ddim"]),
      (["fox", "--cfg++", "--sampler", "ddim", "-g", "2"], ["guidance of CFG++ 2", "0 to 1"]),
      (["fox", "--threshold-percentile", "0.5"], ["--dynamic-thresholding"]),
      (["fox", "--dynamic-thresholding", "-2"], ["dynamic thresholding -2", "0 to 1000"]),
      (
        ["fox", "--dynamic-thresholding", "4", "--apg"], ["dynamic thresholding", "not projected"]
      ),
      (
        ["fox", "--dynamic-thresholding", "4", "--guidance-rescale", "1"],
        ["dynamic thresholding", "or rescaled"]
      ),
      (["fox", "--lora", "style.safetensors:much"], ["much", "style.safetensors:0.8"]),
      (["fox", "--stepz", "3"], ["--stepz", "Did you mean '--steps'?"]),
      (["fox", "-o", "fox.gif"], ["fox.gif", ".png"]),
      (["fox", "-o", "fox"], ["fox", ".png"]),
      (["fox", "--no-paste"], ["--no-paste", "--mask FILE"]),
      (["fox", "-p", "cat"], ["prompt is given twice"]),
      (["fox", "--trace", "t", "-b", "2"], ["--trace"]),
      (["fox", "cat\nand dog"], ["cat and dog"]),
      ([], ["what shall it draw?"]),
    ] as [([String], [String])])
  func mistakes(_ arguments: [String], _ words: [String]) throws {
    try withTemporaryFolder { folder in
      let run = try Program.run(
        ["image", "-m", fixture("tiny_model")] + arguments, in: folder)
      expectError(run, code: 64, words, "\(arguments)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  @Test("an unknown command is one line of error and exit code 64")
  func unknownCommand() throws {
    expectError(try Program.run(["imagine", "fox"], in: "/"), code: 64, ["imagine"])
    expectError(
      try Program.run(["inspect"], in: "/"), code: 64, ["path", "lantern inspect --help"])
  }

  @Test(
    "help is on standard output", arguments: [["--help"], ["image", "--help"], ["help", "image"]])
  func help(_ arguments: [String]) throws {
    let run = try Program.run(arguments, in: "/")
    #expect(run.code == 0 && run.errors.isEmpty)
    #expect(run.output.contains("USAGE: lantern"))
    for word in arguments == ["--help"] ? ["image", "inspect", "samplers"] : ["--seed", "--like"] {
      #expect(run.output.contains(word))
    }
  }

  @Test("--version is a line")
  func version() throws {
    let run = try Program.run(["--version"], in: "/")
    #expect(run.code == 0 && run.output.split(separator: "\n").count == 1)
  }

  @Test("samplers lists names, aliases and schedules; --json gives one object a line")
  func samplers() throws {
    let run = try Program.run(["samplers"], in: "/")
    #expect(run.code == 0 && run.errors.isEmpty)
    for word in ["ddim", "dpm++2m", "euler_a", "karras"] { #expect(run.output.contains(word)) }
    let rows = try Program.run(["samplers", "--json"], in: "/").events()
    let schedules = rows.filter { $0["schedule"]?.string != nil }
    #expect(rows.count - schedules.count >= 20 && schedules.count >= 12)
    #expect(
      rows.allSatisfy { ($0["name"] ?? $0["schedule"])?.string != nil && $0["summary"] != nil })
  }

  @Test("what samplers are good for is one column, two spaces behind the longest name")
  func samplerColumns() throws {
    let lines = try Program.run(["samplers"], in: "/").output.split(separator: "\n")
    let rows = try Program.run(["samplers", "--json"], in: "/").events()
    let names = rows.compactMap { ($0["name"] ?? $0["schedule"])?.string }
    let wanted = 2 + (names.map(\.count).max() ?? 0)
    for (name, summary) in zip(names, rows.compactMap { $0["summary"]?.string }) {
      let line = try #require(lines.first { $0.hasPrefix(name + " ") && $0.hasSuffix(summary) })
      #expect(line.count - summary.count == wanted, "\(line)")
    }
  }

  @Test("schedule tells each step's level and calls, as a table and as JSON, by either convention")
  func schedule() throws {
    let model = fixture("tiny_model")
    func run(_ arguments: String...) throws -> Program.Run {
      try Program.run(["schedule", "-m", model, "--steps", "4"] + arguments, in: "/")
    }
    let table = try run("--sampler", "heun", "--schedule", "karras")
    #expect(table.code == 0 && table.errors.isEmpty)
    for word in ["timestep", "alpha-bar", "evaluated 7 times", "HeunDiscreteScheduler"] {
      #expect(table.output.contains(word), "\(word) in \(table.output)")
    }
    let rows = try run("--sampler", "euler", "--json").events()
    #expect(rows.count == 5 && rows[0]["equals"]?.string == "diffusers' EulerDiscreteScheduler")
    let other = try run("--sampler", "euler", "--json", "--compat", "kdiffusion").events()
    // The last step of k-diffusion is at the least noise of training; of leading timesteps, above.
    #expect((rows[4]["sigma"]?.double ?? 0) > (other[4]["sigma"]?.double ?? 1))
    #expect(try run("--sampler", "dpm_adaptive").output.contains("chooses its own steps"))
    expectError(try run("--sampler", "hoin"), code: 64, ["\"hoin\"", "heun"])
    expectError(
      try Program.run(["schedule", "--steps", "0", "-m", model], in: "/"), code: 64, ["0 steps"])
  }

  @Test("trace names the first tensor that differs, and finds threads equal to the last bit")
  func trace() throws {
    try TinyModel.copied { model in
      for (name, arguments) in [
        ("a", ["-t", "1"]), ("b", ["-t", "2"]), ("c", ["-g", "3"]), ("d", ["--seed", "5"]),
      ] {
        let options =
          (arguments.contains("--seed") ? [] : ["-s", "4"]) + arguments + [
            "-o", "\(name).png", "--trace", "\(name).safetensors",
          ]
        let run = try Program.run(
          ["image", "fox", "-m", model.path, "--steps", "3"] + options, in: model.out)
        #expect(run.code == 0, "\(run.errors)")
      }
      func compare(_ a: String, _ b: String, _ more: String...) throws -> Program.Run {
        try Program.run(["trace", "\(a).safetensors", "\(b).safetensors"] + more, in: model.out)
      }
      let same = try compare("a", "b")
      #expect(same.code == 0 && same.output == "equal to the last bit\n")
      let guided = try compare("a", "c")
      #expect(
        guided.code == 1 && guided.output.hasPrefix("first differs: latents after step 1, by"))
      let seeded = try compare("a", "d", "--json").events()
      #expect(seeded.last?["first"]?.string == "noise")
      let loose = try compare("a", "c", "--tolerance", "1000")
      #expect(loose.code == 0 && loose.output == "nothing differs by more than 1000.0\n")
      expectError(try compare("a", "nothing"), code: 66, ["nothing.safetensors"])
    }
  }

  @Test("inspect tells what a model, weights and a picture are")
  func inspect() throws {
    try TinyModel.copied { model in
      let folder = try Program.run(["inspect", model.path], in: "/")
      #expect(folder.code == 0 && folder.errors.isEmpty)
      for word in ["StableDiffusionPipeline", "UNet2DConditionModel", "64×64", "MiB"] {
        #expect(folder.output.contains(word))
      }
      let weights = try Program.run(
        ["inspect", "-v", model.path + "/text_encoder/model.safetensors"], in: "/")
      #expect(weights.code == 0 && weights.output.contains("final_layer_norm.weight"))
      #expect(try model.draw("a red fox", "-o", "fox.png").code == 0)
      let picture = try Program.run(["inspect", "fox.png"], in: model.out)
      #expect(picture.code == 0 && picture.output.contains("a red fox"))
    }
  }

  @Test("inspect --json tells the same of each as an object a line, nothing elsewhere")
  func inspectJSON() throws {
    try TinyModel.copied { model in
      func events(_ arguments: String...) throws -> [[String: JSONValue]] {
        let run = try Program.run(["inspect", "--json"] + arguments, in: model.out)
        #expect(run.code == 0 && run.errors.isEmpty, "\(run.errors)")
        return try run.events()
      }
      let folder = try events(model.path)
      #expect(folder.first?["class"]?.string == "StableDiffusionPipeline")
      let parts = folder.filter { $0["event"]?.string == "part" }
      #expect(
        parts.compactMap { $0["name"]?.string }.sorted() == [
          "scheduler", "text_encoder", "tokenizer", "unet", "vae",
        ])
      #expect(folder.last?["width"]?.integer == 64)
      let file = model.path + "/text_encoder/model.safetensors"
      let weights = try events(file, "-v")
      #expect(weights.count - 1 == weights[0]["tensors"]?.integer)
      #expect(weights[1]["shape"]?.array?.isEmpty == false)
      #expect(try model.draw("a red fox", "-o", "fox.png", "-s", "3").code == 0)
      let picture = try events("fox.png")
      #expect(picture[0]["width"]?.integer == 64)
      let texts = picture[0]["texts"]?.array?.compactMap { $0.object?["text"]?.string } ?? []
      #expect(texts.contains { $0.contains("a red fox") })
      let words = try Program.run(["inspect", "picturebook", "--json"], in: "/").events().last
      #expect(words?["words"]?.array?.contains(.string("fox")) == true)
      let none = try Program.run(["inspect", "none", "--json"], in: model.out)
      #expect(none.code == 66)
      #expect(try none.events().last?["event"]?.string == "error")
    }
  }

  @Test("inspect says what is wrong with what it cannot tell")
  func inspectRefuses() throws {
    try withTemporaryFolder { folder in
      expectError(
        try Program.run(["inspect", "nothing"], in: folder), code: 66,
        ["nothing", "check the name"])
      expectError(try Program.run(["inspect", "."], in: folder), code: 66, ["model_index.json"])
      try Data("hello".utf8).write(to: URL(fileURLWithPath: folder + "/a.txt"))
      expectError(try Program.run(["inspect", "a.txt"], in: folder), code: 65, ["a.txt", "PNG"])
      try Data(count: 64).write(to: URL(fileURLWithPath: folder + "/a.safetensors"))
      expectError(
        try Program.run(["inspect", "a.safetensors"], in: folder), code: 65, ["a.safetensors"])
    }
  }
}
