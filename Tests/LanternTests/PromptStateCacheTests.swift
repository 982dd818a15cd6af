import Foundation
import Lantern
import LanternFormats
import TestSupport
import Testing

/// Prompts that are kept on disc.
@Suite struct PromptStateCacheTests {
  private func request(_ prompt: String, _ folder: String?) -> ImageRequest {
    var request = ImageRequest(prompt: prompt)
    (request.steps, request.seed, request.width, request.height) = (2, 5, 64, 64)
    request.promptCache = folder
    return request
  }

  private func entries(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test(
    "pictures are the same to the bit from kept prompts, whose encoder is not read",
    arguments: ["tiny_flux", "tiny_flux2", "tiny_sd3", "tiny_z_image", "tiny_sana", "tiny_pixart"])
  func same(model: String) throws {
    try withTemporaryFolder { folder in
      let (copy, kept) = ("\(folder)/model", "\(folder)/kept/prompts")
      try FileManager.default.copyItem(atPath: fixture(model), toPath: copy)
      let encoders = try entries(copy).filter { $0.hasPrefix("text_encoder") }.map {
        "\(copy)/\($0)/model.safetensors"
      }
      func setTimes() throws {
        for path in encoders {
          try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_000_000)], ofItemAtPath: path)
        }
      }
      try setTimes()
      let generator = try ImageGenerator(folder: copy, precision: .exact)
      let plain = try generator.draw(request("a fox", nil)).picture
      let first = try generator.draw(request("a fox", kept)).picture
      let files = try entries(kept)
      #expect(!files.isEmpty && files.allSatisfy { $0.hasSuffix(".safetensors") })
      #expect(first.pixels == plain.pixels)
      let other = try generator.draw(request("the fox, and a hare", kept)).picture
      #expect(other.pixels != plain.pixels)
      #expect(try entries(kept).count > files.count)
      // Encoders of the same size and time whose numbers are none: to read them is an error.
      for path in encoders {
        var bytes = try #require(FileManager.default.contents(atPath: path))
        let header = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let numbers = 8 + header..<bytes.count
        bytes.replaceSubrange(numbers, with: Data(repeating: 0xFF, count: numbers.count))
        try bytes.write(to: URL(fileURLWithPath: path))
      }
      try setTimes()
      let fresh = try ImageGenerator(folder: copy, precision: .exact)
      #expect(try fresh.draw(request("a fox", kept)).picture.pixels == plain.pixels)
      #expect(throws: (any Error).self) { try fresh.draw(request("a fox", nil)) }
    }
  }

  @Test(
    "kept states are what is drawn with, damaged ones are made anew, and other files are others")
  func damaged() throws {
    try withTemporaryFolder { folder in
      let (copy, kept) = ("\(folder)/model", "\(folder)/kept")
      try FileManager.default.copyItem(atPath: fixture("tiny_flux"), toPath: copy)
      var generator = try ImageGenerator(folder: copy, precision: .exact)
      let plain = try generator.draw(request("a fox", kept)).picture
      let files = try entries(kept)
      let path = try "\(kept)/\(#require(files.first))"
      let whole = try #require(FileManager.default.contents(atPath: path))
      for count in [0, 8, 100, whole.count / 2, whole.count - 1] {
        try whole.prefix(count).write(to: URL(fileURLWithPath: path))
        #expect(try generator.draw(request("a fox", kept)).picture.pixels == plain.pixels)
        #expect(FileManager.default.contents(atPath: path) == whole, "\(count) bytes")
      }
      var changed = whole
      changed[whole.count - 2] ^= 1
      try changed.write(to: URL(fileURLWithPath: path))
      #expect(try generator.draw(request("a fox", kept)).picture.pixels == plain.pixels)
      #expect(FileManager.default.contents(atPath: path) == whole)

      // The same bytes in a file that was changed later.
      let weights = "\(copy)/text_encoder_2/model.safetensors"
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: weights)
      generator = try ImageGenerator(folder: copy, precision: .exact)
      #expect(try generator.draw(request("a fox", kept)).picture.pixels == plain.pixels)
      #expect(try entries(kept).count == 2 * files.count)
      #expect(throws: (any Error).self) {
        try generator.draw(request("a fox", "\(weights)/kept"))
      }
    }
  }
}
