import Foundation
import LanternFormats
import TestSupport
import Testing

@Suite("ModelFolder")
struct ModelFolderTests {
  private static let index = """
    {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.6.0",
    "unet": ["diffusers", "UNet2DConditionModel"], "safety_checker": [null, null],
    "vae": ["diffusers", "AutoencoderKL"], "requires_safety_checker": true}
    """

  private func withModel(
    _ index: String = Self.index, _ body: (String) throws -> Void
  ) throws {
    try withTemporaryFolder { folder in
      try AtomicFile.write(Array(index.utf8), to: folder + "/model_index.json")
      try FileManager.default.createDirectory(
        atPath: folder + "/unet", withIntermediateDirectories: false)
      try body(folder)
    }
  }

  @Test("the index names class and parts", arguments: ["", "/", "/model_index.json"])
  func readsIndex(ending: String) throws {
    try withModel { folder in
      let model = try ModelFolder(folder + ending)
      #expect(model.path == folder)
      #expect(model.pipelineClass == "StableDiffusionPipeline")
      #expect(Set(model.components.keys) == ["unet", "vae"])
      #expect(model.components["unet"]?.className == "UNet2DConditionModel")
      #expect(model.has("unet") && !model.has("safety_checker") && !model.has("scheduler"))
      #expect(try model.folder(of: "unet") == folder + "/unet")
    }
  }

  @Test("a part that is named but not there, and one not named, are told apart")
  func findsParts() throws {
    try withModel { folder in
      let model = try ModelFolder(folder)
      #expect(
        throws: FormatError.missingKey(key: "scheduler", file: folder + "/model_index.json")
      ) { try model.folder(of: "scheduler") }
      let error = #expect(throws: FormatError.self) { try model.folder(of: "vae") }
      #expect(error.map { "\($0)" }?.hasPrefix(folder + "/vae: there is no such file") == true)
    }
  }

  @Test("a folder without an index is told by its settings, or by the models in it")
  func otherFolders() throws {
    try withTemporaryFolder { folder in
      let error = {
        #expect(throws: FormatError.self) { try ModelFolder(folder) }.map { "\($0)" } ?? ""
      }
      #expect(error().hasSuffix("is this the right folder?"))
      for name in ["a", "b", "c"] {
        try FileManager.default.createDirectory(
          atPath: "\(folder)/\(name)", withIntermediateDirectories: false)
      }
      try AtomicFile.write(Array(Self.index.utf8), to: "\(folder)/b/model_index.json")
      try AtomicFile.write(Array("{}".utf8), to: "\(folder)/a/config.json")
      #expect(error().hasSuffix("folder? Models in it: a, b"))
      try AtomicFile.write(Array(#"{"_class_name": "Showo"}"#.utf8), to: "\(folder)/config.json")
      #expect(error().hasSuffix("folder? Its config.json is of Showo"))
    }
  }

  @Test("a part cannot lie outside the folder")
  func staysInside() throws {
    try withModel(#"{"_class_name": "X", "..": ["a", "b"], "../x": ["a", "b"]}"#) { folder in
      let model = try ModelFolder(folder)
      #expect(throws: FormatError.self) { try model.folder(of: "..") }
      #expect(throws: FormatError.self) { try model.folder(of: "../x") }
    }
  }

  @Test(
    "an unsound index is refused",
    arguments: ["", "[]", "{}", #"{"_class_name": 1}"#, "{\"_class_name\": \"X\""])
  func refusesUnsoundIndex(index: String) throws {
    try withModel(index) { folder in
      #expect(throws: FormatError.self) { try ModelFolder(folder) }
    }
  }

  @Test("what is no model folder is told apart")
  func refusesOtherThings() throws {
    try withTemporaryFolder { folder in
      func message(_ path: String) -> String {
        do throws(FormatError) {
          _ = try ModelFolder(path)
          return ""
        } catch {
          return "\(error)"
        }
      }
      #expect(message(folder).contains("model_index.json: there is no such file"))
      #expect(message(folder + "/none").contains("/none: there is no such file"))
      #expect(message("").contains("there is no such file"))
      try AtomicFile.write([1], to: folder + "/x.ckpt")
      #expect(message(folder + "/x.ckpt").contains("is not a folder"))
      try AtomicFile.write([1], to: folder + "/x.txt")
      #expect(message(folder + "/x.txt").contains("is not a folder"))
    }
  }
}
