import LanternFormats

/// The names of samplers and schedules in other programs: stable-diffusion-webui and its forks, ComfyUI,
/// stable-diffusion.cpp, InvokeAI, NovelAI. The command line and the metadata of pictures are read with
/// this table.
///
/// Case, spaces, underscores, hyphens and the prefixes and endings that only some programs write
/// (`k_`, `sample_`, `_gpu`) make no difference, and a schedule may follow the sampler:
/// "DPM++ 2M SDE Karras" is `dpmpp_2m_sde_gpu karras`.
extension SamplerCatalogue {
  /// The sampler and schedule that a name stands for.
  package struct Meaning: Sendable {
    /// The sampler.
    package var row: Row
    /// The schedule that follows the sampler, if any.
    package var spacing: Spacing?
    /// Whether guidance is CFG++'s.
    package var usesCFGPlusPlus = false
    /// A line for each part of the name that is not supported.
    package var notes: [String] = []
  }

  /// The sampler and schedule of a name, whichever program wrote it.
  ///
  /// - Throws: ``SamplerError/unknownSampler(name:nearest:known:)``.
  package static func meaning(of name: String) throws(SamplerError) -> Meaning {
    let words = words(of: name)
    // The longest prefix that is a sampler: "lcm" and "ddim" name schedules too.
    for end in stride(from: words.count, to: 0, by: -1) {
      let key = words[..<end].joined()
      let tail = words[end...].joined()
      let curve = tail.isEmpty ? nil : spacings[tail] ?? suffixes[tail]
      guard tail.isEmpty || curve != nil else { continue }
      if let index = indices[key] {
        return Meaning(row: rows[index], spacing: curve, usesCFGPlusPlus: false)
      }
      if key == "ddimcfg++", let index = indices["ddim"] {
        return Meaning(row: rows[index], spacing: curve, usesCFGPlusPlus: true)
      }
      if let near = likenesses[key], let index = indices[near] {
        let row = rows[index]
        return Meaning(
          row: row, spacing: curve,
          notes: ["sampler \(quoted(name)) is not built: \(row.name) draws in its place"])
      }
    }
    let known = rows.map(\.name)
    throw .unknownSampler(
      name: name, nearest: Spelling.nearest(to: name.lowercased(), in: known), known: known)
  }

  /// The schedule of a name, whichever program wrote it, and a line where the nearest supported one is
  /// used.
  ///
  /// - Throws: ``SamplerError/unknownSchedule(name:nearest:known:)``.
  package static func spacingMeaning(of name: String) throws(SamplerError) -> (
    spacing: Spacing, notes: [String]
  ) {
    let key = key(name)
    if let spacing = spacings[key] { return (spacing, []) }
    if let spacing = spacingLikenesses[key] {
      return (
        spacing,
        ["schedule \(quoted(name)) is not built: \(spacing.rawValue) is used in its place"]
      )
    }
    let known = Spacing.allCases.map(\.rawValue)
    throw .unknownSchedule(
      name: name, nearest: Spelling.nearest(to: name.lowercased(), in: known), known: known)
  }

  /// stable-diffusion-webui's name of a sampler; Lantern's own where it has none.
  package static func webUIName(of sampler: String) -> String { webUINames[sampler] ?? sampler }

  /// stable-diffusion-webui's name of a schedule; nil where it has none.
  package static func webUIName(of spacing: Spacing) -> String? { webUISchedules[spacing] }

  /// The schedule "Automatic" of stable-diffusion-webui since version 1.9, by sampler; nil for samplers without
  /// one.
  package static func automaticSpacing(of sampler: String) -> Spacing? {
    switch sampler {
    case "dpm++2m", "dpm++2s_a", "dpm++sde", "dpm2", "dpm2_a": .karras
    case "dpm++2m_sde", "dpm++3m_sde": .exponential
    case "euler", "euler_a", "heun", "lms": .linspace
    default: nil
    }
  }

  private static let webUINames = [
    "ddim": "DDIM", "ddpm": "DDPM", "deis": "DEIS", "dpm++2m": "DPM++ 2M",
    "dpm++2m_sde": "DPM++ 2M SDE", "dpm++2s_a": "DPM++ 2S a", "dpm++3m_sde": "DPM++ 3M SDE",
    "dpm++sde": "DPM++ SDE", "dpm2": "DPM2", "dpm2_a": "DPM2 a", "dpm_adaptive": "DPM adaptive",
    "euler": "Euler", "euler_a": "Euler a", "heun": "Heun", "ipndm": "IPNDM", "lcm": "LCM",
    "lms": "LMS", "pndm": "PLMS", "sa_solver": "SA Solver", "tcd": "TCD", "unipc": "UniPC",
  ]

