import LanternPlatform
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

  /// A tokenizer, of the class that the index names.
  ///
  /// - Throws: ``FormatError`` or ``TokenizerError``.
  func loadTokenizer(_ component: String) throws -> any Tokenizer {
    let name = try className(of: component, among: TokenizerCatalogue.names)
    return try TokenizerCatalogue.load(folder: folder(of: component), as: name)
  }

  private func className(of component: String, among known: [String]) throws(FormatError) -> String?
  {
    guard let name = components[component]?.className, !known.contains(name) else {
      return components[component]?.className
    }
    throw .unsupportedSetting(key: component, value: JSON.quoted(name), file: indexPath)
  }

  /// Those of `parts` whose own file names another class than the index, a line each. As in diffusers and
  /// transformers the index decides.
  ///
  /// - Throws: ``FormatError`` for a file that cannot be read.
  func disagreements(among parts: [String]) throws(FormatError) -> [String] {
    let files = [
      ("scheduler_config.json", ["_class_name"]), ("tokenizer_config.json", ["tokenizer_class"]),
      ("config.json", ["_class_name", "architectures"]),
    ]
    var lines: [String] = []
    for component in parts {
      guard let wanted = components[component]?.className else { continue }
      let folder = try folder(of: component)
      let there = files.first { FileSystem.exists(FileSystem.join(folder, $0.0)) }
      guard let (name, keys) = there else { continue }
      let config = try Config(path: FileSystem.join(folder, name))
      let value = keys.compactMap { config.value($0) }.first
      guard let found = value?.string ?? value?.array?.first?.string,
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
