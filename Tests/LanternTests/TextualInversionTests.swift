import Foundation
import Lantern
import LanternFormats
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// Embeddings of every spelling, and what diffusers draws with them: tools/fixtures/textual_inversion.py.
@Suite struct TextualInversionTests {
  private static let folder = fixture("textual_inversion")

  private func request(_ embeddings: [TextualInversion], _ word: String = "<toy>") -> ImageRequest {
    var request = ImageRequest(prompt: "a red \(word), on the beach")
    request.negativePrompt = "the \(word) fox"
    request.embeddings = embeddings
    (request.seed, request.steps, request.guidance) = (42, 3, 4.5)
    request.literalPrompt = true
    return request
  }

  /// Expects that a request draws what drawn.safetensors holds under a name.
  private func expectDrawn(
    _ request: ImageRequest, _ name: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var request = request
    if name != "xl" { request.sampler = "ddim" }
    let generator = try ImageGenerator(
      folder: name == "xl" ? fixture("tiny_xl") : TinyPipeline.folder, precision: .exact)
    let trace = Trace()
    let notes = try generator.draw(request, trace: trace).notes
    #expect(!notes.contains { $0.contains("has no effect") }, "\(notes)")
    let drawn = try SafetensorsFile("\(Self.folder)/drawn.safetensors")
    let expected = try #require(try drawn.tensor(name))
    let found = try #require(trace.finalLatent).reshaped(expected.shape)
    let worst = try expectEqual(
      found, expected, relative: 1e-4, name, sourceLocation: sourceLocation)
    tell("textual inversion, \(name),", isFrom: "diffusers", by: worst)
  }

  @Test(
    "an embedding of each spelling draws what diffusers draws with its vectors",
    arguments: [
      ("webui.pt", "three"), ("parameters.pt", "three"), ("list.pt", "three"),
      ("three.safetensors", "three"), ("kohya.safetensors", "three"),
      ("learned_embeds.bin", "one"), ("one.safetensors", "one"), ("xl.safetensors", "xl"),
    ])
  func spellings(file: String, name: String) throws {
    try expectDrawn(request([TextualInversion("\(Self.folder)/\(file)", token: "<toy>")]), name)
  }

  @Test("without a token the file's name and the word in it count, in any case, and embedding:name")
  func words() throws {
    for (file, name, words) in [
      ("webui.pt", "three", ["webui", "toy", "WebUI", "embedding:webui", "embedding:toy.pt"]),
      ("kohya.safetensors", "three", ["kohya", "embedding:kohya"]),
      ("three.safetensors", "three", ["three", "<toy>", "<toy> <toy>_1 <toy>_2"]),
      ("learned_embeds.bin", "one", ["learned_embeds", "<TOY>"]),
      ("bundle.safetensors", "three", ["toy"]), ("bundle.safetensors", "one", ["cat"]),
    ] {
      for word in words {
        try expectDrawn(request([TextualInversion("\(Self.folder)/\(file)")], word), name)
      }
    }
  }

  @Test("weights and chunks take words of several vectors")
  func weights() throws {
    let generator = try ImageGenerator(folder: TinyPipeline.folder, precision: .exact)
    var request = request([TextualInversion("\(Self.folder)/webui.pt")], "toy")
    request.literalPrompt = false
    let plain = try generator.draw(request).picture.pixels
    request.prompt = "a red (toy:1.0), on the beach"
    #expect(try generator.draw(request).picture.pixels == plain)
    request.prompt = "a red (toy:1.3), on the beach"
    #expect(try generator.draw(request).picture.pixels != plain)
    request.prompt = String(repeating: "toy ", count: 26)
    #expect(try generator.draw(request).cutTokens == 0)
  }

  private func complaint(_ embedding: TextualInversion, _ folder: String) -> String {
    do {
      try ImageGenerator(folder: folder).check(request([embedding]))
      return ""
    } catch {
      return "\(error)"
    }
  }