  private static let webUISchedules: [Spacing: String] = [
    .karras: "Karras", .exponential: "Exponential", .polyexponential: "Polyexponential",
    .sgmUniform: "SGM Uniform", .klOptimal: "KL Optimal", .alignYourSteps: "Align Your Steps",
    .simple: "Simple", .linspace: "Uniform", .leading: "DDIM", .beta: "Beta",
  ]

  /// Unsupported samplers by key, each with a supported one of its family and order.
  private static let likenesses = [
    "dpm++2mv2": "dpm++2m", "dpm++2msdeheun": "dpm++2msde", "heun++2": "heun", "heunpp2": "heun",
    "ipndmv": "ipndm", "sasolverpece": "sasolver",
  ]

  /// Unsupported schedules by key, each with the nearest supported one.
  private static let spacingLikenesses: [String: Spacing] = [
    "alignyoursteps11": .alignYourSteps, "alignyoursteps32": .alignYourSteps,
    "alignyourstepsgits": .alignYourSteps, "ays11": .alignYourSteps, "ays32": .alignYourSteps,
    "aysgits": .alignYourSteps, "gits": .alignYourSteps, "karrasexponential": .karras,
    "linearquadratic": .linspace,
  ]

  /// Indices into ``rows`` by key.
  private static let indices: [String: Int] = {
    var indices: [String: Int] = [:]
    for (index, row) in rows.enumerated() {
      for name in [row.name] + row.aliases { indices[key(name)] = index }
    }
    for (name, row) in others { indices[name] = indices[key(row)] }
    return indices
  }()

  /// Names by key that are not shown among the aliases.
  private static let others = [
    "dpm++2s": "dpm_singlestep", "kdpm2": "dpm2", "kdpm2a": "dpm2_a", "dpmad": "dpm_adaptive",
    "dpmsolver++": "dpm++2m", "unipcbh2": "unipc", "unipcmultistep": "unipc", "lmsd": "lms",
    "dpmsolvermultistep": "dpm++2m", "dpmsolversinglestep": "dpm_singlestep", "ddimv3": "ddim",
    "dpmsde": "dpm++sde", "dpmsolversde": "dpm++sde", "deismultistep": "deis",
  ]

  /// Schedules by key.
  private static let spacings: [String: Spacing] = {
    var spacings: [String: Spacing] = [
      "alignyoursteps": .alignYourSteps, "ays": .alignYourSteps, "ddim": .leading,
      "ddimuniform": .leading, "default": .discrete, "klop": .klOptimal, "normal": .linspace,
      "poly": .polyexponential, "sgm": .sgmUniform, "uniform": .linspace,
    ]
    for spacing in Spacing.allCases { spacings[key(spacing.rawValue)] = spacing }
    return spacings
  }()

  /// Suffixes of a sampler that are schedules.
  private static let suffixes: [String: Spacing] = [
    "k": .karras, "ka": .karras, "exp": .exponential,
  ]

  /// The normalised form of a name, equal for all its spellings.
  static func key(_ name: String) -> String { words(of: name).joined() }

  /// The words of a name in lower case, without those that only some programs write.
  private static func words(of name: String) -> [String] {
    var words = name.prefix(100).lowercased().split { " _-./:,()\t".contains($0) }.map(String.init)
    if words.first == "sample" || words.first == "k" { words.removeFirst() }
    if words.count > 1 { words.removeAll { $0 == "gpu" } }
    return words.map { word in
      switch word {
      case "ancestral": "a"
      case "cfgpp": "cfg++"
      case _ where word.hasPrefix("dpmpp"): "dpm++" + word.dropFirst(5)
      default: word
      }
    }.joinedCFG()
  }

  /// A name for a message: shortened, without control characters.
  private static func quoted(_ name: String) -> String { JSON.quoted(String(name.prefix(60))) }
}

extension [String] {
  /// The words with "cfg" and "pp" joined, as in `ddim_cfg_pp`.
  fileprivate func joinedCFG() -> [String] {
    guard let index = indices.dropLast().first(where: { self[$0] == "cfg" && self[$0 + 1] == "pp" })
    else { return self }
    return self[..<index] + ["cfg++"] + self[(index + 2)...]
  }
}
