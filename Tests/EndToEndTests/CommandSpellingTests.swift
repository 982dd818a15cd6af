import Foundation
import TestSupport
import Testing

/// The command line as people write it.
@Suite("Command lines as people write them") struct CommandSpellingTests {
  @Test(
    "a command that is none, other programs' options and unquoted prompts get the right hint in one line",
    arguments: [
      (["imag", "a fox"], "did you mean lantern image?"),
      (["Image", "a fox"], "did you mean lantern image?"),
      (["txt2img", "--prompt", "a fox"], "did you mean lantern image?"),
      (["outpaint", "a fox"], "did you mean lantern paint?"),
      (["bench", "sampler"], "did you mean lantern bench samplers?"),
      (["help", "storry"], "did you mean lantern story?"),
      (["a red fox"], "lantern image \"a red fox\""),
      (["a", "red", "fox"], "lantern image \"a red fox\""),
      (["-p", "a fox", "-m", "x"], "which command?"),
      (["frobnicate"], "choose one of bench, caption, chat"),
      (["image", "a", "red", "fox", "-s", "1"], "lantern image \"a red fox\" -s 1"),
      (["image", "-s", "1", "a", "red", "fox"], "lantern image -s 1 \"a red fox\""),
      (["image", "a", "$5", "note"], "lantern image 'a $5 note'"),
      (["story", "a", "story", "about", "a", "cat"], "lantern story \"a story about a cat\""),
      (["paint", "a", "cat", "--steps", "3"], "lantern paint \"a cat\" --steps 3"),
      (["image", "a fox", "--stepz", "3"], "Did you mean '--steps'?"),
      (["image", "a", "fox", "--frob", "3"], "--frob"),
      (["image", "--prompts", "p.txt", "fox"], "--prompts replaces the prompt"),
      (["image", "-fox"], "lantern image -- \"-fox\""),
      (["image", "a fox", "--unet", "x.safetensors"], "--unet: a model is one file"),
      (["image", "a fox", "--device=cuda"], "--device: everything runs on the processor"),
      (["image", "a fox", "--lora_path", "x"], "--lora FILE:0.8"),
      (["image", "a fox", "--control-net", "x"], "--control NETWORK:PICTURE"),
      (["image", "a fox", "--config", "x"], "a model is one file"),
      (["image", "a fox", "-m", "storyteller"], "choose picturebook"),
      (["story", "a fox", "-m", "picturebook"], "choose storyteller"),
    ])
  func hints(_ arguments: [String], _ words: String) throws {
    try withTemporaryFolder { folder in
      expectError(try Program.run(arguments, in: folder), code: 64, [words], "\(arguments)")
    }
  }

  @Test(
    "a hub's name, and a folder that is not there, are told with what to give",
    arguments: [
      ("runwayml/stable-diffusion-v1-5", "lantern pull runwayml/stable-diffusion-v1-5"),
      ("sdxl", "give the folder"),
    ])
  func hubs(_ name: String, word: String) throws {
    try withTemporaryFolder { cache in
      let run = try Program.run(
        ["image", "a fox", "-m", name], in: "/", environment: ["HF_HUB_CACHE": cache])
      expectError(run, code: 66, [name, word])
    }
  }

  @Test(
    "what is clear is done: other spellings of options, prompts that begin with a dash",
    arguments: [
      ["a fox", "--cfg-scale", "3", "--sampling-method", "euler_a", "--num_inference_steps=2"],
      ["--prompt", "a fox", "--height", "64", "--width=64", "--step-count", "1"],
      ["- a fox", "--steps", "1"], ["-a fox, red", "--steps", "1"], ["--a fox", "--steps", "1"],
      ["--steps", "1", "--", "-fox"], ["-p", "-fox", "--steps", "1"],
      ["-n", "--blurry", "a fox", "--steps", "1"],
      ["a fox", "--negative-prompt", "-x", "--batch-count", "1", "--steps", "1"],
      ["a fox", "--plms", "--steps", "1"],
    ])
  func done(_ arguments: [String]) throws {
    try withTemporaryFolder { folder in
      let run = try Program.run(
        ["image", "-m", fixture("tiny_model"), "-o", "a.png", "-s", "1", "-q"] + arguments,
        in: folder)
      #expect(run.code == 0 && run.output == "a.png\n", "\(arguments): \(run.errors)")
    }
  }

  @Test("story and paint take the prompt as an option too, and models by their names")
  func stories() throws {
    try withTemporaryFolder { folder in
      try TinyStoryteller.write(to: folder + "/model")
      for arguments in [
        ["story", "-p", "-a fox", "-m", "model", "--pages", "1", "-q"],
        ["paint", "--prompt=a fox", "-m", "model", "-q"],
        ["paint", "a fox", "-m", "storyteller", "--steps", "1", "-q"],
        ["image", "a fox", "-m", "picturebook", "--steps", "1", "-q"],
        ["inspect", "picturebook"],
      ] {
        let run = try Program.run(arguments, in: folder)
        #expect(run.code == 0, "\(arguments): \(run.errors)")
      }
    }
  }

  @Test("a LoRA's path may have a colon, with a strength behind it or without")
  func colons() throws {
    try withTemporaryFolder { folder in
      for name in ["a:b.safetensors", "c:0.5"] {
        try FileManager.default.copyItem(
          atPath: fixture("lora/peft.safetensors"), toPath: "\(folder)/\(name)")
        for strength in ["", ":0.5"] {
          let run = try Program.run(
            [
              "image", "a fox", "-m", fixture("tiny_pipeline"), "--steps", "1", "-q", "-o", "x.png",
              "--lora", name + strength,
            ], in: folder)
          #expect(run.code == 0, "\(name)\(strength): \(run.errors)")
        }
      }
    }
  }

  @Test("no other program's spelling or hint hides an option that a command has")
  func tables() throws {
    let own = Set(try CommandTable.commands().flatMap(\.spellings))
    let theirs = try Self.peers()
    #expect(theirs.count > 100)
    for name in theirs { #expect(!own.contains("--" + name), "--\(name)") }
  }

  /// Names of the table of other programs' options, from its source.
  private static func peers() throws -> [String] {
    let text = try String(
      contentsOfFile: repositoryPath("Sources/LanternCLI/Spelling/PeerOptions.swift"),
      encoding: .utf8)
    let end = try #require(text.range(of: "private static let known"))
    return text[..<end.lowerBound].matches(of: /"([a-z0-9][a-z0-9-]*)"/).map { String($0.output.1) }
      .filter { !["sampler", "pndm"].contains($0) }
  }
}
