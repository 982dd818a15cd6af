import LanternPlatform
import ArgumentParser
import Lantern
import LanternFormats

/// What is added to a model's weights.
struct LoRAOptions: ParsableArguments {
  @Option(
    name: .customLong("lora"),
    help: ArgumentHelp(
      "Add a LoRA (diffusers, PEFT, kohya, LyCORIS) to the model, and how much of it; :te=STRENGTH says "
        + "another for text encoders, :up.block_1=0.5, :down=0 and :lbw=LIST which part of it blocks of the "
        + "U-Net get; several add up. (default: none)",
      valueName: "file or folder[:strength]"))
  var files: [String] = []

  mutating func validate() throws { _ = try files.map(Self.parsed) }

  /// What was named.
  ///
  /// - Parameters:
  ///   - recipe: of a picture that is to be drawn again, its LoRAs' names, each with its strength after a colon: those
  ///     hold where none is given.
  ///   - onServer: whether a server has them by their names, and nothing is looked for here.
  /// - Returns: files and strengths.
  /// - Throws: ``ValidationError`` for a strength that is no number, `FormatError` for a name that is not in
  ///   the hub's cache.
  func loras(like recipe: [String] = [], onServer: Bool = false) throws -> [LoRA] {
    let known = recipe.map(LoRA.parts)
    return try files.map { text in
      _ = try FileArgument.named(text)
      let parts = try Self.parsed(text)
      let path = onServer ? parts.path : try HubCache.standard.located(parts.path)
      let name = LoRA(path).name
      return parts.lora(at: path, like: known.first { $0.path == name })
    }
  }

  /// A path, and strengths after its last colons. What is there by the whole name is meant: colons
  /// may stand in names.
  static func parsed(_ text: String) throws -> LoRA.Parts {
    let whole = LoRA.Parts(path: text)
    guard !FileSystem.exists(text), let colon = text.lastIndex(of: ":") else { return whole }
    let parts = LoRA.parts(of: text)
    if parts.path != text { return parts }
    let before = String(text[..<colon])
    let isFile = [".safetensors", ".bin", ".pt"].contains(where: before.hasSuffix)
    guard isFile || FileSystem.exists(before), !before.isEmpty else { return whole }
    throw ValidationError(
      "LoRA \"\(text)\": give its strength after the colon, like \(before):0.8")
  }
}

/// What is added to a language model's weights.
struct LanguageLoRAOptions: ParsableArguments {
  @Option(
    name: .customLong("lora"),
    help: ArgumentHelp(
      "Add a LoRA that PEFT wrote to the model, and how much of it; several add up. (default: none)",
      valueName: "folder[:strength]"))
  var files: [String] = []

  /// What a server is not given.
  var unsent: [(name: String, isGiven: Bool)] { [("--lora", !files.isEmpty)] }

  mutating func validate() throws { _ = try files.map(LoRAOptions.parsed) }

  /// What was named.
  ///
  /// - Throws: `FormatError` for a name that is not in the hub's cache.
  func loras() throws -> [LoRA] {
    try files.map { text in
      _ = try FileArgument.named(text)
      let parts = try LoRAOptions.parsed(text)
      return parts.lora(at: try HubCache.standard.located(parts.path))
    }
  }
}

/// LoRAs that prompts call by name.
struct LoRAFolderOptions: ParsableArguments {
  @Option(
    name: .customLong("lora-folder"),
    help: ArgumentHelp(
      "A folder of LoRAs, and of folders with some: <lora:name:0.8> in the prompt adds the one of this "
        + "name, and --like finds those of the picture there. (default: none)",
      valueName: "folder"), transform: FileArgument.named)
  var path: String?

  /// The folder's LoRAs, if one was named.
  func folder() throws -> LoRAFolder? {
    try path.map { try LoRAFolder(HubCache.standard.located($0)) }
  }

  /// The LoRAs of a recipe that are found in a folder.
  ///
  /// - Parameters:
  ///   - recipe: their names, each with its strengths.
  ///   - given: those that were named by options.
  ///   - folder: where the others are.
  /// - Returns: the others.
  /// - Throws: `FormatError` for one that is not there.
  static func loras(
    _ recipe: [String], without given: [LoRA], in folder: LoRAFolder
  ) throws -> [LoRA] {
    let names = Set(given.map(\.name))
    return try recipe.map(LoRA.parts).filter { !names.contains($0.path) }.map { parts in
      var lora = try folder.lora(
        named: parts.path, strength: parts.strength ?? 1, textEncoderStrength: parts.text)
      lora.blockStrengths = parts.blocks
      return lora
    }
  }
}
