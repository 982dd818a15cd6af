import Lantern

/// Draws one prompt with several samplers at once, and puts the pictures side by side.
///
/// - Parameters:
///   - samplers: names of `SamplerCatalogue`.
///   - path: where the sheet of pictures goes.
/// - Throws: a `LanternError`.
public func compareSamplers(_ samplers: [String], to path: String) async throws {
  let generator = try ImageGenerator(.picturebook)
  // Tasks take turns at the processors, and the model is in memory once.
  let pictures = try await withThrowingTaskGroup(of: (Int, Picture).self) { group in
    for (index, sampler) in samplers.enumerated() {
      group.addTask {
        var request = ImageRequest(prompt: "a blue house at night")
        (request.seed, request.sampler, request.steps) = (1, sampler, 8)
        return (index, try await generator.image(request).picture)
      }
    }
    return try await group.reduce(into: [Int: Picture]()) { $0[$1.0] = $1.1 }
  }
  let row = samplers.indices.compactMap { pictures[$0] }
  try Picture.sheet(row, columns: row.count).write(to: path)
}
