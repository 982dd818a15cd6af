import Lantern
import LanternFormats
import LanternPlatform
import LanternTensor
import TestSupport
import Testing

/// Options of the command line are those of the table of settings.
@Suite("Settings on the command line") struct ImageSettingOptionTests {
  @Test("every option of a story's, a painted picture's and a text's table is one of its command")
  func isThereToo() throws {
    func expect<Request>(_ settings: [Setting<Request>], of command: String) throws {
      let found = try #require(try CommandTable.commands().first { $0.name == command })
      for option in settings.compactMap(\.option) {
        for name in [option.name] + option.aliases {
          #expect(found.spellings.contains("--" + name), "\(command) \(name)")
        }
      }
    }
    try expect(StorySetting.all, of: "story")
    try expect(TokenPictureSetting.all, of: "paint")
    try expect(LanguageSetting.all, of: "write")
  }

  @Test("every setting's option is one of lantern image")
  func isThere() throws {
    let image = try #require(try CommandTable.commands().first { $0.name == "image" })
    for setting in ImageSetting.all {
      let option = try #require(setting.option)
      #expect(image.options.contains { $0.name == "--" + option.name }, "\(option.name)")
      if let short = option.short { #expect(image.spellings.contains("-\(short)")) }
    }
  }

  /// The option with a value that is not the default.
  private func arguments(_ option: SettingOption<ImageRequest>) throws -> [String] {
    let name: String
    switch option.kind {
    case .value(let value), .values(let value): name = value
    case .flag, .invertibleFlag:
      // The opposite is what a mask's setting is not without it.
      return [option.name == "paste" ? "--no-paste" : "--" + option.name]
    }
    let samples = [
      "count": "1", "scale": "0.25", "share": "0.5", "length": "7.5", "pixels": "72",
      "number": "7", "text": "snow", "file": "a.png", "picture": "a.png", "program": "kdiffusion",
      "low-high": "0.5-4.5", "size": "640x480", "left,top": "16,40", "strength": "0.5",
      "file[:word]": "toy.safetensors:fox", "factor or size": "1.5x",
      "name or file": "latent-nearest",
      "adapter:picture": fixture("tiny_ip_adapter/plain.safetensors") + ":"
        + repositoryPath("samples/fox.png"),
      "file or folder": fixture("tiny_ip_adapter/image_encoder"),
      "network:picture": fixture("tiny_control/first") + ":" + repositoryPath("samples/fox.png"),
    ]
    let names = [
      "sampler": "euler_a", "schedule": "karras", "cache": "taylor:2", "image-guidance": "2.5",
      "hires-sampler": "euler_a", "hires-schedule": "karras",
    ]
    return ["--" + option.name, try #require(names[option.name] ?? samples[name])]
  }

  /// Recipes of runs without the option, by their arguments: most options share one.
  private static let plain = Locked<[[String]: [String: JSONValue]]>([:])

  @Test(
    "what an option was given stands in the picture's recipe, under the setting's key",
    // Neither previews nor where prompts are kept change a picture.
    arguments: ImageSetting.all.map(\.name).filter {
      !$0.hasPrefix("preview") && $0 != "promptCache"
    })
  func arrives(name: String) throws {
    let setting = try #require(ImageSetting.all.first { $0.name == name })
    let option = try #require(setting.option)
    let whole = try #require(ImageSetting.all.first { $0.name == setting.field })
    let key = try #require(whole.key)
    try withTemporaryFolder { folder in
      try SafetensorsFile.write(
        [("emb_params", try Tensor(repeating: 1, shape: [1, 16]))], to: "\(folder)/toy.safetensors")
      // The model that the ControlNet and the IP-Adapter were made for.
      let hasReferences = name == "references"
      let model = fixture(
        hasReferences ? "tiny_flux2" : setting.part == .control ? "tiny_pipeline" : "tiny_model")
      let size = hasReferences ? ["-W", "64", "-H", "64"] : []
      let begin = ["image", "-m", model, "--json", "--seed", "5"] + size + ["-o"]
      func recipe(_ name: String, _ more: [String]) throws -> [String: JSONValue] {
        let words = more.contains("--prompt") ? [] : ["a fox"]
        let steps = more.contains("--steps") ? [] : ["--steps", "2"]
        // It draws fresh noise, and guides as CFG++ too.
        let sampler = more.contains("--sampler") || hasReferences ? [] : ["--sampler", "ddim"]
        let run = try Program.run(begin + [name] + steps + sampler + more + words, in: folder)
        #expect(run.code == 0, "\(run.errors) \(run.output)")
        let events = try run.events()
        return try #require(events.first { $0["recipe"] != nil }?["recipe"]?.object)
      }
      var around: [String] = []
      if setting.part == .picture, name != "initialPicture" { around += ["--init", "a.png"] }
      if let companion = option.companion?.name, companion != "initialPicture" {
        let other = try #require(ImageSetting.all.first { $0.name == companion }?.option)
        around += try arguments(other)
      }
      let given = try arguments(option)
      if (around + given).contains("a.png") { _ = try recipe("a.png", []) }
      let run = [model] + around
      var without = Self.plain { $0[run] }
      if without == nil {
        without = try recipe("b.png", around)
        Self.plain { $0[run] = without }
      }
      let value = try recipe("c.png", around + given)[key]
      #expect(value != nil && value != without?[key], "\(key)")
    }
  }
}
