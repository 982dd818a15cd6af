import Foundation
import Lantern
import LanternPictures
import TestSupport
import Testing

/// weights/adapters: each file loads with the shipped weights, and changes the picture as it says.
@Suite struct ShippedAdapterTests {
  private static let folder = repositoryPath("weights/adapters")

  private func drawn(
    _ prompt: String, loras: [LoRA] = [], _ change: (inout ImageRequest) throws -> Void = { _ in }
  ) throws -> GeneratedImage {
    let generator = try ImageGenerator(
      folder: repositoryPath("weights/picturebook"), adding: loras)
    var request = ImageRequest(prompt: prompt)
    (request.seed, request.steps) = (42, 8)
    try change(&request)
    return try generator.draw(request)
  }

  /// The mean of each channel.
  private func colour(_ picture: Picture) -> [Double] {
    (0..<3).map { channel in
      let values = stride(from: channel, to: picture.pixels.count, by: 3).map { picture.pixels[$0] }
      return values.reduce(0) { $0 + Double($1) } / Double(values.count)
    }
  }

  @Test("all that is there has a line in MODEL.md, and it is 10 MB at most")
  func files() throws {
    let text = try String(contentsOfFile: Self.folder + "/MODEL.md", encoding: .utf8)
    var bytes = 0
    for name in try FileManager.default.contentsOfDirectory(atPath: Self.folder) {
      if name != "MODEL.md" { #expect(text.contains("`\(name)`"), "\(name)") }
    }
    let all = try #require(FileManager.default.enumerator(atPath: Self.folder))
    for case let name as String in all {
      let facts = try FileManager.default.attributesOfItem(atPath: "\(Self.folder)/\(name)")
      bytes += (facts[.size] as? Int) ?? 0
    }
    #expect(bytes < 10_000_000)
  }

  @Test("the LoRA makes a picture blue")
  func cyanotype() throws {
    let prompt = "a red fox on the beach"
    let plain = try drawn(prompt)
    let lora = LoRA(Self.folder + "/cyanotype.safetensors")
    let blue = try drawn(prompt, loras: [lora])
    #expect(blue.notes.isEmpty, "\(blue.notes)")
    let (before, after) = (colour(plain.picture), colour(blue.picture))
    #expect(after[2] - after[0] > before[2] - before[0] + 20, "\(before) \(after)")
  }

  @Test("the ControlNet brings edges to where a picture has them")
  func edges() throws {
    let scene = try Picture(contentsOf: repositoryPath("samples/lion.png"))
    let prompt = "a bear and a blue car in the snow"
    let wanted = try scene.cannyEdges()
    func share(_ picture: Picture) throws -> Double {
      let found = try picture.cannyEdges()
      let (width, height) = (wanted.width, wanted.height)
      var (near, all) = (0, 0)
      for y in 0..<height {
        for x in 0..<width where wanted.pixels[3 * (y * width + x)] > 0 {
          all += 1
          let isNear = (max(y - 1, 0)...min(y + 1, height - 1)).contains { row in
            (max(x - 1, 0)...min(x + 1, width - 1)).contains { column in
              found.pixels[3 * (row * width + column)] > 0
            }
          }
          near += isNear ? 1 : 0
        }
      }
      return Double(near) / Double(max(all, 1))
    }
    let seed: (inout ImageRequest) -> Void = { $0.seed = 2 }
    let plain = try drawn(prompt, seed)
    let followed = try drawn(prompt) { request in
      seed(&request)
      var control = Control(network: Self.folder + "/edges", picture: scene)
      control.preprocessor = .canny
      request.controls = [control]
    }
    #expect(followed.notes.isEmpty, "\(followed.notes)")
    let (without, with) = (try share(plain.picture), try share(followed.picture))
    #expect(with > without + 0.1, "\(without) \(with)")
  }

  @Test("the embedding is a colour between green and blue")
  func turquoise() throws {
    let cup = try drawn("a turquoise star") {
      $0.embeddings = [TextualInversion(Self.folder + "/turquoise.safetensors")]
    }
    #expect(cup.notes.isEmpty, "\(cup.notes)")
    let middle = cup.picture.pixels[(3 * 64 * (cup.picture.width + 1))...].prefix(3).map(Int.init)
    #expect(middle[0] + 40 < middle[1] && middle[0] + 40 < middle[2], "\(middle)")
  }
}
