import LanternPlatform
import ArgumentParser
import Lantern
import LanternFormats

/// The files of pictures, previews and traces.
struct PictureFileOptions: SettingOptions {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Where to write: .png or .jpg; %03d numbers several. (default: picture.png)",
      valueName: "file"), transform: FileArgument.named)
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Draw a picture again by the settings in its file (Lantern's, webui's, ComfyUI's …), and compare. "
        + "(default: none)", valueName: "file"), transform: FileArgument.named)
  var like: String?

  @Option(
    help: ArgumentHelp(
      "Show the unfinished picture in this file. (default: none)", valueName: "file"),
    transform: FileArgument.named)
  var preview: String?

  @Option(
    help: ArgumentHelp(
      "Write the picture's way out of noise as an animated PNG. (default: none)",
      valueName: "file"), transform: FileArgument.named)
  var animate: String?

  @Option(.previewInterval) var previewInterval: Int?
  @Option(.previewMethod) var previewMethod: String?

  @Option(
    help: ArgumentHelp(
      "Write prompt embeddings, noise, latents of each step and the image as safetensors. "
        + "(default: none)", valueName: "file"), transform: FileArgument.named)
  var trace: String?

  mutating func validate() throws {
    if previewInterval != nil, preview == nil, animate == nil {
      throw ValidationError("--preview-interval needs --preview FILE or --animate FILE")
    }
    if previewMethod != nil, preview == nil, animate == nil {
      throw ValidationError("--preview-method needs --preview FILE or --animate FILE")
    }
    if let animate, !animate.lowercased().hasSuffix(".png") {
      throw ValidationError("\(animate): an animation is a PNG: give a name that ends in .png")
    }
    try checkSettings()
    let files = [output ?? "picture.png", preview, animate, trace].compactMap { $0 }
    let places = files.map(FileSystem.resolved)
    if let twice = files.first(where: { file in
      places.count { $0 == FileSystem.resolved(file) } > 1
    }) {
      throw ValidationError(
        "\(twice): two files of one name: give --preview, --animate and --trace others")
    }
  }

  /// Refuses to write what follows a picture over one that is read.
  func check(against read: [String?]) throws {
    let places = Set(read.compactMap { $0.map(FileSystem.resolved) })
    let written = [preview, animate, trace].compactMap { $0 }
    if let file = written.first(where: { places.contains(FileSystem.resolved($0)) }) {
      throw ValidationError(
        "\(file): is a picture that is read: give --preview, --animate and --trace other files")
    }
  }

  /// The option given that follows one picture; nil for none.
  var optionOfOne: String? { trace != nil ? "--trace" : animate != nil ? "--animate" : nil }

  /// After how many steps a preview is due; 0 for none.
  var interval: Int {
    if animate != nil { return previewInterval ?? 1 }
    return preview == nil ? 0 : previewInterval ?? ImageSetting.previewSteps
  }

  /// Checks, before work begins, that all of it can be written.
  func check() throws {
    for path in [output ?? "picture.png"] + (preview.map { [$0] } ?? []) {
      try Picture.checkExtension(of: path)
      try FileSystem.checkFolder(of: path)
    }
    for path in [animate, trace].compactMap({ $0 }) { try FileSystem.checkFolder(of: path) }
  }
}
