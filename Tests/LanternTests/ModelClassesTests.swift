import Foundation
import Lantern
import LanternFormats
import LanternSamplers
import TestSupport
import Testing

@Suite("Classes of a model's parts")
struct ModelClassesTests {
  /// The model whose index names one scheduler, and whose scheduler's own file another.
  private func generator(index: String, file: String, settings: [String: JSONValue] = [:]) throws
    -> ImageGenerator
  {
    try TinyPipeline.generator { folder in
      try TinyPipeline.set(
        "scheduler", ["diffusers", .string(index)], "\(folder)/model_index.json")
      let path = "\(folder)/scheduler/scheduler_config.json"
      let betas: [String: JSONValue] = [
        "_class_name": .string(file), "beta_start": 0.00085, "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
      ]
      try JSON.write(.object(betas.merging(settings) { $1 }))
        .write(toFile: path, atomically: true, encoding: .utf8)
    }
  }

  private func picture(_ generator: ImageGenerator) throws -> Picture {
    var request = ImageRequest(prompt: "a red fox")
    (request.steps, request.seed) = (4, 0)
    return try generator.draw(request).picture
  }

  @Test(
    "model_index.json decides the scheduler's class, and its defaults, and that is told",
    arguments: [
      ("DDIMScheduler", "PNDMScheduler"), ("PNDMScheduler", "DDIMScheduler"),
      ("EulerDiscreteScheduler", "PNDMScheduler"), ("LCMScheduler", "HeunDiscreteScheduler"),
      ("DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler"),
      ("DPMSolverSinglestepScheduler", "EulerDiscreteScheduler"),
    ])
  func index(wanted: String, other: String) throws {
    let alike = try generator(index: wanted, file: wanted)
    let mixed = try generator(index: wanted, file: other)
    // That LCM's scheduler is for few steps is told too.
    let recognised = alike.notes
    #expect(recognised.allSatisfy { wanted == "LCMScheduler" && $0.contains("for few steps") })
    #expect(
      mixed.notes.dropFirst(recognised.count) == [
        "scheduler/scheduler_config.json says \(other) and model_index.json \(wanted), which decides"
      ])
    #expect(try picture(alike) == picture(mixed))
    #expect(try picture(mixed) != picture(generator(index: other, file: other)))
  }

  @Test("model_index.json decides the tokenizer's class")
  func tokenizer() throws {
    let changed = try TinyPipeline.generator { folder in
      try TinyPipeline.set(
        "tokenizer_class", "GPT2Tokenizer", "\(folder)/tokenizer/tokenizer_config.json")
    }
    #expect(changed.notes.contains { $0.contains("GPT2Tokenizer") && $0.contains("decides") })
    #expect(
      try picture(changed)
        == picture(ImageGenerator(folder: TinyPipeline.folder, precision: .exact)))
    #expect(throws: FormatError.self) {
      try TinyPipeline.generator { folder in
        try TinyPipeline.set(
          "tokenizer", ["transformers", "T5Tokenizer"], "\(folder)/model_index.json")
      }
    }
  }

  @Test("a class that is not here is refused by the file that names it")
  func unknown() throws {
    var words = ""
    do { _ = try generator(index: "DDIMInverseScheduler", file: "DDIMScheduler") } catch {
      words = "\(error)"
    }
    #expect(words.contains("model_index.json: \"scheduler\" is \"DDIMInverseScheduler\""))
  }

  @Test("PNDM begins with Runge and Kutta's steps unless its file skips them")
  func warmUp() throws {
    let plain = try generator(index: "PNDMScheduler", file: "PNDMScheduler")
    let skipping = try generator(
      index: "PNDMScheduler", file: "PNDMScheduler", settings: ["skip_prk_steps": true])
    var request = ImageRequest(prompt: "a red fox")
    request.steps = 5
    #expect(try plain.draw(request).modelCalls == 3 * 4 + 2)
    #expect(try skipping.draw(request).modelCalls == 6)
  }

  @Test("what a file says that the sampler does not heed is told")
  func idle() throws {
    let own = try generator(
      index: "DPMSolverMultistepScheduler", file: "DPMSolverMultistepScheduler",
      settings: ["variance_type": "fixed_large", "flow_shift": 3.0])
    #expect(
      own.notes == [
        "flow_shift 3 has no effect with DPMSolverMultistepScheduler",
        "variance_type \"fixed_large\" has no effect with DPMSolverMultistepScheduler",
      ])
    let other = try generator(
      index: "DDPMScheduler", file: "DDPMScheduler", settings: ["variance_type": "fixed_large"])
    #expect(other.notes.isEmpty)
    var request = ImageRequest(prompt: "a red fox")
    request.steps = 2
    request.sampler = "dpm++2m"
    #expect(
      try other.draw(request).notes == [
        "variance_type \"fixed_large\" has no effect with DPMSolverMultistepScheduler"
      ])
  }

  @Test("whether an empty negative prompt is zeros is true or false, and false encodes it")
  func emptyNegative() throws {
    func draw(_ value: JSONValue) throws -> Picture {
      try withTemporaryFolder { folder in
        let copy = "\(folder)/model"
        try FileManager.default.copyItem(atPath: fixture("tiny_xl"), toPath: copy)
        try TinyPipeline.set("force_zeros_for_empty_prompt", value, "\(copy)/model_index.json")
        var request = ImageRequest(prompt: "a red fox")
        (request.seed, request.steps) = (1, 2)
        return try ImageGenerator(folder: copy, precision: .exact).draw(request).picture
      }
    }
    #expect(try draw(.bool(true)) != draw(.bool(false)))
    #expect {
      try draw(.string("yes"))
    } throws: {
      "\($0)".contains("force_zeros_for_empty_prompt")
    }
  }
}
