import Foundation
import Lantern
import LanternFormats
import LanternLayers
import TestSupport
import Testing

/// Strengths by blocks of the U-Net, and what diffusers draws with them: tools/fixtures/lora.py.
@Suite struct LoRABlockTests {
  private func lora(
    _ name: String, _ blocks: [String: [Float]], strength: Float = 1, text: Float? = nil
  ) -> LoRA {
    LoRA(
      fixture("lora/\(name).safetensors"), strength: strength, textEncoderStrength: text,
      blockStrengths: blocks)
  }

  private func complaint(_ blocks: [String: [Float]]) -> String {
    do {
      _ = try ImageGenerator(
        folder: TinyPipeline.folder, adding: [lora("kohya", blocks)], precision: .exact)
      return ""
    } catch {
      return "\(error)"
    }
  }

  @Test("strengths of blocks and of their layers draw what diffusers' scales draw")
  func scales() throws {
    let blocks: [String: [Float]] = [
      "down.block_0": [0.3], "mid": [-0.5], "up.block_1": [0.6, 1.4],
    ]
    try expectDrawn([lora("kohya", blocks, text: 0.5)], "blocks")
    try expectDrawn(
      [lora("kohya", ["down": [0.2], "up.block_1": [0]], text: 0.5)], "blocks down")
    // Parts are of the strength.
    let twice = blocks.mapValues { $0.map { $0 * 2 } }
    try expectDrawn([lora("kohya", twice, strength: 0.5, text: 0.5)], "blocks")
  }

  @Test("the numbers of lbw are for the original code's blocks, and for text encoders the first")
  func numbers() throws {
    let drawn = try SafetensorsFile(fixture("lora/drawn.safetensors"))
    let text = try #require(drawn.metadata["numbers"])
    let numbers = try #require(try JSON.parse(text: text, file: "numbers").array)
    let list = numbers.compactMap(\.double).map { Float($0) }
    #expect(list.count == 26)
    try expectDrawn([lora("peft", ["lbw": list], strength: 0.7)], "blocks numbered")
  }

  @Test(
    "names and numbers that match nothing in the model are refused by name",
    arguments: [
      (["up.block_2": [1]], "no block of this model is up.block_2"),
      (["left": [1]], "down, mid, up, one block as"), (["up.1": [1]], "down, mid, up"),
      (["up.block_1": [1, 1, 1]], "up.block_1 has 3 strengths, and up.block_1 has 2 layers"),
      (["down": [1, 0]], "down has 2 strengths, and down.block_0 has 1 layers"),
      (["mid": [1, 1]], "one number"), (["mid": []], "one number"),
      (["mid": [.infinity]], "numbers"), (["lbw": [1, 1]], "12, 17, 20, 26 numbers"),
      (["lbw": [Float](repeating: 1, count: 17), "mid": [1]], "not both"),
      (["lbw": [Float](repeating: 1, count: 17)], "one for IN04, which this model does not have"),
    ] as [([String: [Float]], String)])
  func misfits(blocks: [String: [Float]], text: String) {
    let said = complaint(blocks)
    #expect(said.contains(text), "\(said)")
    #expect(said.contains("kohya.safetensors"), "\(said)")
  }

  @Test("labels and tags say strengths of blocks, and names of other arguments stay arguments")
  func labels() throws {
    let list = [Float](repeating: 0.5, count: 17)
    for blocks in [["up.block_1": [0.4, -1]], ["lbw": list], ["mid": [0], "down": [1]]] {
      let lora = LoRA("a/x.pt", strength: 0.5, textEncoderStrength: 0, blockStrengths: blocks)
      let parts = LoRA.parts(of: lora.label)
      #expect(parts.lora(at: "a/x.pt") == lora, "\(lora.label)")
    }
    let label = "x.pt:0.5:te=0.25:mid=0:up.block_1=0.4,1"
    let parts = LoRA.parts(of: label)
    #expect(parts.path == "x.pt" && parts.strength == 0.5 && parts.text == 0.25)
    #expect(parts.blocks == ["mid": [0], "up.block_1": [0.4, 1]])
    // Those of a recipe hold where no strength is given.
    let named = LoRA.parts(of: "y.pt").lora(at: "y.pt", like: parts)
    #expect(named.blockStrengths == parts.blocks && named.textEncoderStrength == 0.25)
    #expect(LoRA.parts(of: "y.pt:1").lora(at: "y.pt", like: parts).blockStrengths.isEmpty)

    try withTemporaryFolder { folder in
      try FileManager.default.copyItem(
        atPath: fixture("lora/kohya.safetensors"), toPath: "\(folder)/ink.safetensors")
      var request = ImageRequest(
        prompt: "a fox <lora:ink:0.8:up.block_1=0.4,1:start=3:lbw=ALL:mid=x>")
      let (loras, notes) = try request.takeLoRAs(from: LoRAFolder(folder))
      #expect(loras.map(\.blockStrengths) == [["up.block_1": [0.4, 1]]])
      #expect(notes.count == 1 && notes[0].contains("lbw=ALL, mid=x, start=3 has no effect"))
    }
  }

  @Test("recipes and webui's text keep strengths of blocks")
  func recipes() throws {
    let generator = try ImageGenerator(
      folder: TinyPipeline.folder, adding: [lora("kohya", ["mid": [0.5]], strength: 0.8)])
    var request = ImageRequest(prompt: "a red fox")
    request.steps = 1
    let picture = try generator.draw(request).picture
    let recipe = try #require(try PictureRecipe(picture.metadata))
    #expect(recipe.loras == ["kohya.safetensors:0.8:mid=0.5"])
    let text = recipe.parameters
    #expect(text.contains("<lora:kohya:0.8:mid=0.5>"), "\(text)")
    let read = try #require(
      try PictureRecipe(PictureMetadata([.init(key: "parameters", text: text)])))
    #expect(read.loras == recipe.loras)
  }
}
