import LanternModels
import LanternPictures
import LanternSamplers
import LanternTensor

/// The state after a step.
package struct DrawingStep {
  /// Number of the step, from 1; a second pass counts on.
  package let number: Int
  /// Number of steps, of both passes where there are two.
  package let count: Int
  /// The pass, and of how many; one where nothing is enlarged.
  package let pass: (number: Int, count: Int)
  private let denoised: Tensor
  private let model: ImageModel
  private let initial: InitialLatent
  private let method: PreviewMethod

  init(
    _ step: Step, of pass: DrawingPass, _ model: ImageModel, _ initial: InitialLatent,
    _ method: PreviewMethod
  ) {
    let (before, after) = pass.others
    self.number = before + step.index + 1
    self.count = before + step.count + after
    self.pass = (before > 0 ? 2 : 1, before + after > 0 ? 2 : 1)
    self.denoised = step.denoised
    self.model = model
    self.initial = initial
    self.method = method
  }

  /// The picture as far as it can be guessed, after every `interval` steps; nil for 0.
  package func preview(every interval: Int) throws -> Picture? {
    guard interval > 0, number % interval == 0 else { return nil }
    let colours = model.previewColours(method)
    let decoded =
      try colours?.picture(of: denoised) ?? model.decoder.decode(denoised, tiled: true)
    let image = try decoded.scaled(by: 0.5, plus: 0.5)
    guard image.isFiniteEverywhere else { return nil }
    var picture = try Picture(image)
    if colours != nil {
      let pixels = model.codec.downsampling
      picture = try picture.resized(
        width: pixels * picture.width, height: pixels * picture.height)
    }
    return try initial.mask?.pastingKept(in: picture) ?? picture
  }
}
