import Lantern

/// Draws a picture and tells of each step, as a progress bar needs it.
///
/// - Parameter onStep: called with the share that is done, and with a preview now and then.
/// - Returns: the picture.
/// - Throws: a `LanternError`.
public func showProgress(_ onStep: (Double, Picture?) -> Void) async throws -> Picture? {
  let generator = try ImageGenerator(.picturebook)
  var request = ImageRequest(prompt: "two yellow birds in the forest")
  request.previewInterval = 4
  // Leaving the loop, or cancelling the task, stops the work within one step.
  for try await event in generator.generate(request) {
    switch event {
    case .step(let number, let count, let preview):
      onStep(Double(number) / Double(count), preview)
    case .finished(let image):
      for note in image.notes { print("note: \(note)") }
      return image.picture
    }
  }
  return nil
}
