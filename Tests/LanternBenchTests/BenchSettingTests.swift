import Lantern
import LanternBench
import LanternFormats
import TestSupport
import Testing

/// The table of a bench's settings is whole, and says what results.json holds.
@Suite("Settings of a bench") struct BenchSettingTests {
  /// Settings that differ from the standard ones in every field.
  private var strange: SamplerBench.Settings {
    var settings = SamplerBench.Settings(
      samplers: ["euler"], schedules: [nil, "karras"], steps: [3], prompts: ["a fox"], seeds: [7])
    (settings.guidances, settings.caches) = ([nil, 2.5], [nil, StepCache("taylor:2")])
    (settings.width, settings.height, settings.eta) = (72, 64, 0.5)
    (settings.convention, settings.precision) = (.kDiffusion, .int8)
    (settings.loras, settings.judge) = (["a:0.5"], "hash")
    return settings
  }

  @Test("every field has a row, and no name, key or option stands twice")
  func isWhole() {
    let fields = Mirror(reflecting: strange).children.compactMap(\.label)
    #expect(Set(fields) == Set(BenchSetting.all.map(\.field)))
    let lists = [
      BenchSetting.all.map(\.name), BenchSetting.all.compactMap(\.key),
      BenchSetting.all.compactMap { $0.option?.name },
    ]
    for list in lists { #expect(list.count == Set(list).count, "\(list)") }
  }

  @Test("settings are read as they were written; what is as without is not written")
  func keys() throws {
    let values = BenchSetting.recipe(of: strange)
    #expect(values.count == BenchSetting.all.count)
    #expect(values["schedules"] == ["", "karras"] && values["guidances"] == [.null, 2.5])
    #expect(values["caches"] == ["", "taylor:2"])
    #expect(try BenchSetting.request(of: values, file: "f") == strange)
    let few = BenchSetting.recipe(of: .default)
    #expect(Set(few.keys) == ["samplers", "schedules", "steps", "prompts", "seeds"])
    // Older files have one guidance for all.
    let old = few.merging(["guidance": 4]) { $1 }
    #expect(try BenchSetting.request(of: old, file: "f").guidances == [4])
  }

  @Test("a setting that is missing or of another type is refused by its key")
  func damaged() throws {
    let values = BenchSetting.recipe(of: strange)
    for key in ["samplers", "schedules", "steps", "prompts", "seeds"] {
      var fewer = values
      fewer[key] = nil
      #expect(throws: FormatError.missingKey(key: key, file: "f")) {
        try BenchSetting.request(of: fewer, file: "f")
      }
    }
    for key in values.keys {
      let other = values.merging([key: [true]]) { $1 }
      let error = #expect(throws: FormatError.self) {
        try BenchSetting.request(of: other, file: "f")
      }
      #expect(error.map { "\($0)" }?.contains(key) == true, "\(key)")
    }
  }

  @Test("what is a picture's setting too has its option's name and help from there")
  func shared() throws {
    for name in ["width", "height", "eta", "convention"] {
      let bench = try #require(BenchSetting.all.first { $0.name == name }?.option)
      let image = try #require(ImageSetting.all.first { $0.name == name }?.option)
      #expect(bench.name == image.name && bench.helpWithDefault == image.helpWithDefault)
    }
    for (name, other) in [("guidances", "guidance"), ("steps", "steps")] {
      let bench = try #require(BenchSetting.all.first { $0.name == name }?.option)
      let image = try #require(ImageSetting.all.first { $0.name == other }?.option)
      #expect(bench.name == image.name && bench.short == image.short)
    }
  }
}
