import ArgumentParser
import LanternFormats

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Which model, and with how many threads.
struct ModelOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The model: a folder as diffusers lays it out, or picturebook, the shipped one. "
        + "(default: what LANTERN_MODEL in the environment says, or picturebook)",
      valueName: "folder"))
  var model: String?

  @Option(
    help: ArgumentHelp(
      "Which of the model's weights: fp16 for model.fp16.safetensors. (default: the plain ones)",
      valueName: "name"))
  var variant: String?

  @OptionGroup var threads: ThreadOptions

  /// The model's folder: the one asked for, or the shipped one.
  func folder() throws -> String {
    if let model { return try Self.folder(named: model, with: "model_index.json") }
    if let model = getenv("LANTERN_MODEL") {
      return try Self.folder(named: String(cString: model), with: "model_index.json")
    }
    return try Self.shipped("picturebook", with: "model_index.json")
  }

  /// The folder that people name: by its path, or by a shipped model's name.
  ///
  /// - Parameters:
  ///   - name: what they wrote.
  ///   - file: that a model of the kind has.
  /// - Returns: where it is; a path that holds nothing is left to those who read it.
  /// - Throws: ``FormatError/missingFile(path:remedy:)`` for a name as hubs have them,
  ///   ``ValidationError`` for a shipped model of another kind.
  static func folder(named name: String, with file: String) throws -> String {
    let isStory = file == "config.json"
    let own = isStory ? "storyteller" : "picturebook"
    if FileSystem.exists(name) { return name }
    if name == own { return try shipped(name, with: file) }
    if ["judge", "picturebook", "storyteller"].contains(name) {
      throw ValidationError(
        "\(name) is a model of another kind: choose \(own), or a folder"
          + (name == "storyteller" ? "; it serves lantern story" : "")
          + (name == "picturebook" ? "; it serves lantern image" : ""))
    }
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    if parts.count < 3, !name.contains("."), !name.hasPrefix("/"), !name.hasSuffix("/"),
      parts.count == 1 || !FileSystem.isDirectory(String(parts[0]))
    {
      throw FormatError.missingFile(
        path: name,
        remedy:
          "give the folder of a model on this machine: Lantern fetches none, and of names it knows "
          + "\(own) alone")
    }
    return name
  }

  /// The folder of shipped weights.
  ///
  /// - Parameters:
  ///   - name: of the weights.
  ///   - file: that must be in the folder.
  /// - Returns: where it is.
  /// - Throws: ``FormatError/missingFile(path:remedy:)``.
  static func shipped(_ name: String, with file: String) throws(FormatError) -> String {
    for root in roots() {
      for place in ["weights/\(name)", "share/lantern/weights/\(name)"] {
        let folder = FileSystem.join(root, place)
        if FileSystem.exists(FileSystem.join(folder, file)) { return folder }
      }
    }
    throw .missingFile(
      path: "weights/\(name)",
      remedy: "run lantern where its weights are, or name a model with --model FOLDER")
  }

  /// Where the shipped weights may be: above the program, above the current folder.
  private static func roots() -> [String] {
    var roots: [String] = []
    for start in [executable(), currentFolder()] {
      var folder = start
      while let folder_ = folder, folder_.count > 1 {
        roots.append(folder_)
        let parent = FileSystem.split(folder_).folder
        folder = parent == folder_ ? nil : parent
      }
    }
    return roots
  }

  private static func currentFolder() -> String? {
    guard let path = getcwd(nil, 0) else { return nil }
    defer { free(path) }
    return String(cString: path)
  }

  private static func executable() -> String? {
    #if canImport(Darwin)
      var count = UInt32(PATH_MAX)
      var name = [CChar](repeating: 0, count: Int(count))
      guard _NSGetExecutablePath(&name, &count) == 0, let path = realpath(name, nil) else {
        return nil
      }
    #else
      guard let path = realpath("/proc/self/exe", nil) else { return nil }
    #endif
    defer { free(path) }
    return FileSystem.split(String(cString: path)).folder
  }
}
