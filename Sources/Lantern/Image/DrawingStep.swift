import LanternModels
import LanternPictures
import LanternSamplers
import LanternTensor

/// The state after a step.
package struct DrawingStep {
  /// Number of the step, from 1.
  package let number: Int
  /// Number of steps.
  package let count: Int
  private let denoised: Tensor
  private let codec: any LatentCodec
  private let initial: InitialLatent

  init(_ step: Step, _ codec: any LatentCodec, _ initial: InitialLatent) {
    self.number = step.index + 1
    self.count = step.count
    self.denoised = step.denoised
    self.codec = codec
    self.initial = initial
  }

  /// The picture as far as it can be guessed, after every `interval` steps; nil for 0.
  package func preview(every interval: Int) throws -> Picture? {
    guard interval > 0, number % interval == 0 else { return nil }
    let image = try codec.decode(denoised, tiled: true).scaled(by: 0.5, plus: 0.5)
    guard image.isFiniteEverywhere else { return nil }
    let picture = try Picture(image)
    return try initial.mask?.pastingKept(in: picture) ?? picture
  }
}
