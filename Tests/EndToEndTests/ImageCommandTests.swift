import Foundation
import LanternFormats
import LanternPictures
import LanternTensor
import TestSupport
import Testing

/// `lantern image` with a tiny model of random weights, `tools/fixtures/tiny_pipeline.py`.
@Suite("lantern image") struct ImageCommandTests {
  private let base = ["-m", Program.model, "--steps", "2"]

  @Test("draws a PNG, tells its path on standard output, and nothing but plain lines besides")
  func draws() throws {
    try withTemporaryFolder { folder in
      let found = try Program.run(["image", "a red fox"] + base + ["-o", "\(folder)/fox.png"])
      #expect(found.code == 0)
      #expect(found.output == "\(folder)/fox.png\n")
      #expect(!found.errors.contains("\r") && !found.errors.contains("\u{1B}"))
      let picture = try Picture(contentsOf: "\(folder)/fox.png")
      #expect(picture.width % 8 == 0 && picture.width > 0)
      #expect(try names(in: folder) == ["fox.png"])
    }
  }

  @Test("the same seed gives the same bytes, another seed others")
  func seeds() throws {
    try withTemporaryFolder { folder in
      for (name, seed) in [("a", "7"), ("b", "7"), ("c", "8")] {
        let found = try Program.run(
          ["image", "a fox", "-s", seed, "-q"] + base + ["-o", "\(folder)/\(name).png"])
        #expect(found.code == 0 && found.errors.isEmpty)
      }
      #expect(try bytes(of: "\(folder)/a.png") == bytes(of: "\(folder)/b.png"))
      #expect(try bytes(of: "\(folder)/a.png") != bytes(of: "\(folder)/c.png"))
    }
  }

  @Test("several pictures get numbers and the seeds that follow")
  func several() throws {
    try withTemporaryFolder { folder in
      let many = try Program.run(
        ["image", "a fox", "-b", "2", "-s", "7"] + base + ["-o", "\(folder)/fox-%02d.png"])
      #expect(many.code == 0)
      #expect(try names(in: folder) == ["fox-01.png", "fox-02.png"])
      let one = try Program.run(
        ["image", "a fox", "-s", "8"] + base + ["-o", "\(folder)/one.png"])
      #expect(one.code == 0)
      #expect(try bytes(of: "\(folder)/fox-02.png") == bytes(of: "\(folder)/one.png"))
    }
  }

  @Test(
    "a picture is drawn again from what it says of itself, PNG and JPEG", arguments: ["png", "jpg"])
  func again(kind: String) throws {
    try withTemporaryFolder { folder in
      let old = "\(folder)/old.\(kind)"
      let first = try Program.run(
        ["image", "a (red:1.2) fox, \"quoted\"", "-n", "snow", "-s", "11", "--sampler", "euler_a"]
          + base + ["-g", "3.5", "-o", old])
      #expect(first.code == 0)
      let second = try Program.run(
        ["image", "--like", old, "-m", Program.model, "-o", "\(folder)/new.\(kind)"])
      #expect(second.code == 0)
      #expect(try bytes(of: old) == bytes(of: "\(folder)/new.\(kind)"))
      if kind == "png" { #expect(second.errors.contains("identical to \(old)")) }
    }
  }

  @Test("programs get one JSON event a line")
  func events() throws {
    try withTemporaryFolder { folder in
      let found = try Program.run(
        ["image", "a fox", "--json"] + base + ["-o", "\(folder)/fox.png"])
      #expect(found.code == 0 && found.errors.isEmpty)
      let kinds = try found.outputLines.map { line in
        let event = try Array(line.utf8).withUnsafeBytes { try JSON.parse($0, file: "event") }
        return event.object?["event"]?.string
      }
      #expect(kinds == ["load", "step", "step", "picture"])
    }
  }

  @Test("a prompt comes from a file, and other programs' options are understood")
  func spellings() throws {
    try withTemporaryFolder { folder in
      try "a red fox\n".write(toFile: "\(folder)/prompt.txt", atomically: true, encoding: .utf8)
      let ours = try Program.run(
        [
          "image", "a red fox", "-n", "snow", "-g", "5", "--sampler", "euler_a", "--schedule",
          "karras",
        ]
          + base + ["-o", "\(folder)/a.png"])
      let theirs = try Program.run([
        "image", "-p", "@\(folder)/prompt.txt", "--negative-prompt", "snow", "--cfg-scale", "5",
        "--sampling-method", "k_euler_a", "--scheduler", "karras", "--step-count", "2", "--model",
        Program.model, "--output", "\(folder)/b.png",
      ])
      #expect(ours.code == 0 && theirs.code == 0)
      #expect(try bytes(of: "\(folder)/a.png") == bytes(of: "\(folder)/b.png"))
    }
  }

  @Test(
    "a trace holds embeddings, noise, the latents of each step and the image, as PyTorch lays them out"
  )
  func traces() throws {
    try withTemporaryFolder { folder in
      let trace = "\(folder)/trace.safetensors"
      let found = try Program.run(
        ["image", "a fox", "--trace", trace] + base + ["-o", "\(folder)/fox.png"])
      #expect(found.code == 0)
      let file = try SafetensorsFile(trace)
      let picture = try Picture(contentsOf: "\(folder)/fox.png")
      let (height, width) = (picture.height, picture.width)
      let image = try #require(try file.tensor("image"))
      #expect(image.shape == [3, height, width])
      let latents = try #require(try file.tensor("latents"))
      #expect(latents.rank == 4 && latents.shape[0] == 2)
      for name in ["prompt_embeds", "negative_prompt_embeds", "noise", "initial_latents"] {
        #expect(file.contains(name), "\(name)")
      }
    }
  }

  @Test("a picture to begin from, a mask, a preview and tiles all draw")
  func beginnings() throws {
    try withTemporaryFolder { folder in
      let first = try Program.run(["image", "a fox"] + base + ["-o", "\(folder)/first.png"])
      #expect(first.code == 0)
      let found = try Program.run(
        [
          "image", "a cat", "-i", "\(folder)/first.png", "--strength", "1", "--mask",
          "\(folder)/first.png", "--preview", "\(folder)/preview.png", "--preview-interval", "1",
          "--vae-tiling",
        ] + base + ["-o", "\(folder)/second.png"])
      #expect(found.code == 0, "\(found.errors)")
      #expect(try names(in: folder) == ["first.png", "preview.png", "second.png"])
    }
  }

  @Test("help, samplers, inspect and sheet tell what they are asked")
  func others() throws {
    let help = try Program.run(["image", "--help"])
    #expect(help.code == 0 && help.output.contains("--negative-prompt"))
    let samplers = try Program.run(["samplers"])
    #expect(samplers.code == 0 && samplers.output.contains("dpm++2m"))
    let inspect = try Program.run(["inspect", Program.model])
    #expect(inspect.code == 0 && inspect.output.contains("UNet2DConditionModel"))
    try withTemporaryFolder { folder in
      for name in ["a", "b"] {
        _ = try Program.run(["image", name] + base + ["-o", "\(folder)/\(name).png"])
      }
      let sheet = try Program.run([
        "sheet", "\(folder)/a.png", "\(folder)/b.png", "--columns", "2", "--gap", "4", "-o",
        "\(folder)/sheet.png",
      ])
      #expect(sheet.code == 0)
      let one = try Picture(contentsOf: "\(folder)/a.png")
      #expect(try Picture(contentsOf: "\(folder)/sheet.png").width == 2 * one.width + 4)
    }
  }
}
