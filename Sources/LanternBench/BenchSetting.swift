package import Lantern
import LanternFormats
import LanternLayers
import LanternSamplers
package import LanternTensor

/// A setting of a bench of samplers.
package typealias BenchSetting = Setting<SamplerBench.Settings>

// The table of `lantern bench samplers` and of the settings in results.json; how a row is added stands
// in ImageSetting+Table.swift. What is a picture's setting too is made from that row.
extension SamplerBench.Settings: Configurable {
  package static let settings = BenchSetting.axes + BenchSetting.common
  /// The defaults.
  package static let `default` = SamplerBench.Settings(
    samplers: SamplerCatalogue.rows.map(\.name) + [fast], schedules: [nil],
    steps: [1, 2, 4, 8, 16, 32, 64],
    prompts: [
      "a red fox on the beach", "three penguins in the snow",
      "a rocket above a purple moon in space",
      "a green cat to the left of a yellow car in a meadow",
    ], seeds: [1])

  /// The schedules' names; the model's own is empty.
  fileprivate var scheduleNames: [String] {
    get { schedules.map { $0 ?? "" } }
    set { schedules = newValue.map { $0.isEmpty ? nil : $0 } }
  }

  /// The caches' texts; none is empty.
  fileprivate var cacheTexts: [String] {
    get { caches.map { $0?.text ?? "" } }
    set { caches = newValue.map(StepCache.init(_:)) }
  }
}

extension BenchSetting {
  /// What makes a cell: a list, of which each is drawn with each.
  static var axes: [BenchSetting] { [samplers, schedules, guidances, steps, caches] }

  /// What holds for all cells alike.
  static var common: [BenchSetting] {
    [prompts, seeds, width, height, eta, convention, loras, precision, judge]
  }

  package static var samplers: BenchSetting {
    BenchSetting(
      "samplers", \.samplers, .stepping, key: "samplers", writing: .always,
      range: ImageSetting.sampler.range,
      option: SettingOption(
        "samplers", .value("names"),
        "Names with commas between them, fast for the model's LoRA for few steps, or all.",
        default: "all", takesDashes: false
      ).taking(
        String.self,
        assign: { text, settings in
          settings.samplers =
            try text == "all"
            ? SamplerBench.Settings.default.samplers
            : CommaList.names(text, "samplers") { name in
              let fast = SamplerBench.Settings.fast
              return name == fast ? fast : try SamplerCatalogue.row(named: name).name
            }
        }))
  }

  package static var schedules: BenchSetting {
    BenchSetting(
      "schedules", \.scheduleNames, .stepping, key: "schedules", writing: .always,
      range: ImageSetting.schedule.range,
      option: SettingOption(
        "schedules", .value("names"),
        "Names with commas between them, default for the model's own, or all.",
        default: "default", takesDashes: false
      ).taking(
        String.self,
        assign: { text, settings in
          settings.schedules =
            try text == "all"
            ? [nil] + Spacing.allCases.map(\.rawValue)
            : CommaList.names(text, "schedules") { name in
              name == "default" ? nil : try SamplerCatalogue.spacing(named: name).rawValue
            }
        }))
  }

  package static var guidances: BenchSetting {
    BenchSetting(
      "guidances", \.guidances, .guidance, key: "guidances",
      read: { recipe, settings in
        // Older files have one guidance for all cells. The model's own is null.
        let found = recipe["guidances"]?.array ?? [recipe["guidance"] ?? .null]
        settings.guidances = found.map { $0.double.map { Float($0) } }
        return zip(found, settings.guidances).allSatisfy { $0 == .null || $1 != nil }
      },
      range: "0 to 1000",
      option: SettingOption(
        like: ImageSetting.guidance, .value("numbers"),
        "How closely to follow the prompt: numbers with commas between them."
      )?.taking(
        String.self,
        assign: { list, settings in
          // Of `Float?` a number out of range would be one of the list.
          let numbers: [Float] = try CommaList.numbers(list, ImageSetting.guidance.title) { text in
            Float(text).flatMap { ImageSetting.guidanceScales.contains($0) ? $0 : nil }
          }
          settings.guidances = numbers
        }))
  }

  package static var steps: BenchSetting {
    BenchSetting(
      "steps", \.steps, .stepping, key: "steps", writing: .always, range: "1 to 1000",
      option: SettingOption(
        like: ImageSetting.steps, .value("numbers"), "Numbers with commas between them.",
        default: SamplerBench.Settings.default.steps.map { "\($0)" }.joined(separator: ",")
      )?.taking(
        String.self,
        assign: {
          $1.steps = try CommaList.numbers($0, ImageSetting.steps.title) { text in
            Int(text).flatMap { (1...1000).contains($0) ? $0 : nil }
          }
        }))
  }

  package static var caches: BenchSetting {
    BenchSetting(
      "caches", \.cacheTexts, .stepping, key: "caches", range: "none, \(StepCache.allowed)",
      option: SettingOption(
        "caches", .value("names"),
        "Reuse of features between steps: names with commas between them, none for not at all.",
        default: "none", takesDashes: false
      ).taking(
        String.self,
        assign: { text, settings in
          settings.caches = try CommaList.names(text, "caches") { name in
            name == "none" ? nil : try ImageSetting.cache(name)
          }
        }))
  }

  package static var prompts: BenchSetting {
    BenchSetting(
      "prompts", \.prompts, .prompt, key: "prompts", writing: .always,
      option: SettingOption(
        "prompts", .value("file"), "A file of prompts: \(OptionText.linesHelp).",
        default: "four in the picturebook's words", takesDashes: false, text: .linesOfFile))
  }

  package static var seeds: BenchSetting {
    BenchSetting(
      "seeds", \.seeds, .noise, key: "seeds", writing: .always,
      option: SettingOption(
        "seeds", .value("numbers"), "Seeds with commas between them.", default: "1",
        takesDashes: false
      ).taking(
        String.self, assign: { $1.seeds = try CommaList.numbers($0, "seeds") { UInt64($0) } }))
  }

  package static var width: BenchSetting {
    BenchSetting(
      "width", \.width, .size, title: "size", key: "width",
      option: SettingOption(like: ImageSetting.width))
  }

  package static var height: BenchSetting {
    BenchSetting(
      "height", \.height, .size, title: "size", key: "height",
      option: SettingOption(like: ImageSetting.height))
  }

  package static var eta: BenchSetting {
    BenchSetting(
      "eta", \.eta, .stepping, key: "eta", range: ImageSetting.eta.range,
      option: SettingOption(like: ImageSetting.eta))
  }

  package static var convention: BenchSetting {
    BenchSetting(
      "convention", \.convention, .stepping, title: "compat", key: "compat",
      option: SettingOption(like: ImageSetting.convention)?.taking(
        String.self, assign: { $1.convention = try SamplerCatalogue.convention(named: $0) }))
  }

  package static var loras: BenchSetting {
    BenchSetting("loras", \.loras, .picture, title: "LoRAs", key: "loras")
  }

  package static var precision: BenchSetting {
    BenchSetting("precision", \.precision, .decoding, key: "precision")
  }

  package static var judge: BenchSetting {
    BenchSetting("judge", \.judge, .picture, key: "judge")
  }
}

extension Precision: SettingValue {
  package typealias Given = Precision
}
