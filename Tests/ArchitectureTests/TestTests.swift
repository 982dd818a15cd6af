import Testing

/// What holds of the tests themselves.
@Suite struct TestTests {
  @Test("every fixture has the script that makes it, and a test that reads it")
  func fixtures() {
    let tests = SourceTree.files(in: "Tests", ["swift"]).map(\.text).joined()
    for name in SourceTree.names(in: "Tests/Fixtures") {
      let stem = name.prefix { $0 != "." }
      let script = SourceTree.file("tools/fixtures/\(stem).py").text
      #expect(!script.isEmpty, "\(name) has no tools/fixtures/\(stem).py")
      #expect(script.contains(stem), "tools/fixtures/\(stem).py does not name \(name)")
      #expect(tests.contains(stem), "no test reads \(name)")
    }
  }

  @Test("every script of fixtures makes one that is there")
  func scripts() {
    let stems = Set(SourceTree.names(in: "Tests/Fixtures").map { $0.prefix { $0 != "." } })
    for name in SourceTree.names(in: "tools/fixtures") where name.hasSuffix(".py") {
      #expect(stems.contains(name.prefix { $0 != "." }), "tools/fixtures/\(name)")
    }
  }

  @Test("every test has a sentence for a name")
  func sentences() {
    for file in SourceTree.files(in: "Tests", ["swift"]) {
      for found in file.text.matches(of: /@Test\b(?!\(\s*")/) {
        let line = file.text[..<found.range.lowerBound].split(
          omittingEmptySubsequences: false, whereSeparator: \.isNewline
        ).last
        let isCode = line?.allSatisfy(\.isWhitespace) ?? true
        #expect(!isCode, "\(file) has a test without a name")
      }
    }
  }

  /// By the first cell of its row in docs/differences.md, the test that holds it.
  private static let differences = [
    "a LoRA whose layers have alphas of their own":
      "each layer has its own alpha, as kohya has it and not as diffusers 0.42.1",
    "a LoRA with `dora_scale`": "each kind of adapter is merged as in float64, at each strength",
    "LoHa, LoKr, three factors, the original code's (LDM) paths for SD 1":
      "every module of Stable Diffusion's U-Nets has the path that diffusers converts it from",
    "`<lora:name:0.5:0.8>` in a prompt":
      "strengths are read as stable-diffusion-webui reads them",
    "`[cat:dog:0.5]` and `[cat\\|dog]` in a prompt":
      "each prompt has webui's texts at webui's steps, in both passes, and broken ones are words",
    "`--hires` by Lanczos or a network":
      "a second pass over the enlarged latent, or picture, draws what diffusers' two pipelines draw",
    "prompts of different lengths beyond 75 tokens that `AND` composes":
      "composed prompts of different lengths are filled up with empty text",
    "an embedding with SDXL's old configurations (`eos_token_id` 2)":
      "an embedding of each spelling draws what diffusers draws with its vectors",
    "words of embeddings":
      "words stand for all of their vectors, the longest first, and not within longer words",
    "layers of a LoRA that the model lacks":
      "layers that the model lacks are noted with their number, and a file of none is an error",
    "curly quotes, full-width letters in prompts":
      "curly quotes and wide letters stay as they are typed, as in transformers 5 without ftfy",
    "`--lora FILE:down=0.5`, `:mid=…`, `:up.block_1=…`":
      "strengths of blocks and of their layers draw what diffusers' scales draw",
    "`:lbw=ALL` and other names of lists":
      "labels and tags say strengths of blocks, and names of other arguments stay arguments",
    "a token of several vectors, `<toy>`":
      "each token of several vectors stands as all of them, as diffusers' pipelines have it",
    "a latent consistency model, from a picture":
      "latent consistency models have guidance as an input, as diffusers' pipelines",
    "noise of a seed": "a sequence of calls of all sizes draws what torch.randn draws",
    "seeds": "only the low 32 bits of a seed count, as in PyTorch",
    "`euler_a --schedule karras`":
      "euler_a takes a curve that is asked for, and not one of the scheduler's file",
    "`--steps 1`, leading spacing":
      "a single step of leading timesteps is told t = 1, and with k-diffusion the noisiest",
    "transparent start pictures":
      "what is transparent is told to lie on white, and an animation to give its first picture",
    "pictures that are resized in both directions":
      "pictures equal Pillow's LANCZOS in every byte",
    "16-bit PNG": "samples of 16 bits are rounded to 8, colours and greys",
    "colour profiles other than sRGB":
      "colours that are not sRGB's are taken as if they were, and that is told",
    "what a mask keeps":
      "what a mask keeps stays to the byte, and --like repeats that, or --no-paste",
    "masks with an alpha channel":
      "brightness times opacity; where all paint has one colour, opacity, and of black paint its holes",
    "bytes on another instruction set":
      "the instruction set that drew a picture is noted in it, and another one is told",
  ]

  @Test("each row of differences to others is held by a test")
  func differencesAreTested() {
    let rows = SourceTree.file("docs/differences.md").text.matches(of: /(?m)^\| (.+?) \|/)
      .map { String($0.1) }.filter { $0 != "what" }
    #expect(Set(rows) == Set(Self.differences.keys))
    let tests = SourceTree.files(in: "Tests", ["swift"]).filter { $0.stem != "TestTests" }
      .map(\.text).joined()
    for test in Self.differences.values {
      #expect(tests.contains("\"\(test)\""), "no test is called \(test)")
    }
  }
}
