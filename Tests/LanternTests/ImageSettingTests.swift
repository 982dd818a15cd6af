import Lantern
import LanternFormats
import TestSupport
import Testing

/// The table of a picture's settings is whole, and says what recipes and texts say.
@Suite("Settings of a picture") struct ImageSettingTests {
  /// A value that is not the default, as a recipe has it.
  private func sample(_ setting: ImageSetting) throws -> JSONValue {
    switch setting.name {
    case "sampler": return "euler_a"
    case "schedule": return "karras"
    case "convention": return "kdiffusion"
    case "cache": return "taylor:2"
    case "originalSize", "targetSize": return "640x480"
    case "cropCorner": return "16,40"
    case "projectedGuidance": return [0.25, 7.5, -0.5]
    case "dynamicThresholding": return [2.5, 0.5]
    case "pastesKept": return false
    case "imageGuidance": return 2.5
    case "hires":
      return .object([
        "size": "1.5x", "denoise": 0.5, "steps": 3, "upscaler": "latent-nearest",
        "prompt": "a cat", "negative": "b", "sampler": "ddim", "schedule": "karras",
        "guidance": 2.5,
      ])
    case "controls":
      let one: [String: JSONValue] = [
        "network": "edges", "strength": 0.5, "start": 0.25, "end": 0.75,
      ]
      return .array([.object(one)])
    case "imagePrompts":
      let one: [String: JSONValue] = [
        "adapter": "cat", "scale": 0.5, "encoder": "large", "start": 0.25, "end": 0.5,
        "masked": true,
      ]
      return .array([.object(one)])
    default: break
    }
    switch setting.type {
    case "integer": return 3
    case "integer of 64 bits": return .string("\(UInt64.max)")
    case "number": return 0.5
    case "two numbers": return [0.5, 4.5]
    case "text": return "snow, \"ice\""
    case "flag", "picture": return true
    case "list: name": return ["toy.pt:<toy>"]
    case "list: file's name": return ["cat.png", "dog.png"]
    default: throw Missing(name: setting.name)
    }
  }

  /// A type of which there is no sample here.
  private struct Missing: Error {
    let name: String
  }

  /// The request of a recipe, with a picture to begin from and a mask.
  private func request(_ recipe: PictureRecipe?) throws -> ImageRequest {
    var request = try #require(recipe).request
    let reference = try TinyPipeline()
    request.initialPicture = try reference.photo()
    request.mask = try reference.mask()
    return request
  }

  /// The recipe that a picture's file tells.
  private func recipe(_ values: [String: JSONValue]) throws -> PictureRecipe? {
    try PictureRecipe(["lantern": JSON.write(.object(values))])
  }

  @Test(
    "every field of a request has a row, but for its prompt's origin and where its names are; none stands twice"
  )
  func isWhole() {
    let fields = Mirror(reflecting: ImageRequest(prompt: "")).children.compactMap(\.label)
    let others = ["enrichedPrompt", "namesServerFiles"]
    #expect(Set(fields) == Set(ImageSetting.all.map(\.field) + others))
    let lists = [
      ImageSetting.all.map(\.name), ImageSetting.all.compactMap(\.key),
      ImageSetting.all.compactMap { $0.option?.name },
    ]
    for list in lists { #expect(list.count == Set(list).count, "\(list)") }
    for setting in ImageSetting.all {
      #expect(setting.name == setting.field || setting.key == nil, "\(setting.name)")
    }
  }

  @Test("a recipe tells every setting that is not as it would be without, and no other")
  func recipes() throws {
    let plain = ImageSetting.recipe(of: ImageRequest(prompt: ""))
    let always = ["prompt", "steps", "sampler", "guidance", "seed", "width", "height"]
    #expect(Set(plain.keys) == Set(always))
    for setting in ImageSetting.all {
      guard let key = setting.key else { continue }
      let value = try sample(setting)
      #expect(plain[key] != value, "\(key)")
      #expect(ImageSetting.recipe(of: try request(recipe([key: value])))[key] == value, "\(key)")
    }
  }

  @Test("webui's text tells what it has a name for")
  func webUI() throws {
    let base: [String: JSONValue] = [
      "prompt": "a fox", "steps": 2, "guidance": 3.5, "sampler": "ddim", "seed": "5",
      "width": 64, "height": 72, "from_picture": true,
    ]
    var count = 0
    for setting in ImageSetting.all where !setting.webUINames.isEmpty {
      let key = try #require(setting.key)
      var values = base
      values[key] = try sample(setting)
      let text = try #require(try recipe(values)).parameters
      for name in setting.webUINames {
        let other = text.replacing("\(setting.webUINames[0]): ", with: "\(name): ")
        let read = try request(try PictureRecipe(["parameters": other]))
        #expect(ImageSetting.recipe(of: read)[key] == values[key], "\(name)")
      }
      count += 1
    }
    #expect(count > 10)
  }

  @Test("to forget the sampling leaves open how to step and how to guide, and nothing else")
  func forgetting() throws {
    var values: [String: JSONValue] = [:]
    for setting in ImageSetting.all {
      if let key = setting.key { values[key] = try sample(setting) }
    }
    var request = try request(recipe(values))
    let old = ImageSetting.recipe(of: request)
    request.forgetSampling()
    let new = ImageSetting.recipe(of: request)
    let open = ImageSetting.recipe(of: ImageRequest(prompt: ""))
    for setting in ImageSetting.all {
      guard let key = setting.key else { continue }
      let isForgotten = [.stepping, .guidance].contains(setting.part)
      #expect(new[key] == (isForgotten ? open : old)[key], "\(key)")
    }
  }
}
