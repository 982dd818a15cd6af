import LanternFormats
import LanternSamplers
import LanternTokenizers

extension ModelFolder {
  /// The noise of the model: `scheduler_config.json`, read by the class that the index names.
  ///
  /// - Throws: ``FormatError`` or ``SamplerError``.
  func noiseSchedule() throws -> NoiseSchedule {
    let path = FileSystem.join(try folder(of: "scheduler"), "scheduler_config.json")
    let name = try className(of: "scheduler", among: SchedulerTable.rows.map(\.name))
    return try NoiseSchedule(Config(path: path), as: name)
  }

  /// The tokenizer, of the class that the index names.
  ///
  /// - Throws: ``FormatError`` or ``TokenizerError``.
  func loadTokenizer() throws -> any Tokenizer {
    let name = try className(of: "tokenizer", among: TokenizerCatalogue.names)
    return try TokenizerCatalogue.load(folder: folder(of: "tokenizer"), as: name)
  }

  private func className(of component: String, among known: [String]) throws(FormatError) -> String?
  {
    guard let name = components[component]?.className, !known.contains(name) else {
      return components[component]?.className
    }
    throw .unsupportedSetting(key: component, value: JSON.quoted(name), file: indexPath)
  }

  /// Parts whose own file names another class than the index, a line each. As in diffusers and
  /// transformers the index decides.
  ///
  /// - Throws: ``FormatError`` for a file that cannot be read.
  func disagreements() throws(FormatError) -> [String] {
    let files = [
      ("scheduler", "scheduler_config.json", "_class_name"),
      ("text_encoder", "config.json", "architectures"),
      ("tokenizer", "tokenizer_config.json", "tokenizer_class"),
      ("unet", "config.json", "_class_name"),
      ("vae", "config.json", "_class_name"),
    ]
    var lines: [String] = []
    for (component, name, key) in files {
      guard let wanted = components[component]?.className else { continue }
      let path = FileSystem.join(try folder(of: component), name)
      guard FileSystem.exists(path), let value = try Config(path: path).value(key),
        let found = value.string ?? value.array?.first?.string,
        Self.plain(found) != Self.plain(wanted)
      else { continue }
      lines.append(
        "\(component)/\(name) says \(found) and model_index.json \(wanted), which decides")
    }
    return lines
  }

  /// The name without the mark of tokenizers that are written in Rust.
  private static func plain(_ name: String) -> String {
    name.hasSuffix("Fast") ? String(name.dropLast(4)) : name
  }
}
