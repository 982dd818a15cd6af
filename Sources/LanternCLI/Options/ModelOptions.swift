import LanternPlatform
import ArgumentParser
import Lantern
import LanternFormats

/// Which model.
struct ModelOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The model: a folder as diffusers lays it out, one file (.safetensors, .ckpt), a name as lantern pull "
        + "takes it (owner/name), or picturebook, the shipped one. "
        + "(default: what LANTERN_MODEL in the environment says, or picturebook)",
      valueName: "file or folder"), transform: FileArgument.named)
  var model: String?

  @Option(
    help: ArgumentHelp(
      "Which of the model's weights: fp16 for model.fp16.safetensors. (default: the plain ones)",
      valueName: "name"))
  var variant: String?

  /// The model's folder or file: the given one, or the shipped one.
  func folder() throws -> String {
    let named = model ?? getenv("LANTERN_MODEL").map { String(cString: $0) }
    return try Self.folder(named: named, or: .picturebook)
  }

  /// The folder that people name: by its path, a shipped model's name, or its name on the hub.
  ///
  /// - Parameters:
  ///   - name: what they wrote, if anything.
  ///   - own: the shipped model of the kind.
  /// - Returns: where it is; a path that holds nothing is left to those who read it.
  /// - Throws: ``FormatError/missingFile(path:remedy:)`` for a name that is not in the hub's cache,
  ///   ``ValidationError`` for a shipped model of another kind.
  static func folder(named name: String?, or own: ModelLocation) throws -> String {
    guard let name, name != own.name || FileSystem.exists(name) else { return try own.path() }
    if FileSystem.exists(name) { return name }
    if ModelLocation.shipped.contains(where: { $0.name == name }) {
      throw ValidationError(
        "\(name) is a model of another kind: choose \(own.name), or a folder"
          + (name == "storyteller" ? "; it serves lantern story, caption and paint" : "")
          + (name == "picturebook" ? "; it serves lantern image" : ""))
    }
    let path = try HubCache.standard.located(name)
    guard path == name, !name.contains("."), !name.contains("/") else { return path }
    throw FormatError.missingFile(
      path: name,
      remedy: "give the folder or file of a model, or its name on the hub with its owner's, like "
        + "OWNER/\(name); of single names \(own.name) alone is known")
  }
}
