import LanternPlatform
import ArgumentParser
import Lantern
import LanternFormats

/// Which model, and with how many threads.
struct ModelOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The model: a folder as diffusers lays it out, one file (.safetensors, .ckpt), or picturebook, "
        + "the shipped one. "
        + "(default: what LANTERN_MODEL in the environment says, or picturebook)",
      valueName: "file or folder"))
  var model: String?

  @Option(
    help: ArgumentHelp(
      "Which of the model's weights: fp16 for model.fp16.safetensors. (default: the plain ones)",
      valueName: "name"))
  var variant: String?

  @OptionGroup var threads: ThreadOptions

  /// The model's folder or file: the given one, or the shipped one.
  func folder() throws -> String {
    let named = model ?? getenv("LANTERN_MODEL").map { String(cString: $0) }
    return try Self.folder(named: named, or: .picturebook)
  }

  /// The folder that people name: by its path, or by a shipped model's name.
  ///
  /// - Parameters:
  ///   - name: what they wrote, if anything.
  ///   - own: the shipped model of the kind.
  /// - Returns: where it is; a path that holds nothing is left to those who read it.
  /// - Throws: ``FormatError/missingFile(path:remedy:)`` for a name as hubs have them,
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
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    if parts.count < 3, !name.contains("."), !name.hasPrefix("/"), !name.hasSuffix("/"),
      parts.count == 1 || !FileSystem.isDirectory(String(parts[0]))
    {
      throw FormatError.missingFile(
        path: name,
        remedy:
          "give the folder or file of a model on this machine: Lantern fetches none, and of names it knows "
          + "\(own.name) alone")
    }
    return name
  }
}
