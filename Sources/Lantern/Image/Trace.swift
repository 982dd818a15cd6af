package import LanternFormats
import LanternModels
package import LanternTensor

/// The tensors of one run in PyTorch's layout, to be compared with another program's. Latents are
/// in the sampler's convention; of flows, and of EDM's `dpm++2m`, diffusers scales them otherwise.
package final class Trace {
  private var tensors: [(name: String, tensor: Tensor)] = []
  private var latents: [Tensor] = []
  /// Of names, in a second pass.
  private var prefix = ""

  /// The latent after the last step, `[1, channel, height, width]`.
  package private(set) var finalLatent: Tensor?

  /// An empty trace.
  package init() {}

  func begin(_ prompt: PromptEncoding, _ initial: InitialLatent) throws {
    if !tensors.isEmpty {
      try endPass()
      prefix = "hires_"
    }
    // Of prompts that change, or are composed of several, the first.
    let choice = prompt.choice(at: 0)
    let positive = try prompt.conditioning(choice, rows: 1)
    let negative = try prompt.conditioning(choice, rows: 2).rows(0..<1)
    for (name, side) in [("", positive), ("negative_", negative)] {
      tensors.append(("\(prefix)\(name)prompt_embeds", try side.states.withoutBatch()))
    }
    for (name, side) in [("", positive), ("negative_", negative)] {
      if let pooled = side.pooled {
        tensors.append(("\(prefix)\(name)pooled_prompt_embeds", try pooled.withoutBatch()))
      }
    }
    tensors.append(("\(prefix)noise", try initial.noise.channelsFirst()))
    tensors.append(("\(prefix)initial_latents", try initial.latent.channelsFirst()))
  }

  func note(_ latent: Tensor) throws {
    let picture = try latent.channelsFirst()
    latents.append(try picture.reshaped([1] + picture.shape))
  }

  private func endPass() throws {
    // A sampler that chooses its own steps may need none from a picture with hardly any noise on it.
    if !latents.isEmpty {
      tensors.append(("\(prefix)latents", try Tensor.concatenated(latents, axis: 0)))
    }
    latents = []
  }

  func finish(_ image: Tensor) throws {
    finalLatent = latents.last
    try endPass()
    tensors.append(("image", try image.clamped(to: 0...1).channelsFirst()))
  }

  /// Writes `prompt_embeds` and `negative_prompt_embeds` [token, feature], `noise` and
  /// `initial_latents` [channel, height, width], `latents` [step, channel, height, width] and
  /// `image` [3, height, width], 0…1; of a second pass those before `image` once more, as `hires_noise`; all f32.
  package func write(to path: String) throws(FormatError) {
    try SafetensorsFile.write(tensors, metadata: ["format": "pt"], to: path)
  }
}

extension Tensor {
  /// `[channel, height, width]` of `[1, height, width, channel]`.
  fileprivate func channelsFirst() throws(TensorError) -> Tensor {
    try permuted([0, 3, 1, 2]).contiguous().reshaped([shape[3], shape[1], shape[2]])
  }

  fileprivate func withoutBatch() throws(TensorError) -> Tensor {
    try reshaped(Array(shape.dropFirst()))
  }
}
