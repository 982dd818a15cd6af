import LanternFormats
import LanternSamplers
import LanternTokenizers

extension ModelSource {
  /// The noise of the model: `scheduler_config.json`, read by the class that the index names.
  ///
  /// - Parameter times: what the model's pipeline gives its scheduler.
  /// - Returns: the schedule.
  /// - Throws: ``FormatError`` or ``SamplerError``.
  func noiseSchedule(_ times: PipelineTimes?) throws -> NoiseSchedule {
    let config = try component("scheduler").config("scheduler_config.json")
    let name = try className(of: "scheduler", among: SchedulerTable.rows.map(\.name))
    return try NoiseSchedule(config, as: name, times: times)
  }

  /// A tokenizer, of the class that the index names.
  ///
  /// - Throws: ``FormatError`` or ``TokenizerError``.
  func loadTokenizer(_ component: String) throws -> any Tokenizer {
    let name = try className(of: component, among: TokenizerCatalogue.names)
    let files = try self.component(component)
    return try TokenizerCatalogue.load(folder: files.path, as: name, with: files.settings)
  }

  private func className(of component: String, among known: [String]) throws(FormatError) -> String?
  {
    guard let name = className(of: component), !known.contains(name) else {
      return className(of: component)
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
    // One file has no index.
    for component in parts where indexPath.hasSuffix("model_index.json") {
      guard let wanted = className(of: component) else { continue }
      let part = try self.component(component)
      guard let (name, keys) = files.first(where: { part.has($0.0) }) else { continue }
      let config = try part.config(name)
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
