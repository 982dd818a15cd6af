import Foundation
import Lantern
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Models written anew: a file as a folder, a folder as a file.
@Suite struct ModelConversionTests {
  private static let kinds = ["sd1", "sd2", "sdxl", "refiner", "distilled"]

  private func convert(
    _ from: String, _ target: String, of model: SingleFileFixture, as dtype: DType? = nil
  ) throws -> [String] {
    var parts = ModelParts()
    parts.tokenizer = model.tokenizer
    let conversion = try ModelConversion(of: from, with: parts, to: target, as: dtype)
    try conversion.write()
    return try conversion.notes()
  }

  /// Checks that two files hold the same tensors, but for those of `left`.
  private func expectSame(
    _ found: any TensorFile, _ expected: SingleFileFixture.Tensors, without left: Set<String> = [],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(
      Set(found.names) == Set(expected.map(\.name)).subtracting(left),
      sourceLocation: sourceLocation)
    for (name, tensor) in expected where !left.contains(name) {
      let other = try #require(try found.tensor(name), "\(name)", sourceLocation: sourceLocation)
      let isSame =
        try other.dtype == tensor.dtype && other.shape == tensor.shape
        && other.floats() == tensor.floats()
      #expect(isSame, "\(name)", sourceLocation: sourceLocation)
    }
  }

  @Test(
    "a folder becomes the file that the reference makes of it, and draws its bytes",
    arguments: kinds)
  func folderToFile(name: String) throws {
    let model = try SingleFileFixture(name)
    try withTemporaryFolder { folder in
      let path = "\(folder)/one.safetensors"
      let notes = try convert(model.folder, path, of: model)
      #expect(notes.contains { $0.contains("knows 522") })
      let expected = try model.tensors()
      // What a folder has lost: the last layer of Stable Diffusion 2's text encoder, and bookkeeping.
      let endings = ["model_ema.decay", "alphas_cumprod", "logit_scale"]
      let isSecond = name == "sd2"
      let lost = expected.map { $0.name }.filter { tensor in
        endings.contains { tensor.hasSuffix($0) }
          || (isSecond && tensor.hasPrefix("cond_stage_model.model.transformer.resblocks.2."))
          || tensor == "cond_stage_model.model.text_projection"
      }
      try expectSame(SafetensorsFile(path), expected, without: Set(lost))
      var parts = ModelParts()
      parts.tokenizer = model.tokenizer
      try expectSameBytes(path, parts, model.folder)
    }
  }

  @Test("a file becomes the folder that it was made of, tensor by tensor", arguments: kinds)
  func fileToFolder(name: String) throws {
    let model = try SingleFileFixture(name)
    try withTemporaryFolder { folder in
      let (path, target) = ("\(folder)/one.safetensors", "\(folder)/model")
      try model.write(to: path) { $0.append(("strange.key", $0[0].tensor)) }
      let notes = try convert(path, target, of: model)
      #expect(notes.contains { $0.contains("strange.key") && $0.contains("not known") })
      #expect(notes.contains { $0.contains("alphas_cumprod") })
      for part in model.parts {
        let expected = try model.part(part)
        let stem = part.hasPrefix("text") ? "model" : "diffusion_pytorch_model"
        let found = try SafetensorsFile("\(target)/\(part)/\(stem).safetensors")
        let prefix = "text_model."
        func plain(_ name: String) -> String { String(name.trimmingPrefix(prefix)) }
        #expect(Set(found.names.map(plain)) == Set(expected.names.map(plain)))
        for tensor in found.names {
          let other =
            try expected.tensor(tensor) ?? expected.tensor(plain(tensor))
            ?? expected.tensor(prefix + tensor)
          #expect(try found.tensor(tensor)?.floats() == other?.floats(), "\(tensor)")
        }
      }
      try expectSameBytes(target, ModelParts(), model.folder)
      // A folder that is there is never replaced.
      #expect(throws: FormatError.self) { try convert(path, target, of: model) }
    }
  }

  @Test("with CLIP's own tokens the folder gets vocabulary, merges and special tokens")
  func vocabulary() throws {
    try withTemporaryFolder { folder in
      let target = "\(folder)/model"
      try ModelConversion(of: fixture("single_file/sd1.ckpt"), to: target).write()
      let tokens = try JSON.read("\(target)/tokenizer/vocab.json").object
      #expect(tokens?.count == 49408 && tokens?["<|endoftext|>"]?.integer == 49407)
      #expect(
        try JSON.read("\(target)/tokenizer/special_tokens_map.json").object?["pad_token"]?.string
          == "<|endoftext|>")
      #expect(try ImageGenerator(folder: target, precision: .exact).notes.isEmpty)
    }
  }

  @Test(
    "weights are stored as requested, and numbers that do not fit are refused",
    arguments: DType.allCases)
  func types(dtype: DType) throws {
    guard dtype.isFloatingPoint else { return }
    let model = try SingleFileFixture("sd1")
    try withTemporaryFolder { folder in
      let (path, target) = ("\(folder)/one.safetensors", "\(folder)/two.safetensors")
      _ = try convert(model.folder, target, of: model, as: dtype)
      let file = try SafetensorsFile(target)
      #expect(try file.names.allSatisfy { try file.tensor($0)?.dtype == dtype })
      try model.write(to: path) {
        $0[0].tensor = try $0[0].tensor.converted(to: .float32).scaled(by: 0, plus: 1e6)
      }
      let other = "\(folder)/three.safetensors"
      guard dtype == .float16 else { return _ = try convert(path, other, of: model, as: dtype) }
      #expect(throws: FormatError.self) { try convert(path, other, of: model, as: dtype) }
      #expect(!FileManager.default.fileExists(atPath: other))
      #expect(throws: FormatError.self) {
        try convert(path, "\(folder)/four", of: model, as: dtype)
      }
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
          == ["one.safetensors", "two.safetensors"])
    }
  }

  @Test("a folder that a reader of one file would take otherwise is refused by the setting")
  func unsayable() throws {
    try withTemporaryFolder { folder throws in
      let error = #expect(throws: RequestError.self) {
        try ModelConversion(of: TinyPipeline.folder, to: "\(folder)/a.safetensors").write()
      }
      #expect(error.map { "\($0)" }?.contains("attention_head_dim") == true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  private func expectSameBytes(_ path: String, _ parts: ModelParts, _ folder: String) throws {
    var request = ImageRequest(prompt: "a red fox")
    (request.steps, request.seed, request.width, request.height) = (2, 3, 16, 16)
    let one = try ImageGenerator(folder: path, with: parts, precision: .exact).draw(request)
    let other = try ImageGenerator(folder: folder, precision: .exact).draw(request)
    #expect(one.picture.pixels == other.picture.pixels)
  }
}
