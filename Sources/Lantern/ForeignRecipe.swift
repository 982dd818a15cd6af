import LanternFormats
import LanternSamplers
import LanternTokenizers

/// Another program's settings on their way into a recipe: what is heeded, and what is told.
struct ForeignRecipe {
  /// What a setting of another program is here.
  enum Setting {
    case prompt, negative, steps, guidance, seed, sampler, schedule, width, height, size, model
    case modelHash, eta, strength, rescale, rho
    /// Layers of the text encoder that are left out, with 1 for none as webui has it.
    case clipSkipFromOne
    /// The same with 0 for none.
    case clipSkip
    /// The same with −1 for none, as ComfyUI has it.
    case clipLayer
    /// Says nothing of the picture.
    case told
  }

  /// Whose settings they are.
  let program: String
  /// By the names of a recipe.
  private(set) var values: [String: JSONValue] = [:]
  /// Lines to be told.
  private(set) var notes: [String] = []
  private var unheeded: [String] = []
  private var schedule: String?
  private var rho: Double?

  init(program: String) { self.program = program }

  /// Takes over a setting; what cannot be is told.
  mutating func take(_ name: String, _ text: String, as setting: Setting) {
    var isTaken = true
    switch setting {
    case .prompt:
      let (prompt, tags) = PromptSyntax.withoutTags(text)
      values["prompt"] = .string(tags.isEmpty ? prompt : prompt.trimmed)
      add(loras: tags.filter { $0.kind != "hypernet" }.map { Self.label($0.name, $0.arguments) })
      if let other = tags.first(where: { $0.kind == "hypernet" }) { unheeded.append(other.text) }
    case .negative: values["negative"] = .string(text)
    case .steps: isTaken = put("steps", Self.integer(text).map(JSONValue.integer))
    case .guidance: isTaken = put("guidance", Self.number(text).map(JSONValue.number))
    case .seed: isTaken = put("seed", Self.seed(text).map(JSONValue.string))
    case .sampler: values["sampler"] = .string(text)
    case .schedule: schedule = text
    case .width: isTaken = put("width", Self.integer(text).map(JSONValue.integer))
    case .height: isTaken = put("height", Self.integer(text).map(JSONValue.integer))
    case .size:
      let sizes = text.split { "x×,() ".contains($0) }.map { Int($0) }
      isTaken = sizes.count == 2 && sizes.allSatisfy { $0 != nil }
      if isTaken {
        (values["width"], values["height"]) = (Self.whole(sizes[0]), Self.whole(sizes[1]))
      }
    case .model: values["model"] = .string(text)
    case .modelHash: values["model_hash"] = .string(text.lowercased())
    case .eta: isTaken = put("eta", Self.number(text).map(JSONValue.number))
    case .strength:
      isTaken = put("strength", Self.number(text).map(JSONValue.number))
    case .rescale: isTaken = put("guidance_rescale", Self.number(text).map(JSONValue.number))
    case .rho: rho = Self.number(text)
    case .clipSkip: isTaken = put("clip_skip", Self.integer(text).map { .integer(max($0, 0)) })
    case .clipSkipFromOne:
      isTaken = put("clip_skip", Self.integer(text).map { .integer($0 > 1 ? $0 - 1 : 0) })
    case .clipLayer:
      isTaken = put(
        "clip_skip", Self.integer(text).map { .integer($0 < -1 ? -1 - max($0, -1000) : 0) })
    case .told: break
    }
    if !isTaken { pass(over: name, text) }
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

  /// The name of a LoRA's file, and its strength after a colon: the first number of what stands
  /// behind the name in a tag.
  static func label(_ name: String, _ arguments: String) -> String {
    let strength = arguments.split(separator: ":").first.flatMap { number(String($0)) } ?? 1
    let file = FileSystem.split(name).name
    let hasEnding = file.hasSuffix(".safetensors")
    return "\(file)\(hasEnding ? "" : ".safetensors"):\(strength == 1 ? "1" : "\(strength)")"
  }

  /// Settles what several settings decide together, and says in one line what has no effect.
  mutating func finish() {
    settleSampler()
    guard !unheeded.isEmpty else { return }
    let most = 16
    let shown = unheeded.prefix(most).map(PromptSyntax.shown).joined(separator: ", ")
    let others = unheeded.count > most ? " and \(unheeded.count - most) more" : ""
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

  /// webui divides the guidance of CFG++ by 12.5.
  private mutating func takeCFGPlusPlus() {
    values["cfg_plus_plus"] = .bool(true)
    if let guidance = values["guidance"]?.double {
      values["guidance"] = .number(min(max(guidance / 12.5, 0), 1))
    }
  }

  /// Fresh noise is for samplers that draw some; stable-diffusion.cpp writes 0 for all of them.
  private mutating func settleEta(of row: SamplerCatalogue.Row) {
    guard let eta = values["eta"]?.double else { return }
    let isMute = program.hasPrefix("stable-diffusion.cpp") && eta == 0
    if row.defaultEta == nil || !(0...1).contains(eta) || isMute { drop("eta", as: "Eta") }
  }

  private mutating func put(_ key: String, _ value: JSONValue?) -> Bool {
    if let value { values[key] = value }
    return value != nil
  }

  private static func whole(_ number: Int?) -> JSONValue? { number.map(JSONValue.integer) }

  private static func integer(_ text: String) -> Int? {
    Int(text) ?? number(text).flatMap { Int(exactly: $0) }
  }

  private static func number(_ text: String) -> Double? {
    text.utf8.count <= 64 ? Double(text).flatMap { $0.isFinite ? $0 : nil } : nil
  }

  /// A seed as a recipe writes it: −1 for any, other negative ones as PyTorch takes them.
  private static func seed(_ text: String) -> String? {
    if let number = Int64(text) { return number == -1 ? "-1" : String(UInt64(bitPattern: number)) }
    return UInt64(text).map { String($0) }
  }
}

extension String {
  /// The text without spaces and line feeds at both ends.
  var trimmed: String {
    var text = self[...]
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text.drop(while: \.isWhitespace))
  }
}
