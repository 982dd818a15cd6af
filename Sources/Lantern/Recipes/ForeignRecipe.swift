import LanternPlatform
import LanternFormats
import LanternSamplers
import LanternTokenizers

/// A converter of another program's settings into a recipe, with notes on those without an effect.
package struct ForeignRecipe {
  /// The program that wrote the settings.
  let program: String
  /// By the names of a recipe.
  var values: [String: JSONValue] = [:]
  /// Notes: a line each.
  private(set) var notes: [String] = []
  var unheeded: [String] = []
  /// The schedule and its exponent, until they are settled with the sampler.
  var schedule: String?
  /// See ``schedule``.
  var rho: Double?

  init(program: String) { self.program = program }

  /// Takes over a setting; one that has no effect is noted.
  mutating func take(_ name: String, _ text: String, as reading: Reading) {
    if !reading.take(text, &self) { pass(over: name, text) }
  }

  /// Notes a setting that has no effect here.
  mutating func pass(over name: String, _ text: String) {
    // What is off has no effect anywhere, and torch's noise on a CPU is Lantern's.
    let value = text.lowercased()
    if ["", "none", "false", "0", "0.0", "disable", "null"].contains(value) { return }
    if ["RNG", "rand_device"].contains(name), value == "cpu" { return }
    unheeded.append(name.isEmpty ? text : "\(name): \(text)")
  }

  /// Adds what there is to say.
  mutating func note(_ line: String) { notes.append(line) }

  /// Adds LoRAs, each with its strength after a colon.
  mutating func add(loras: [String]) {
    guard !loras.isEmpty else { return }
    values["loras"] = .array((values["loras"]?.array ?? []) + loras.map(JSONValue.string))
  }

  /// Leaves out what was taken over, as another setting says that it means something else.
  mutating func drop(_ key: String, as name: String) {
    guard let value = values.removeValue(forKey: key) else { return }
    pass(over: name, value.string ?? JSON.write(value))
  }

  /// The label of a LoRA: the name of its file, and what stands behind the name in a tag as strengths.
  static func label(_ name: String, _ arguments: String) -> String {
    let strengths = LoRA.TagStrengths(arguments)
    let own = strengths?.denoiser ?? 1
    let text = strengths?.textEncoder ?? own
    return "\(file(name)):\(LoRA.written(own))" + (text == own ? "" : ":te=\(LoRA.written(text))")
      + LoRA.written(strengths?.blocks ?? [:])
  }

  /// The name of a LoRA's file.
  static func file(_ name: String) -> String {
    let file = FileSystem.split(name).name
    return file.hasSuffix(".safetensors") ? file : "\(file).safetensors"
  }

  /// Settles what several settings decide together, and says in one line what has no effect.
  mutating func finish() {
    settleSampler()
    settleHires()
    if values["hires"]?.object?["size"] == nil { drop("hires", as: "Hires") }
    guard !unheeded.isEmpty else { return }
    let maximum = 16
    let shown = unheeded.prefix(maximum).map(PromptSyntax.shown).joined(separator: ", ")
    let others = unheeded.count > maximum ? " and \(unheeded.count - maximum) more" : ""
    notes.append(
      "of \(PromptSyntax.shown(program))'s settings these have no effect here: \(shown)\(others)")
  }

  /// Samplers and schedules in Lantern's names; one that there is not stays as it is, to be refused
  /// by name.
  private mutating func settleSampler() {
    var curve: Spacing?
    var sampler: String?
    if let name = values["sampler"]?.string {
      if ["", "automatic", "default", "undefined", "none"].contains(name.lowercased()) {
        values["sampler"] = nil
        pass(over: "Sampler", name)
      } else if let meaning = try? SamplerCatalogue.meaning(of: name) {
        sampler = meaning.row.name
        curve = meaning.spacing
        values["sampler"] = .string(meaning.row.name)
        if meaning.usesCFGPlusPlus { takeCFGPlusPlus() }
        notes += meaning.notes
        settleEta(of: meaning.row)
      }
    }
    if let schedule {
      let name = schedule.lowercased()
      if name == "automatic" {
        curve = curve ?? sampler.flatMap(SamplerCatalogue.automaticSpacing)
      } else if let meaning = try? SamplerCatalogue.spacingMeaning(of: schedule) {
        curve = meaning.spacing
        notes += meaning.notes
      } else if !["", "default", "native"].contains(name) {
        pass(over: "Schedule type", schedule)
      }
    }
    values["schedule"] = settled(curve).map { .string($0.rawValue) }
  }

  /// A curve with its exponent: those who write "polyexponential" mean k-diffusion's with ρ = 1,
  /// which is the exponential one; Lantern's has 2.
  private mutating func settled(_ curve: Spacing?) -> Spacing? {
    let named = rho.flatMap { $0 == 0 ? nil : $0 }
    guard curve == .polyexponential, [1, nil].contains(named) else {
      let own = curve == .polyexponential ? 2.0 : curve == .karras ? 7 : nil
      if let named, named != own { unheeded.append("Schedule rho: \(named)") }
      return curve
    }
    notes.append("schedule Polyexponential with rho 1 is \"exponential\"")
    return .exponential
  }

  /// webui divides the guidance of CFG++.
  private mutating func takeCFGPlusPlus() {
    values["cfg_plus_plus"] = .bool(true)
    if let guidance = values["guidance"]?.double {
      values["guidance"] = .number(
        min(max(guidance / ImageSetting.webUIGuidancePerCFGPlusPlus, 0), 1))
    }
  }

  /// Fresh noise is for samplers that draw some; stable-diffusion.cpp writes 0 for all of them.
  private mutating func settleEta(of row: SamplerCatalogue.Row) {
    guard let eta = values["eta"]?.double else { return }
    let isMute = program.hasPrefix("stable-diffusion.cpp") && eta == 0
    if row.defaultEta == nil || !(0...1).contains(eta) || isMute { drop("eta", as: "Eta") }
  }
}

extension String {
  /// The text without spaces and line feeds at both ends.
  package var trimmed: String {
    var text = self[...]
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text.drop(while: \.isWhitespace))
  }
}
