import Lantern
import LanternFormats
import LanternPictures
import LanternTensor
import TestSupport
import Testing

/// Previews of unfinished pictures: by a linear map of the latent, or by a decoder.
@Suite("Previews") struct PreviewTests {
  /// The last preview, and the latent that it is of, as Stable Diffusion 1 and 2 or XL draw it.
  private func preview(_ folder: String, _ method: PreviewMethod, tiny: String? = nil) throws -> (
    preview: Picture, latent: Tensor, picture: Picture
  ) {
    var request = ImageRequest(prompt: "a fox")
    (request.seed, request.steps, request.sampler) = (5, 2, "euler")
    request.previewMethod = method
    let generator = try ImageGenerator(folder: folder, tinyDecoder: tiny, precision: .exact)
    var preview: Picture?
    let trace = Trace()
    let image = try generator.draw(request, trace: trace) { step in
      preview = try step.preview(every: 1) ?? preview
    }
    return (try #require(preview), try #require(trace.finalLatent), image.picture)
  }

  /// Checks that two pictures differ by 1/255 at most.
  private func expectAlike(
    _ found: Picture, _ expected: Picture, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let worst = zip(found.pixels, expected.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 255
    #expect(
      found.pixels.count == expected.pixels.count && worst <= 1, "\(worst)",
      sourceLocation: sourceLocation)
  }

  @Test(
    "by default a latent's colours are ComfyUI's linear map of it, at the picture's size",
    arguments: [
      (
        "tiny_pipeline",
        [
          0.3512, 0.2297, 0.3227, 0.325, 0.4974, 0.235, -0.2829, 0.1762, 0.2721, -0.212, -0.2616,
          -0.7177,
        ],
        [0, 0, 0]
      ),
      (
        "tiny_xl",
        [
          0.3651, 0.4232, 0.4341, -0.2533, -0.0042, 0.1068, 0.1076, 0.1111, -0.0362, -0.3165,
          -0.2492,
          -0.2188,
        ], [0.1084, -0.0175, -0.0011]
      ),
    ] as [(String, [Float], [Float])])
  func linear(name: String, factors: [Float], bias: [Float]) throws {
    let found = try preview(fixture(name), .automatic)
    // Without noise at the end the last latent is the clean one: [1, channel, height, width].
    let (height, width) = (found.latent.shape[2], found.latent.shape[3])
    let pixels = try found.latent.permuted([0, 2, 3, 1]).contiguous().floats()
    var colours: [Float] = []
    for start in stride(from: 0, to: pixels.count, by: 4) {
      for colour in 0..<3 {
        var sum = bias[colour]
        for channel in 0..<4 { sum += pixels[start + channel] * factors[3 * channel + colour] }
        colours.append(sum)
      }
    }
    let small = try Picture(
      Tensor(colours, shape: [1, height, width, 3]).scaled(by: 0.5, plus: 0.5))
    let expected = try small.resized(width: found.picture.width, height: found.picture.height)
    expectAlike(found.preview, expected)
    #expect(found.preview != found.picture)
  }

  @Test("the method decoder shows the picture as it will be; so does a decoder of other latents")
  func decoder() throws {
    let found = try preview(fixture("tiny_pipeline"), .decoder)
    expectAlike(found.preview, found.picture)
    let shipped = try preview(ModelLocation.picturebook.path(), .automatic)
    expectAlike(shipped.preview, shipped.picture)
    let error = #expect(throws: RequestError.self) {
      try preview(ModelLocation.picturebook.path(), .linear)
    }
    #expect(error?.description.contains("preview method latent2rgb needs") == true)
  }
}
