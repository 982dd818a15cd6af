import ArgumentParser
import Lantern
import LanternFormats
import LanternTensor

/// `lantern inspect`: what a model, a file of weights or a picture is.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Tells what a model folder, a file of weights or a picture is.")

  @Argument(help: ArgumentHelp("The folder or file.", valueName: "path"))
  var path: String

  @Flag(name: .shortAndLong, help: "List every tensor.")
  var verbose = false

  func run() throws {
    try ErrorReport.reporting(to: Console()) {
      if StoryGenerator.isModel(path) {
        try inspectStoryteller()
      } else if FileSystem.isDirectory(path) || FileSystem.split(path).name == "model_index.json" {
        try inspectModel()
      } else {
        try inspectFile()
      }
    }
  }

  private func inspectFile() throws {
    // Weights are known by their ending, pictures by their content, all else by its first bytes.
    let isWeights = [".safetensors", ".bin", ".pt", ".pth", ".ckpt"].contains(where: path.hasSuffix)
    if !isWeights, let refusal = FileKind.refusal(at: path) {
      throw FormatError.unsupportedFileKind(path: path, remedy: refusal)
    }
    guard isWeights else { return try inspectPicture() }
    let archive = TensorArchive(files: [try openTensorFile(path)])
    Self.describe(path, archive, verbose)
    if let kind = CheckpointKind(names: archive.names) {
      Console.print("  \(kind.name)\(kind.isRead ? "" : ", which Lantern does not read yet")")
    }
    for (key, value) in archive.metadata.sorted(by: { $0.key < $1.key }) {
      Self.describe(key, value)
    }
  }

  private func inspectModel() throws {
    let folder = try ModelFolder(path)
    Console.print("\(folder.path): \(folder.pipelineClass)")
    for component in folder.components.keys.sorted() {
      let place = try folder.folder(of: component)
      let name = folder.components[component]?.className ?? "?"
      let isModel = FileSystem.exists(FileSystem.join(place, "config.json"))
      guard isModel else {
        Console.print("  " + component.padded(to: 16) + name)
        continue
      }
      let archive = try TensorArchive(
        folder: place, stems: ["diffusion_pytorch_model", "model", "pytorch_model"])
      Self.describe(component.padded(to: 16) + name, archive, verbose)
    }
    // What a check of every tensor and setting finds, it finds now.
    let generator = try ImageGenerator(folder: path)
    for note in generator.notes { Console().note(note) }
    let size = generator.nativeSize
    let working = generator.estimatedWorkingMegabytes
    BufferPool.shared.drain()
    let held = BufferPool.shared.heldByteCount / 1_048_576
    try generator.readEverything()
    Console.print(
      "  draws \(size.width)×\(size.height) pixels; needs about \(held + working) MiB of memory for that: "
        + "\(held) MiB of weights as they are packed, \(working) MiB to work in")
  }

  private func inspectStoryteller() throws {
    // What a check of every tensor and setting finds, it finds now.
    let generator = try StoryGenerator(folder: path)
    Console.print("\(generator.path): writes and draws")
    for (name, archive) in try generator.parts() {
      Self.describe(name.padded(to: 16), archive, verbose)
    }
    Console.print(
      "  pictures of \(generator.pixels)×\(generator.pixels) pixels, \(generator.codesPerPicture) codes "
        + "each; "
        + (generator.isInterleaved
          ? "opens pictures by itself" : "stories are scripted: each page draws afresh"))
  }

  private static func describe(_ title: String, _ archive: TensorArchive, _ verbose: Bool) {
    var count = 0
    var types: [String: Int] = [:]
    for name in archive.names {
      guard let info = archive.info(name) else { continue }
      let elements = info.shape.reduce(1, *)
      count += elements
      types[info.dtype, default: 0] += elements
    }
    let kinds = types.keys.sorted().joined(separator: ", ")
    Console.print(
      "  \(title.padded(to: 40)) \(rounded(Double(count) / 1e6, 1)) M parameters, \(kinds), "
        + "\(rounded(Double(archive.byteCount) / 1_048_576, 1)) MiB, \(archive.names.count) tensors"
    )
    guard verbose else { return }
    for name in archive.names {
      guard let info = archive.info(name) else { continue }
      Console.print("    \(info.dtype.padded(to: 5))\("\(info.shape)".padded(to: 22))\(name)")
    }
  }

  private func inspectPicture() throws {
    let picture = try Picture(contentsOf: path)
    Console.print("\(path): \(picture.width)×\(picture.height) pixels")
    for entry in try PictureMetadata(contentsOf: path).entries {
      Self.describe(entry.key, entry.text)
    }
  }

  /// A text of a file, its further lines indented: none of them passes for one of ours.
  private static func describe(_ key: String, _ text: String) {
    let name = key.escapingControls()
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    Console.print("  \(name): \(lines.joined(separator: "\n    "))")
  }
}
