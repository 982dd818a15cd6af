import Foundation
import Lantern
import LanternFormats
import TestSupport
import Testing

/// Every whole number in a model's settings, put out of all bounds.
@Suite struct HostileSettingsTests {
  private static let files = [
    "scheduler/scheduler_config.json", "text_encoder/config.json", "unet/config.json",
    "vae/config.json",
  ]
  private static let values = [0, -1, 3, 1 << 20, 1 << 31, 1 << 40, 1 << 62, .max, .min]

  @Test("a number that no model has is an error or has no effect, never a trap", arguments: files)
  func numbers(_ name: String) throws {
    try withTemporaryFolder { folder in
      let model = folder + "/model"
      try FileManager.default.copyItem(atPath: fixture("tiny_model"), toPath: model)
      let path = "\(model)/\(name)"
      let settings = try #require(try JSON.read(path).object)
      for (key, value) in settings {
        for number in Self.values {
          var changed = settings
          switch value {
          case .integer, .null: changed[key] = .integer(number)
          case .array(let list) where list.contains { $0.integer != nil }:
            changed[key] = .array(list.dropLast() + [.integer(number)])
          default: continue
          }
          try AtomicFile.write(Array(JSON.write(.object(changed)).utf8), to: path)
          guard let generator = try? ImageGenerator(folder: model) else { continue }
          _ = (generator.nativeSize, generator.estimatedWorkingMegabytes)
          var request = ImageRequest(prompt: "fox")
          (request.steps, request.width, request.height) = (1, 64, 64)
          _ = try? generator.draw(request) { _ in }
        }
      }
    }
  }
}
