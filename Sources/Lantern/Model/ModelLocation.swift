import LanternPlatform
public import LanternFormats

/// The location of a model: a folder, or weights that come with Lantern.
///
/// Shipped weights are looked for above the program and above the current folder, as `weights/NAME`
/// (a clone), `share/lantern/weights/NAME` (an installed program) and
/// `checkouts/lantern/weights/NAME` (a package that depends on Lantern); at last next to the source that
/// the program was built from.
public struct ModelLocation: Sendable, Hashable {
  /// The shipped model that draws, for ``ImageGenerator``.
  public static let picturebook = ModelLocation(shipped: "picturebook", file: "model_index.json")
  /// The shipped model that writes and draws, for ``StoryGenerator``.
  public static let storyteller = ModelLocation(shipped: "storyteller", file: "config.json")
  /// The shipped model that detects the things in a picture.
  package static let judge = ModelLocation(shipped: "judge", file: "config.json")

  /// OpenAI's merges for CLIP, which models in one file lack.
  static let clip = ModelLocation(shipped: "clip", file: "merges.txt")

  /// All shipped models.
  package static let shipped = [picturebook, storyteller, judge]

  /// A model's name, or the path of its folder.
  package let name: String
  /// What a shipped model's folder must have; nil for a folder by its path.
  private let file: String?

  private init(shipped name: String, file: String) {
    self.name = name
    self.file = file
  }

  private init(path: String) {
    name = path
    file = nil
  }

  /// A model of one's own, in a folder or in one file.
  public static func folder(_ path: String) -> ModelLocation { ModelLocation(path: path) }

  /// The model's folder.
  ///
  /// - Returns: its path; of ``folder(_:)`` as it was given, whether or not anything is there.
  /// - Throws: `FormatError.missingFile` where shipped weights are not found.
  public func path() throws(FormatError) -> String {
    guard let file else { return name }
    for root in Self.roots() {
      for parent in ["weights", "share/lantern/weights", "checkouts/lantern/weights"] {
        let folder = FileSystem.join(root, "\(parent)/\(name)")
        if FileSystem.exists(FileSystem.join(folder, file)) { return folder }
      }
    }
    throw .missingFile(
      path: "weights/\(name)",
      remedy: "it is neither above \(FileSystem.currentFolder ?? "the current folder") nor above "
        + "the program: start it where the weights are, or name a model's folder")
  }

  /// Where the shipped weights may be, the nearest first.
  private static func roots() -> [String] {
    var roots: [String] = []
    for start in [FileSystem.programFolder, FileSystem.currentFolder] {
      var folder = start
      while let here = folder, here.utf8.count > 1 {
        roots.append(here)
        let parent = FileSystem.split(here).folder
        folder = parent == here ? nil : parent
      }
    }
    // Of Sources/Lantern/Model/ModelLocation.swift.
    let source = (0..<3).reduce("\(#filePath)") { path, _ in FileSystem.split(path).folder }
    return roots + [source]
  }
}
