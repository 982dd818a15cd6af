import Foundation
import Lantern
import LanternPictures
import Testing

@Suite("The shipped weights") struct ShippedWeightsTests {
  private static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("weights/picturebook").path

  /// Samplers of one equation end near one another; a folder whose settings do not suit one of them,
  /// such as clipped latents, leaves that one far away.
  @Test("samplers that draw no noise agree on the picture", arguments: ["ddim", "euler"])
  func agreement(sampler: String) throws {
    let generator = try ImageGenerator(folder: Self.folder)
    var request = ImageRequest(prompt: "a rocket in space")
    let usual = try generator.draw(request).picture
    request.sampler = sampler
    let other = try generator.draw(request).picture
    let differences = zip(usual.pixels, other.pixels).map { abs(Int($0) - Int($1)) }
    #expect(differences.count == 128 * 128 * 3)
    #expect(differences.reduce(0, +) < 10 * differences.count)
  }
}
