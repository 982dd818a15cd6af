import Lantern
import LanternFormats
import LanternPictures
import LanternTensor
import TestSupport
import Testing

/// Pictures that follow others, or have others next to the prompt: the cases, the pictures, and what diffusers draws. Fixtures by
/// tools/fixtures/tiny_control.py, tiny_adapter.py and tiny_ip_adapter.py.
struct ControlReference {
  let file: SafetensorsFile
  let cases: [String: [String: JSONValue]]
  private let folder: String

  /// - Parameter name: of the fixture, and of the folder that its networks are in.
  /// - Throws: what reading it throws.
  init(_ name: String) throws {
    folder = name
    file = try SafetensorsFile(fixture("\(name).safetensors"))
    let list = try Self.json(file, "cases").array ?? []
    cases = Dictionary(
      uniqueKeysWithValues: list.compactMap(\.object).map { ($0["name"]?.string ?? "", $0) })
  }

  static func json(_ file: SafetensorsFile, _ key: String) throws -> JSONValue {
    let text = Array(try #require(file.metadata[key]).utf8)
    return try text.withUnsafeBytes { try JSON.parse($0, file: key) }
  }

  func picture(_ name: String) throws -> Picture {
    let tensor = try #require(try file.tensor(name))
    let bytes = try tensor.converted(to: .float32).floats().map { UInt8($0) }
    return try Picture(width: tensor.shape[1], height: tensor.shape[0], pixels: bytes)
  }

  func mask(_ name: String) throws -> Mask {
    let tensor = try #require(try file.tensor("\(name).mask"))
    let bytes = try tensor.converted(to: .float32).floats().map { UInt8($0) }
    return try Mask(width: tensor.shape[1], height: tensor.shape[0], pixels: bytes)
  }

  func request(_ name: String) throws -> ImageRequest {
    let found = try #require(cases[name])
    var request = ImageRequest(prompt: try #require(found["prompt"]?.string))
    request.literalPrompt = true
    request.steps = found["steps"]?.integer
    request.guidance = found["guidance"]?.double.map { Float($0) }
    request.sampler = found["sampler"]?.string
    request.seed = 42
    request.width = found["width"]?.integer
    request.height = found["height"]?.integer
    request.guessMode = found["guess"]?.bool ?? false
    request.pastesKept = false
    if let strength = found["strength"]?.double {
      request.strength = strength
      request.initialPicture = try TinyPipeline().photo()
    }
    if found["kind"] == "mask" { request.mask = try TinyPipeline().mask() }
    request.controls = try (found["controls"]?.array ?? []).compactMap(\.object).map { members in
      let network = try #require(members["network"]?.string)
      var control = Control(
        network: fixture(network.contains("/") ? network : "\(folder)/\(network)"),
        picture: try picture(#require(members["picture"]?.string)))
      control.strength = Float(try #require(members["strength"]?.double))
      control.start = try #require(members["start"]?.double)
      control.end = try #require(members["end"]?.double)
      return control
    }
    request.imagePrompts = try (found["prompts"]?.array ?? []).compactMap(\.object).map { members in
      let adapter = try #require(members["adapter"]?.string)
      var prompt = ImagePrompt(
        adapter: fixture("\(folder)/\(adapter)" + (adapter.contains(".") ? "" : ".safetensors")),
        picture: try picture(#require(members["picture"]?.string)))
      prompt.scale = Float(try #require(members["scale"]?.double))
      prompt.start = members["start"]?.double ?? 0
      prompt.end = members["end"]?.double ?? 1
      prompt.mask = try members["mask"]?.string.map(mask)
      return prompt
    }
    return request
  }

  /// The model that draws a case.
  func generator(_ name: String) throws -> ImageGenerator {
    try Self.generator(cases[name]?["kind"]?.string)
  }

  static func generator(_ kind: String? = nil) throws -> ImageGenerator {
    try ImageGenerator(
      folder: fixture(kind == "xl" ? "tiny_xl" : "tiny_pipeline"), precision: .exact)
  }

  /// Checks the latents after each step within 1e-4, and the picture within 1/255.
  func expectParity(_ name: String) throws {
    let trace = Trace()
    let image = try generator(name).draw(request(name), trace: trace)
    let latents = try withTemporaryFolder { folder in
      try trace.write(to: "\(folder)/trace.safetensors")
      return try #require(try SafetensorsFile("\(folder)/trace.safetensors").tensor("latents"))
    }
    let expected = try #require(try file.tensor("\(name).latents"))
    let difference = try expectEqual(latents, expected, relative: 1e-4, name)
    tell(name, isFrom: "diffusers", by: difference)
    let picture = try picture("\(name).picture")
    #expect(image.picture.width == picture.width && image.picture.height == picture.height)
    let worst = zip(image.picture.pixels, picture.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
    #expect(worst <= 1, "\(name): \(worst)/255")
  }
}
