import Foundation
import Lantern
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Models that were distilled for few steps: what their files say of it, and the defaults that follow.
@Suite("Models of few steps") struct FewStepTests {
  /// Loads a copy of the folder of SDXL with another scheduler.
  private func withFolder<Result>(
    _ className: String, _ settings: [String: JSONValue],
    _ body: (_ folder: String, _ generator: ImageGenerator) throws -> Result
  ) throws -> Result {
    let model = try SingleFileFixture("sdxl")
    return try withTemporaryFolder { root in
      let folder = "\(root)/model"
      try FileManager.default.copyItem(atPath: model.folder, toPath: folder)
      let path = "\(folder)/scheduler/scheduler_config.json"
      for (key, value) in settings { try TinyPipeline.set(key, value, path) }
      try TinyPipeline.set(
        "scheduler", ["diffusers", .string(className)], "\(folder)/model_index.json")
      return try body(folder, ImageGenerator(folder: folder, precision: .exact))
    }
  }

  private func request(_ change: (inout ImageRequest) -> Void = { _ in }) -> ImageRequest {
    var request = ImageRequest(prompt: "a red fox")
    (request.seed, request.width, request.height) = (5, 16, 16)
    change(&request)
    return request
  }

  @Test(
    "a scheduler of few steps brings few steps and no guidance, and a note says what was recognised",
    arguments: [
      ("EulerAncestralDiscreteScheduler", "Turbo"), ("EulerDiscreteScheduler", "Lightning"),
      ("LCMScheduler", "LCM"), ("TCDScheduler", "TCD"),
    ])
  func schedulers(className: String, name: String) throws {
    try withFolder(className, ["timestep_spacing": "trailing"]) { _, generator in
      let note = try #require(generator.notes.first)
      #expect(note.contains("distilled for few steps, as \(name) (\(className)"), "\(note)")
      #expect(note.hasSuffix("4 steps and guidance 1.0 by default"), "\(note)")
      let image = try generator.draw(request())
      #expect(image.settings.steps == 4 && image.settings.guidance == 1)
      #expect(image.modelCalls == 4 && image.notes.isEmpty, "\(image.notes)")
      let guided = try generator.draw(request { $0.guidance = 7 })
      #expect(guided.notes.contains { $0.contains("guidance 7.0 may draw worse than none") })
    }
  }

  @Test(
    "the same class with other timesteps, or for velocity, is of many steps",
    arguments: [
      ["timestep_spacing": "leading"],
      ["timestep_spacing": "trailing", "prediction_type": "v_prediction"],
      ["timestep_spacing": "trailing", "rescale_betas_zero_snr": true],
    ] as [[String: JSONValue]])
  func others(settings: [String: JSONValue]) throws {
    try withFolder("EulerDiscreteScheduler", settings) { _, generator in
      #expect(!generator.notes.contains { $0.contains("distilled") })
      #expect(generator.model.defaults.steps == 30 && generator.model.defaults.guidance == 5)
      guard settings["rescale_betas_zero_snr"] == nil else { return }
      let image = try generator.draw(request { ($0.guidance, $0.steps) = (7, 2) })
      #expect(!image.notes.contains { $0.contains("may draw worse") })
    }
  }

  @Test(
    "metadata of one file names the distillation, its scheduler and its steps; the file's name does not",
    arguments: [
      (
        "Example XL Turbo 1.0", "EulerAncestralDiscreteScheduler", 4,
        ["timestep_spacing": "trailing"]
      ),
      ("Example-Lightning-8step", "EulerDiscreteScheduler", 8, ["timestep_spacing": "trailing"]),
      (
        "Hyper-SD example, 2 steps", "DDIMScheduler", 2,
        ["timestep_spacing": "trailing", "clip_sample": false, "set_alpha_to_one": false]
      ),
      ("dmd2", "LCMScheduler", 4, ["original_inference_steps": 4]),
      ("example (LCM)", "LCMScheduler", 4, ["original_inference_steps": 50]),
    ] as [(String, String, Int, [String: JSONValue])])
  func metadata(title: String, className: String, steps: Int, settings: [String: JSONValue]) throws
  {
    let model = try SingleFileFixture("sdxl")
    try withFolder(className, settings) { folder, _ in
      try withTemporaryFolder { root in
        let path = "\(root)/lightning-turbo.safetensors"
        var parts = ModelParts()
        parts.tokenizer = model.tokenizer
        try model.write(to: path, metadata: ["modelspec.title": title])
        let one = try ImageGenerator(folder: path, with: parts, precision: .exact)
        #expect(one.model.defaults.steps == steps && one.model.defaults.guidance == 1)
        #expect(one.notes.contains { $0.contains("(metadata modelspec.title)") })
        let two = try ImageGenerator(folder: folder, precision: .exact)
        let request = request { ($0.steps, $0.guidance) = (2, 1) }
        let (found, expected) = (try one.draw(request), try two.draw(request))
        #expect(found.picture.pixels == expected.picture.pixels)
        #expect(found.settings == expected.settings)

        try model.write(to: path, metadata: ["modelspec.title": "Turbocharged hyper realism"])
        let plain = try ImageGenerator(folder: path, with: parts, precision: .exact)
        #expect(!plain.notes.contains { $0.contains("distilled") })
        #expect(plain.model.defaults.steps == 30)
      }
    }
  }

  @Test("a folder's distillation stands in the metadata of the file that it is converted to")
  func conversion() throws {
    let model = try SingleFileFixture("sdxl")
    try withFolder("EulerAncestralDiscreteScheduler", ["timestep_spacing": "trailing"]) {
      folder, generator in
      let path = "\(folder)/one.safetensors"
      let conversion = try ModelConversion(of: folder, to: path)
      #expect(try !conversion.notes().contains { $0.contains("scheduler") })
      try conversion.write()
      var parts = ModelParts()
      parts.tokenizer = model.tokenizer
      let one = try ImageGenerator(folder: path, with: parts, precision: .exact)
      #expect(one.model.defaults.steps == 4)
      #expect(
        try one.draw(request()).picture.pixels == generator.draw(request()).picture.pixels)
    }
  }
}