  @Test("embeddings of other models, and files that are none, are errors that say why")
  func strangers() throws {
    let (plain, xl) = (TinyPipeline.folder, fixture("tiny_xl"))
    func embedding(_ name: String) -> TextualInversion {
      TextualInversion("\(Self.folder)/\(name)")
    }
    #expect(complaint(embedding("xl.safetensors"), plain).contains("clip_g and clip_l"))
    #expect(complaint(embedding("one.safetensors"), xl).contains("clip_l and clip_g"))
    #expect(complaint(embedding("none.pt"), plain).contains("none.pt"))
    #expect(
      complaint(TextualInversion(fixture("lora/kohya.safetensors")), plain).contains("is a LoRA"))
    let vae = "\(plain)/vae/diffusion_pytorch_model.safetensors"
    #expect(complaint(TextualInversion(vae), plain).contains("autoencoder"))
    #expect(
      complaint(TextualInversion("\(Self.folder)/webui.pt", token: "a b"), plain).contains("a b"))
    try withTemporaryFolder { folder in
      for (name, shape, said) in [
        ("emb_params", [2, 5], "5 features"), ("emb_params", [2, 3, 4], "[2, 3, 4]"),
        ("emb_params", [0, 4], "[0, 4]"), ("emb_params", [76, 4], "[76, 4]"),
      ] {
        let path = "\(folder)/x.safetensors"
        try SafetensorsFile.write([(name, try Tensor(repeating: 1, shape: shape))], to: path)
        #expect(complaint(TextualInversion(path), plain).contains(said))
      }
      let path = "\(folder)/pair.safetensors"
      try SafetensorsFile.write(
        [
          ("clip_g", try Tensor(repeating: 1, shape: [1, 12])),
          ("clip_l", try Tensor(repeating: 1, shape: [2, 8])),
        ], to: path)
      #expect(complaint(TextualInversion(path), xl).contains("different numbers of vectors"))
    }
  }

  @Test("a word that no prompt says is noted, and one of two files is an error")
  func idle() throws {
    let generator = try ImageGenerator(folder: TinyPipeline.folder)
    var request = request([TextualInversion("\(Self.folder)/three.safetensors")], "fox")
    (request.steps, request.literalPrompt) = (1, false)
    #expect(
      try generator.draw(request).notes.contains {
        $0.contains("three.safetensors has no effect: no prompt says <toy> or three")
      })
    request.embeddings.append(TextualInversion("\(Self.folder)/one.safetensors"))
    #expect {
      try generator.check(request)
    } throws: {
      "\($0)".contains("\"<toy>\"") && "\($0)".contains("three.safetensors")
    }
    // An embedding that is called is not said to be plain words, and another is.
    request.embeddings.removeLast()
    request.prompt = "embedding:three and embedding:other"
    let notes = try generator.draw(request).notes
    #expect(notes.contains { $0.hasPrefix("embedding:other in the prompt is read as plain words") })
    #expect(!notes.contains { $0.contains("embedding:three") })
  }

  @Test("prompts call the embeddings of a folder by name, and recipes have them")
  func folders() throws {
    try withTemporaryFolder { folder in
      let manager = FileManager.default
      try manager.createDirectory(atPath: "\(folder)/sub", withIntermediateDirectories: false)
      for (name, file) in [
        ("Easy Toy.pt", "webui.pt"), ("toy.pt", "kohya.safetensors"), ("sub/cat.bin", "list.pt"),
      ] {
        try manager.copyItem(atPath: "\(Self.folder)/\(file)", toPath: "\(folder)/\(name)")
      }
      func called(_ prompt: String, _ negative: String = "") throws -> [String] {
        var request = ImageRequest(prompt: prompt)
        request.negativePrompt = negative
        try request.addEmbeddings(from: EmbeddingFolder(folder))
        return request.embeddings.map { $0.path.replacing("\(folder)/", with: "") }
      }
      #expect(try called("a fox in toyland <lora:toy:1>") == [])
      #expect(
        try called("an easy toy, (Toy:1.2)", "cat") == ["Easy Toy.pt", "toy.pt", "sub/cat.bin"])
      #expect(try called("embedding:toy toy embedding:sub/cat") == ["toy.pt", "sub/cat.bin"])
      #expect {
        try called("(embedding:coy:1.2)")
      } throws: {
        "\($0)".contains("did you mean \"toy\"?")
      }
      var request = request([], "toy")
      try request.addEmbeddings(from: EmbeddingFolder(folder))
      try expectDrawn(request, "three")
      request.prompt = "a red embedding:sub/cat, on the beach"
      request.negativePrompt = "the embedding:sub/cat.bin fox"
      request.embeddings = []
      try request.addEmbeddings(from: EmbeddingFolder(folder))
      try expectDrawn(request, "three")
      let generator = try ImageGenerator(folder: TinyPipeline.folder)
      let recipe = try generator.draw(request).recipe
      #expect(recipe.request.embeddings.map(\.label) == ["cat.bin:sub/cat"])
      #expect(recipe.text.contains(#""embeddings":["cat.bin:sub/cat"]"#))
    }
  }

  @Test("second prompts call embeddings too")
  func secondPrompts() throws {
    let folder = try EmbeddingFolder(fixture("textual_inversion"))
    for path in [\ImageRequest.prompt2, \ImageRequest.negativePrompt2] {
      var request = ImageRequest(prompt: "a fox")
      request[keyPath: path] = "a toy, embedding:xl"
      try request.addEmbeddings(from: folder)
      #expect(request.embeddings.map(\.path).map { $0.hasSuffix("/xl.safetensors") } == [true])
    }
  }
}
