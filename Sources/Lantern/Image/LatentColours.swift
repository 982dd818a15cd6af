import LanternModels
import LanternPictures
import LanternTensor

/// Colours of a latent by a linear map, without a network: a small and blurred picture for next to nothing.
struct LatentColours: Sendable {
  /// Red, green and blue of each channel of a scaled latent, −1…1.
  private let factors: [[Float]]
  /// Red, green and blue of a latent of zeros.
  private var bias: [Float] = [0, 0, 0]

  /// Of Stable Diffusion 1 and 2, as ComfyUI has them (`comfy/latent_formats.py`, SD15).
  static let stableDiffusion = LatentColours(factors: [
    [0.3512, 0.2297, 0.3227], [0.3250, 0.4974, 0.2350], [-0.2829, 0.1762, 0.2721],
    [-0.2120, -0.2616, -0.7177],
  ])

  /// Of Stable Diffusion XL, from the same file (SDXL).
  static let stableDiffusionXL = LatentColours(
    factors: [
      [0.3651, 0.4232, 0.4341], [-0.2533, -0.0042, 0.1068], [0.1076, 0.1111, -0.0362],
      [-0.3165, -0.2492, -0.2188],
    ], bias: [0.1084, -0.0175, -0.0011])

  /// Whether a codec has latents of as many channels.
  func fits(_ codec: any LatentCodec) -> Bool { codec.latentChannels == factors.count }

  /// The picture of a latent, a pixel for each of its positions.
  ///
  /// - Parameter latent: `[1, height, width, channel]`.
  /// - Returns: `[1, height, width, 3]`, about −1…1.
  /// - Throws: ``TensorError`` for a wrong shape.
  func picture(of latent: Tensor) throws -> Tensor {
    let (values, channels) = (try latent.floats(), factors.count)
    var pixels: [Float] = []
    for start in stride(from: 0, to: values.count, by: channels) {
      for colour in 0..<3 {
        pixels.append(
          (0..<channels).reduce(bias[colour]) { $0 + values[start + $1] * factors[$1][colour] })
      }
    }
    return try Tensor(pixels, shape: latent.shape.dropLast() + [3])
  }
}

/// How a preview gets from a latent to colours.
public enum PreviewMethod: String, Sendable, CaseIterable {
  /// By a small decoder where there is one, otherwise by a linear map where that is known, otherwise by the
  /// decoder that draws the picture.
  case automatic = "auto"
  /// By a linear map: blurred, in next to no time.
  case linear = "latent2rgb"
  /// By the decoder that draws the picture: as it will be, but it takes time.
  case decoder

  /// The names of all.
  static let names = allCases.map(\.rawValue).joined(separator: ", ")
}
