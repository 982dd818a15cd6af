import Foundation
import Lantern
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// A whole Stable Diffusion of random weights, and what diffusers draws with it:
/// tools/fixtures/tiny_pipeline.py; or Stable Diffusion XL: tools/fixtures/tiny_xl.py; or the first as a latent
/// consistency model, tools/fixtures/tiny_lcm.py, or as one that edits pictures, tools/fixtures/tiny_edit.py; or the
/// second with a refiner: tools/fixtures/tiny_refiner.py; or the first two with prompts in webui's syntax:
/// tools/fixtures/webui_prompts.py; or with a second pass: tools/fixtures/hires.py; or FLUX.2 klein: tools/fixtures/tiny_flux2.py, FLUX.1: tiny_flux.py,
/// Z-Image: tiny_z_image.py, Stable Diffusion 3.5: tiny_sd3.py, these four from pictures: tiny_flow_edit.py;
/// PixArt: tiny_pixart.py; SANA: tiny_sana.py.
struct TinyPipeline {
  static let folder = fixture("tiny_pipeline")
  private let folder: String
  private let file: SafetensorsFile
  private let cases: [String: [String: JSONValue]]

  init(_ name: String = "tiny_pipeline") throws {
    folder =
      ["tiny_lcm", "tiny_edit", "webui_prompts", "hires"].contains(name)
      ? Self.folder : fixture(name)
    file = try SafetensorsFile(fixture("\(name).safetensors"))
    let text = Array(try #require(file.metadata["cases"]).utf8)
    let list = try text.withUnsafeBytes { try JSON.parse($0, file: "cases") }.array ?? []
    cases = Dictionary(
      uniqueKeysWithValues: list.compactMap(\.object).map { ($0["name"]?.string ?? "", $0) })
  }

  /// The names of all cases, or of those of a kind, as it is without a fixture at hand.
  static func names(_ kind: String? = nil, of name: String = "tiny_pipeline") -> [String] {
    let all = (try? TinyPipeline(name).cases) ?? [:]
    return all.filter { kind == nil || $0.value["kind"]?.string == kind }.keys.sorted()
  }

  /// The request of a case.
  func request(_ name: String) throws -> ImageRequest {
    let found = try #require(cases[name])
    let kind = found["kind"]?.string
    var request = ImageRequest(prompt: try #require(found["prompt"]?.string))
    request.literalPrompt = found["literal"]?.bool ?? true
    request.negativePrompt = found["negative"]?.string ?? ""
    request.prompt2 = found["prompt_2"]?.string
    request.negativePrompt2 = found["negative_2"]?.string
    request.refinerStart = found["refiner_start"]?.double
    request.originalSize = found["original_size"].flatMap(ImageRequest.Size.init(json:))
    request.cropCorner = found["crop"].flatMap(ImageRequest.Corner.init(json:))
    request.targetSize = found["target_size"].flatMap(ImageRequest.Size.init(json:))
    request.hires = found["hires"].flatMap(Hires.init(json:))
    request.steps = found["steps"]?.integer
    request.guidance = found["guidance"]?.double.map { Float($0) }
    request.imageGuidance = found["image_guidance"]?.double.map { Float($0) }
    request.sampler = found["sampler"]?.string
    request.schedule = found["schedule"]?.string
    request.seed = UInt64(found["seed"]?.integer ?? 0)
    request.width = found["width"]?.integer
    request.height = found["height"]?.integer
    request.clipSkip = found["clip_skip"]?.integer ?? 0
    request.tiledDecoding = found["tiled"]?.bool ?? false
    if let strength = found["strength"]?.double {
      request.strength = strength
      request.initialPicture = try photo()
    }
    if kind == "mask" || kind == "inpainting" { request.mask = try mask() }
    if let count = found["references"]?.integer {
      let names = found["reversed"]?.bool == true ? ["photo 2", "photo"] : ["photo", "photo 2"]
      request.references = try names.prefix(count).map {
        ReferencePicture(name: $0, picture: try picture($0))
      }
    }
    request.pastesKept = false
    return request
  }

  /// The picture that others begin from.
  func photo() throws -> Picture { try picture("photo") }

  /// The model that a case draws with.
  func generator(_ name: String) throws -> ImageGenerator {
    let found = try #require(cases[name])
    if found["kind"]?.string == "inpainting" { return try inpaintingGenerator() }
    if let model = found["model"]?.string {
      return try ImageGenerator(folder: fixture(model), precision: .exact)
    }
    if folder == fixture("tiny_refiner"), name != "alone" {
      return try ImageGenerator(folder: fixture("tiny_xl"), refiner: folder, precision: .exact)
    }
    if file.contains("edit.conv_in.weight") { return try editingGenerator() }
    if file.contains("cond_proj.weight") { return try latentConsistencyGenerator() }
    guard let prediction = found["prediction"] else {
      return try ImageGenerator(folder: folder, precision: .exact)
    }
    return try Self.generator { folder in
      try Self.set("prediction_type", prediction, "\(folder)/scheduler/scheduler_config.json")
    }
  }

  /// Where it is drawn anew.
  func mask() throws -> Mask {
    let (bytes, shape) = try bytes("mask")
    return try Mask(width: shape[1], height: shape[0], pixels: bytes)
  }

  /// The picture that diffusers draws, where the fixture has it.
  func drawn(_ name: String) throws -> Picture? {
    file.contains("\(name).picture") ? try picture("\(name).picture") : nil
  }

  private func picture(_ key: String) throws -> Picture {
    let (bytes, shape) = try bytes(key)
    return try Picture(width: shape[1], height: shape[0], pixels: bytes)
  }

  /// Rows of the fixture's metadata.
  func rows(_ key: String) throws -> [[String: JSONValue]] {
    let text = try #require(file.metadata[key])
    return try JSON.parse(text: text, file: key).array?.compactMap(\.object) ?? []
  }

  /// A tensor in PyTorch's layout.
  func tensor(_ key: String) throws -> Tensor { try #require(try file.tensor(key)) }

  private func bytes(_ key: String) throws -> (bytes: [UInt8], shape: [Int]) {
    let tensor = try tensor(key)
    let raw = UnsafeRawBufferPointer(start: tensor.bytes, count: tensor.elementCount)
    return withExtendedLifetime(tensor) { (Array(raw), tensor.shape) }
  }

  /// Loads the model from a copy of its folder that `change` has altered.
  static func generator(
    changing change: (_ folder: String) throws -> Void
  ) throws -> ImageGenerator {
    try with(Self.folder, changing: change) { $0 }
  }

  /// Loads a model from a copy of its folder that `change` has altered, and uses it while the copy is there.
  static func with<Result>(
    _ model: String, changing change: (_ folder: String) throws -> Void,
    _ body: (ImageGenerator) throws -> Result
  ) throws -> Result {
    try withTemporaryFolder { folder in
      let copy = "\(folder)/model"
      try FileManager.default.copyItem(atPath: model, toPath: copy)
      try change(copy)
      return try body(ImageGenerator(folder: copy, precision: .exact))
    }
  }

  /// The model as one that fills holes.
  func inpaintingGenerator() throws -> ImageGenerator {
    try Self.generator { folder in
      try Self.set("in_channels", .integer(9), "\(folder)/unet/config.json")
      try setWeight("conv_in.weight", tensor("inpainting.conv_in.weight"), of: folder)
    }
  }

  /// The model as one that edits pictures.
  func editingGenerator() throws -> ImageGenerator {
    try Self.generator { folder in
      try Self.set("in_channels", .integer(8), "\(folder)/unet/config.json")
      try setWeight("conv_in.weight", tensor("edit.conv_in.weight"), of: folder)
      try Self.set(
        "_class_name", "StableDiffusionInstructPix2PixPipeline", "\(folder)/model_index.json")
    }
  }

  /// The model as one that has guidance as an input.
  private func latentConsistencyGenerator() throws -> ImageGenerator {
    try Self.generator { folder in
      let weight = try tensor("cond_proj.weight")
      try Self.set("time_cond_proj_dim", .integer(weight.shape[1]), "\(folder)/unet/config.json")
      try setWeight("time_embedding.cond_proj.weight", weight, of: folder)
      let index = "\(folder)/model_index.json"
      try Self.set("_class_name", "LatentConsistencyModelPipeline", index)
      try Self.set("scheduler", ["diffusers", "LCMScheduler"], index)
    }
  }

  /// Uses the model that a case draws with. Of FLUX.1 dev, that is one with guidance as an input, and times that move
  /// with the picture's size.
  func withGenerator<Result>(_ name: String, _ body: (ImageGenerator) throws -> Result) throws
    -> Result
  {
    if cases[name]?["lacks_t5"]?.bool == true {
      let lacking = { (folder: String) in
        for part in ["text_encoder_3", "tokenizer_3"] {
          try Self.set(part, .array([.null, .null]), "\(folder)/model_index.json")
        }
      }
      return try Self.with(folder, changing: lacking, body)
    }
    if cases[name]?["sd3_model"]?.string == "plain" {
      return try Self.with(folder, changing: setStableDiffusion3, body)
    }
    if cases[name]?["sprint"]?.bool == true {
      return try Self.with(folder, changing: setSanaSprint, body)
    }
    if cases[name]?["alpha"]?.bool == true {
      return try Self.with(folder, changing: setPixArtAlpha, body)
    }
    if let model = cases[name]?["flow_model"]?.string {
      return try Self.with(fixture(model), changing: { try change($0, for: name) }, body)
    }
    guard cases[name]?["embeds_guidance"]?.bool == true else { return try body(generator(name)) }
    return try Self.with(folder, changing: setDev, body)
  }

  /// Makes of FLUX.1 schnell what a case draws with: dev, Kontext or Fill.
  private func change(_ folder: String, for name: String) throws {
    guard cases[name]?["embeds_guidance"]?.bool == true else { return }
    try setDev(folder)
    let index = "\(folder)/model_index.json"
    if cases[name]?["edits"]?.bool == true {
      try Self.set("_class_name", "FluxKontextPipeline", index)
    }
    if cases[name]?["fills"]?.bool == true {
      let embedder = try tensor("fill.x_embedder.weight")
      let config = "\(folder)/transformer/config.json"
      try Self.set("in_channels", .integer(embedder.shape[1]), config)
      try Self.set("out_channels", .integer(16), config)
      try setWeight("x_embedder.weight", embedder, of: folder, part: "transformer")
      try Self.set("_class_name", "FluxFillPipeline", index)
    }
  }

  /// Makes SANA-Sprint of SANA.
  private func setSanaSprint(_ folder: String) throws {
    let config = "\(folder)/transformer/config.json"
    try Self.set("guidance_embeds", .bool(true), config)
    try Self.set("qk_norm", .string("rms_norm_across_heads"), config)
    try Self.set("timestep_scale", .integer(1000), config)
    let path = "\(folder)/transformer/diffusion_pytorch_model.safetensors"
    let old = try SafetensorsFile(path)
    let prefix = "sprint."
    let own = try old.names.filter { !$0.hasPrefix("time_embed.emb.") }.map { name in
      (name: name, tensor: try #require(try old.tensor(name)))
    }
    let added = try file.names.filter {
      $0.hasPrefix(prefix) && ($0.hasSuffix("weight") || $0.hasSuffix("bias"))
    }.map { name in
      (name: String(name.dropFirst(prefix.count)), tensor: try tensor(name))
    }
    try SafetensorsFile.write(own + added, to: path)
    try JSON.write(.object(["_class_name": .string("SCMScheduler")])).write(
      toFile: "\(folder)/scheduler/scheduler_config.json", atomically: true, encoding: .utf8)
    let index = "\(folder)/model_index.json"
    try Self.set("_class_name", "SanaSprintPipeline", index)
    try Self.set("scheduler", ["diffusers", "SCMScheduler"], index)
  }

  /// Makes PixArt-α of Σ, which is given sizes.
  private func setPixArtAlpha(_ folder: String) throws {
    let config = "\(folder)/transformer/config.json"
    try Self.set("use_additional_conditions", .bool(true), config)
    for name in file.names where name.hasPrefix("adaln_single.") {
      try setWeight(name, tensor(name), of: folder, part: "transformer")
    }
    try Self.set("_class_name", "PixArtAlphaPipeline", "\(folder)/model_index.json")
  }

  /// Makes FLUX.1 dev of schnell.
  private func setDev(_ folder: String) throws {
    try Self.set("guidance_embeds", .bool(true), "\(folder)/transformer/config.json")
    for name in file.names where name.contains("guidance_embedder") {
      try setWeight(name, tensor(name), of: folder, part: "transformer")
    }
    let scheduler = "\(folder)/scheduler/scheduler_config.json"
    try Self.set("use_dynamic_shifting", .bool(true), scheduler)
    try Self.set("shift", .integer(3), scheduler)
    try Self.set("base_image_seq_len", .integer(4), scheduler)
    try Self.set("max_image_seq_len", .integer(400), scheduler)
  }

  /// Makes Stable Diffusion 3's transformer of 3.5's, without norms of heads and second attention.
  private func setStableDiffusion3(_ folder: String) throws {
    let config = "\(folder)/transformer/config.json"
    try Self.set("qk_norm", .null, config)
    try Self.set("dual_attention_layers", .array([]), config)
    let path = "\(folder)/transformer/diffusion_pytorch_model.safetensors"
    let old = try SafetensorsFile(path)
    let kept = old.names.filter { name in
      ![".attn2.", ".norm_q.", ".norm_k.", ".norm_added_"].contains(where: name.contains)
    }
    try SafetensorsFile.write(
      kept.map { name in
        let tensor = try #require(try old.tensor(name))
        let rows = 6 * 16
        return name.contains(".norm1.linear.") && tensor.shape[0] > rows
          ? (name: name, tensor: try tensor.sliced(axis: 0, 0..<rows).contiguous())
          : (name: name, tensor: tensor)
      }, to: path)
  }

  /// Puts a tensor into the denoiser's checkpoint, instead of one of that name where there is one.
  private func setWeight(
    _ name: String, _ tensor: Tensor, of folder: String, part: String = "unet"
  ) throws {
    let path = "\(folder)/\(part)/diffusion_pytorch_model.safetensors"
    let old = try SafetensorsFile(path)
    let others = try old.names.filter { $0 != name }.map { name in
      (name: name, tensor: try #require(try old.tensor(name)))
    }
    try SafetensorsFile.write(others + [(name: name, tensor: tensor)], to: path)
  }

  /// Changes a setting of a JSON file.
  static func set(_ key: String, _ value: JSONValue, _ path: String) throws {
    var members = try #require(try JSON.read(path).object)
    members[key] = value
    try JSON.write(.object(members)).write(toFile: path, atomically: true, encoding: .utf8)
  }
}
