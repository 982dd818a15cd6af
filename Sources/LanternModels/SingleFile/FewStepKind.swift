package import LanternFormats

/// A way to distill a model to few steps without guidance, and the scheduler that goes with it. One row each.
package struct FewStepKind: Sendable {
  /// As people call it.
  package let name: String
  /// Words, one after the other, by which a file's metadata names it: one of these lists.
  let words: [[String]]
  /// The class of scheduler.
  let scheduler: String
  /// What its `scheduler_config.json` says in addition to what others of the kind of model say.
  let settings: [String: JSONValue]
  /// Steps when nothing is said.
  package let steps: Int

  /// The published ones: adversarial diffusion distillation (Sauer et al. 2023, arXiv:2311.17042),
  /// SDXL-Lightning (Lin et al. 2024, arXiv:2402.13929), Hyper-SD (Ren et al. 2024, arXiv:2404.13686), improved
  /// distribution matching (Yin et al. 2024, arXiv:2405.14867), trajectory consistency (Zheng et al. 2024,
  /// arXiv:2402.19159) and latent consistency (Luo et al. 2023, arXiv:2310.04378), with the schedulers that
  /// their authors name.
  static let all = [
    FewStepKind(
      name: "DMD2", words: [["dmd2"]], scheduler: "LCMScheduler",
      // Timesteps 999, 749, 499 and 249.
      settings: ["original_inference_steps": .integer(4)], steps: 4),
    FewStepKind(
      name: "Lightning", words: [["lightning"]], scheduler: "EulerDiscreteScheduler",
      settings: trailing, steps: 4),
    FewStepKind(
      name: "Hyper-SD", words: [["hyper", "sd"], ["hyper", "sdxl"], ["hypersd"], ["hypersdxl"]],
      scheduler: "DDIMScheduler",
      settings: trailing.merging([
        "clip_sample": .bool(false), "set_alpha_to_one": .bool(false),
      ]) { $1 }, steps: 8),
    FewStepKind(
      name: "Turbo", words: [["turbo"]], scheduler: "EulerAncestralDiscreteScheduler",
      settings: trailing, steps: 4),
    FewStepKind(
      name: "TCD", words: [["tcd"]], scheduler: "TCDScheduler",
      settings: ["original_inference_steps": .integer(50)], steps: 4),
    FewStepKind(
      name: "LCM", words: [["lcm"]], scheduler: "LCMScheduler",
      settings: ["original_inference_steps": .integer(50)], steps: 4),
  ]

  private static let trailing: [String: JSONValue] = ["timestep_spacing": .string("trailing")]

  /// The keys of metadata that name a model (the Stability AI model metadata standard).
  private static let keys = ["modelspec.title", "modelspec.tags", "modelspec.architecture"]

  /// Which one a file's metadata names.
  ///
  /// - Parameter metadata: the texts of its header.
  /// - Returns: the kind, the steps that the same text names or the kind's own, and the key; nil for none.
  package static func of(_ metadata: [String: String]) -> (
    kind: FewStepKind, steps: Int, key: String
  )? {
    for key in keys {
      let words = (metadata[key] ?? "").lowercased().prefix(4096)
        .split { !($0.isLetter || $0.isNumber) }.map(String.init)
      func stands(_ wanted: [String]) -> Bool {
        words.indices.contains { words[$0...].starts(with: wanted) }
      }
      guard let kind = all.first(where: { $0.words.contains(where: stands) }) else { continue }
      return (kind, steps(in: words) ?? kind.steps, key)
    }
    return nil
  }

  /// The number of steps that words tell: "4step", "8 steps".
  private static func steps(in words: [String]) -> Int? {
    for (index, word) in words.enumerated() {
      let digits = word.prefix { $0.isASCII && $0.isNumber }
      let rest = digits.count < word.count ? String(word.dropFirst(digits.count)) : nil
      let unit = rest ?? (index + 1 < words.count ? words[index + 1] : "")
      if let count = Int(digits), (1...32).contains(count), ["step", "steps"].contains(unit) {
        return count
      }
    }
    return nil
  }

  /// Which one a model's scheduler is of. Euler's, with timesteps that end at the last, are Turbo's and
  /// Lightning's unless they are for velocity, which they serve otherwise.
  ///
  /// - Parameters:
  ///   - name: its class.
  ///   - config: its settings.
  /// - Returns: the kind, and what tells; nil for none.
  package static func of(scheduler name: String, _ config: Config) -> (
    kind: FewStepKind, rule: String
  )? {
    let isTrailing = config.value("timestep_spacing")?.string == "trailing"
    let type = config.value("prediction_type")?.string ?? "epsilon"
    let isPlain = type == "epsilon" && config.value("rescale_betas_zero_snr")?.bool != true
    let isEuler = name.hasPrefix("Euler")
    guard ["LCMScheduler", "TCDScheduler"].contains(name) || isEuler && isTrailing && isPlain,
      let kind = all.last(where: { $0.scheduler == name })
    else { return nil }
    return (kind, isEuler ? "\(name) with trailing timesteps" : name)
  }
}
