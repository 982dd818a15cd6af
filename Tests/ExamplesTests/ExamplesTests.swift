import Foundation
import Lantern
import LanternExamples
import LanternTensor
import TestSupport
import Testing

/// The functions of Examples/, as their README says.
@Suite struct ExamplesTests {
  @Test("a picture is drawn, written, and drawn again from its file")
  func picture() async throws {
    try await withTemporaryFolder { folder in
      let path = try await drawAPicture(into: folder)
      let picture = try Picture(contentsOf: path)
      #expect(picture.width == 128)
      let told = try await askAbout(picture)
      #expect(told.caption.contains("fox"))
      #expect(!told.answer.isEmpty)
    }
  }

  @Test("progress ends at the whole, with previews on the way")
  func progress() async throws {
    var shares: [Double] = []
    var previews = 0
    let picture = try await showProgress { share, preview in
      shares.append(share)
      previews += preview == nil ? 0 : 1
    }
    #expect(picture != nil)
    #expect(shares.last == 1 && shares == shares.sorted())
    #expect(previews == shares.count / 4)
  }

  @Test("samplers are compared side by side")
  func samplers() async throws {
    try await withTemporaryFolder { folder in
      try await compareSamplers(["ddim", "euler"], to: "\(folder)/sheet.png")
      let sheet = try Picture(contentsOf: "\(folder)/sheet.png")
      #expect(sheet.width > 2 * 128)
    }
  }

  @Test("a story becomes a book")
  func story() async throws {
    try await withTemporaryFolder { folder in
      let words = try await tellAStory(into: "\(folder)/book")
      #expect(words.count == 2)
      #expect(FileManager.default.fileExists(atPath: "\(folder)/book/story.html"))
    }
  }

  @Test("what cannot be drawn is told in words for people")
  func errors() throws {
    var request = ImageRequest(prompt: "a fox")
    let nothing = try problem(with: request)
    #expect(nothing == nil)
    request.steps = 0
    let told = try problem(with: request)
    #expect(told?.contains("steps") == true)
  }

  @Test(
    "samplers draw a known distribution, but for what the schedule leaves of it at the start",
    arguments: ["ddim", "dpm++2m", "unipc"])
  func distribution(sampler: String) throws {
    let numbers = try sampleADistribution(4000, sampler: sampler, steps: 40)
    let mean = numbers.reduce(0, +) / Float(numbers.count)
    let variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(numbers.count)
    #expect(abs(mean - 1) < 0.05, "\(mean)")
    #expect(abs(variance.squareRoot() - 0.5) < 0.05, "\(variance.squareRoot())")
  }
}
