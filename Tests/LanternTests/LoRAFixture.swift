import Lantern
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Expects that the tiny pipeline draws with LoRAs what lora/drawn.safetensors holds under a name.
func expectDrawn(_ loras: [LoRA], _ name: String) throws {
  let generator = try ImageGenerator(
    folder: TinyPipeline.folder, adding: loras, precision: .exact)
  let latents = try latents(generator)
  let expected = try #require(try SafetensorsFile(fixture("lora/drawn.safetensors")).tensor(name))
  try expectEqual(latents.reshaped(expected.shape), expected, relative: 1e-4, name)
}

/// The last latents of the picture that lora/drawn.safetensors is made of.
func latents(_ generator: ImageGenerator) throws -> Tensor {
  var request = ImageRequest(prompt: "a red fox")
  request.seed = 42
  request.literalPrompt = true
  request.sampler = "ddim"
  request.steps = 4
  request.guidance = 4.5
  let trace = Trace()
  _ = try generator.draw(request, trace: trace)
  return try #require(trace.finalLatent)
}
