import Foundation
import Lantern
import Testing

@Suite("ModelLocation") struct ModelLocationTests {
  @Test("shipped weights are found from a test's program, and a folder stays as it was given")
  func found() throws {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    for location in ModelLocation.shipped {
      let weights = root.appendingPathComponent("weights/\(location.name)")
      let path = try location.path()
      #expect(
        URL(fileURLWithPath: path).resolvingSymlinksInPath().path
          == weights.resolvingSymlinksInPath().path)
    }
    #expect(try ModelLocation.folder("no/such").path() == "no/such")
    #expect(throws: FormatError.self) { try ImageGenerator(.folder("no/such")) }
  }
}

@Suite("LanternError") struct LanternErrorTests {
  @Test("an app can catch every room's error by one name and tell by its kind what helps")
  func kinds() {
    let errors: [(any LanternError, ErrorKind)] = [
      (RequestError.range(name: "steps", found: "0", allowed: "1 or more"), .usage),
      (RequestError.notFinite(what: "the latent", step: 1), .data),
      (FormatError.empty(path: "a"), .data), (FormatError.inUse(path: "a"), .busy),
      (FormatError.cannotRead(path: "a", code: 2), .missing),
      (FormatError.cannotWrite(path: "a", code: 28), .output),
      (FormatError.changed(path: "a"), .lost),
      (FormatError.tensor(.outOfMemory(byteCount: 1)), .memory),
      (TensorError.outOfMemory(byteCount: 1), .memory), (TensorError.size(shape: [-1]), .data),
      (PictureError.outOfMemory(byteCount: 1), .memory), (PictureError.quality(0), .usage),
      (PictureError.file(.inUse(path: "a")), .busy),
      (SamplerError.steps(found: 0, maximum: 9), .usage),
      (SamplerError.file(.missingFile(path: "a", remedy: "b")), .missing),
      (ModelError.missingTensor(name: "a", file: "b"), .data),
      (ModelError.tensor(.outOfMemory(byteCount: 1)), .memory),
      (TokenizerError.badID(token: "a", file: "b"), .data),
      (TokenizerError.file(.changed(path: "a")), .lost),
    ]
    for (error, kind) in errors {
      #expect(error.kind == kind, "\(error)")
      #expect((error as any Error).localizedDescription == error.description)
    }
    // What a network refuses is LanternHub's, whose tests have it.
    #expect(Set(errors.map(\.1)).union([.network]) == Set(ErrorKind.allCases))
  }
}
