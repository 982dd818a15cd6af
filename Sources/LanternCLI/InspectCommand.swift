import LanternPlatform
import ArgumentParser
import Lantern
import LanternFormats
import LanternModels
import LanternTensor

/// `lantern inspect`: what a model, a file of weights or a picture is.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Describes a model, a file of weights or a picture file.",
    discussion: """
      lantern inspect picturebook
      lantern image "a red fox" -o fox.png
      lantern inspect fox.png --json
      """)

  @Argument(
    help: ArgumentHelp("The folder or file; a shipped model by its name.", valueName: "path"),
    transform: FileArgument.named)
  var path: String

  @Option(
    help: ArgumentHelp(
      "Of a language model, tell the memory that so many tokens take. (default: as many as it was trained for)",
      valueName: "tokens"))
  var context: Int?

  /// Tokens up to which memory is told: far beyond what any machine has.
  static let contextLimit = 1_000_000_000

  @Flag(name: .shortAndLong, help: "List every tensor, and every word that a model knows.")
  var verbose = false

  @Flag(help: "One JSON object a line.")
  var json = false

  var console: Console { Console(isJSON: json, isQuiet: json) }

  mutating func validate() throws {
    try checkEncoding()
    if let context, !(1...Self.contextLimit).contains(context) {
      throw ValidationError("context \(context): choose 1 to \(Self.contextLimit)")
    }
  }

  func run() throws {
    try ErrorReport.reporting(to: console) {
      let path = try Self.resolved(path)
      let name = try Self.partClass(at: path)
      if context != nil, !path.hasSuffix(".gguf"), !ModelCatalogue.isLanguageModel(name) {
        console.note("--context has no effect: this is no language model")
      }
      if let name {
        try inspectPart(path, name)
      } else if LoRA.isFolder(path) {
        try inspectAdapter(path)
      } else if StoryGenerator.isModel(path) {
        try inspectStoryteller(path)
      } else if FileSystem.isDirectory(path) || FileSystem.split(path).name == "model_index.json" {
        try inspectModel(path)
      } else {
        try inspectFile(path)
      }
    }
  }

  /// The path itself where something is there, that of the shipped model of the name, or of one of the hub.
  private static func resolved(_ path: String) throws(FormatError) -> String {
    if FileSystem.exists(path) { return path }
    let shipped = ModelLocation.shipped.first { $0.name == path }
    if let found = try? shipped?.path() { return found }
    return try HubCache.standard.located(path)
  }

  private func inspectFile(_ path: String) throws {
    // Weights are known by their ending, pictures by their content, all else by its first bytes.
    let isWeights = [".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf"].contains(
      where: path.hasSuffix)
    if !isWeights, let refusal = FileKind.refusal(at: path) {
      throw FormatError.unsupportedFileKind(path: path, remedy: refusal)
    }
    guard isWeights else { return try inspectPicture(path) }
    let file = try openTensorFile(path)
    if Self.isModel(file) { return try inspectSingleFile(path) }
    if let file = file as? GGUFFile { return try inspectGGUF(file) }
    let archive = TensorArchive(files: [file])
    // A word's vectors may lie under that word alone, which says nothing of their kind.
    let named = CheckpointKind(names: archive.names)
    let words =
      [nil, CheckpointKind.embedding.name].contains(named?.name) ? Self.words(of: file) : []
    let kind = words.isEmpty ? named : .embedding
    report(
      path, archive,
      [
        "event": .string("weights"), "path": .string(path),
        "kind": kind.map { .string($0.name) } ?? .null,
        "is_read": kind.map { .bool($0.isRead) } ?? .null, "words": .array(words.map(\.json)),
        "metadata": .object(archive.metadata.mapValues(JSONValue.string)),
      ])
    if json { return }
    Self.describe(kind)
    for word in words { Console.print("  \(word.text)") }
    for (key, value) in archive.metadata.sorted(by: { $0.key < $1.key }) {
      Self.describe(key, value)
    }
  }

  /// What a file of weights is, by the names in it.
  static func describe(_ kind: CheckpointKind?) {
    guard let kind else { return }
    Console.print("  \(kind.name)\(kind.isRead ? "" : ", which Lantern does not read yet")")
  }

  private func inspectModel(_ path: String) throws {
    let folder = try ModelFolder(path)
    report(
      "\(folder.path): \(folder.pipelineClass)",
      [
        "event": .string("model"), "path": .string(folder.path),
        "class": .string(folder.pipelineClass),
      ])
    for component in folder.components.keys.sorted() {
      let name = folder.components[component]?.className ?? "?"
      var event: [String: JSONValue] = [
        "event": .string("part"), "name": .string(component), "class": .string(name),
      ]
      // Left out by a pull, since nothing here reads it.
      if component == Self.unread, !FileSystem.exists(FileSystem.join(folder.path, component)) {
        event["is_there"] = false
        report("  \(component.padded(to: 16))\(name) is not there; nothing reads it", event)
        continue
      }
      let part = try folder.folder(of: component)
      guard FileSystem.exists(FileSystem.join(part, "config.json")) else {
        report("  " + component.padded(to: 16) + name, event)
        continue
      }
      let archive = try TensorArchive(folder: part, stems: Self.stems)
      report(component.padded(to: 16) + name, archive, event)
    }
    // What a check of every tensor and setting finds, it finds now.
    let generator = try ImageGenerator(folder: path)
    try tellDrawing(generator)
    reportWords(generator.model.defaults.world?.words)
  }

  private static let unread = "safety_checker"

  /// What a whole model draws, and the memory that takes.
  ///
  /// - Parameters:
  ///   - generator: the model.
  ///   - prediction: what was said of it already.
  /// - Throws: what reading all of it throws.
  func tellDrawing(_ generator: ImageGenerator, after prediction: String? = nil) throws {
    for note in generator.notes where prediction.map(note.hasSuffix) != true {
      console.note(note)
    }
    let size = generator.nativeSize
    let working = generator.estimatedWorkingMegabytes
    BufferPool.shared.drain()
    let weights = BufferPool.shared.heldByteCount / 1_048_576
    try generator.readEverything()
    report(
      "  draws \(size.width)×\(size.height) pixels; needs about \(weights + working) MiB of memory for that: "
        + "\(weights) MiB of weights as they are packed, \(working) MiB to work in",
      [
        "event": .string("drawing"), "width": .integer(size.width),
        "height": .integer(size.height), "weights_mebibytes": .integer(weights),
        "working_mebibytes": .integer(working),
      ])
  }

  private func inspectStoryteller(_ path: String) throws {
    // What a check of every tensor and setting finds, it finds now.
    let generator = try StoryGenerator(folder: path)
    report(
      "\(generator.path): writes and draws",
      [
        "event": .string("model"), "path": .string(generator.path),
        "class": .string(generator.model.className),
      ])
    for (name, archive) in try generator.parts() {
      report(
        name.padded(to: 16), archive, ["event": .string("part"), "name": .string(name)])
    }
    report(
      "  pictures of \(generator.pixels)×\(generator.pixels) pixels, \(generator.codesPerPicture) codes "
        + "each; "
        + (generator.isInterleaved
          ? "opens pictures by itself" : "stories are scripted: each page draws afresh"),
      [
        "event": .string("drawing"), "width": .integer(generator.pixels),
        "height": .integer(generator.pixels), "codes": .integer(generator.codesPerPicture),
        "interleaved": .bool(generator.isInterleaved),
      ])
    reportWords(generator.model.defaults.world?.words)
  }

  private func inspectPicture(_ path: String) throws {
    let picture = try Picture(contentsOf: path)
    let texts = try PictureMetadata(contentsOf: path).entries
    report(
      "\(path): \(picture.width)×\(picture.height) pixels",
      [
        "event": .string("picture"), "path": .string(path), "width": .integer(picture.width),
        "height": .integer(picture.height),
        "texts": .array(
          texts.map { .object(["key": .string($0.key), "text": .string($0.text)]) }),
      ])
    for note in picture.notes { console.note(note) }
    if verbose { console.note("--verbose has no effect on a picture: it has no tensors") }
    if json { return }
    for entry in texts { Self.describe(entry.key, entry.text) }
  }

  /// A line for people, an event for programs.
  func report(_ line: String, _ event: [String: JSONValue]) {
    json ? console.event(event) : Console.print(line)
  }

  /// The words of a model whose world is closed.
  private func reportWords(_ words: [String]?) {
    guard let words else { return }
    report(
      "  knows \(words.count) words and no others"
        + (verbose ? ": " + words.joined(separator: " ") : "; --verbose lists them"),
      ["event": .string("words"), "words": .array(words.map(JSONValue.string))])
  }

  /// How much there is of weights, and each tensor where that is wanted.
  func report(
    _ title: String, _ archive: TensorArchive, _ event: [String: JSONValue],
    listsTensors: Bool = true
  ) {
    let tensors = archive.names.compactMap { name in archive.info(name).map { (name, $0) } }
    var types: [String: Int] = [:]
    for (_, info) in tensors { types[info.dtype, default: 0] += info.shape.reduce(1, *) }
    let count = types.values.reduce(0, +)
    let facts: [String: JSONValue] = [
      "parameters": .integer(count), "types": .object(types.mapValues(JSONValue.integer)),
      "bytes": .integer(archive.byteCount), "tensors": .integer(archive.names.count),
    ]
    report(
      "  \(title.padded(to: 40)) \(rounded(Double(count) / 1e6, 1)) M parameters, "
        + "\(types.keys.sorted().joined(separator: ", ")), "
        + "\(rounded(Double(archive.byteCount) / 1_048_576, 1)) MiB, \(archive.names.count) tensors",
      event.merging(facts) { old, _ in old })
    guard verbose, listsTensors else { return }
    for (name, info) in tensors {
      report(
        "    \(info.dtype.padded(to: 5))\("\(info.shape)".padded(to: 22))\(name)",
        [
          "event": .string("tensor"), "name": .string(name), "type": .string(info.dtype),
          "shape": .array(info.shape.map(JSONValue.integer)),
        ])
    }
  }

  /// A text of a file, its further lines indented: so that none looks like one of the program's.
  static func describe(_ key: String, _ text: String) {
    let name = key.escapingControls()
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    Console.print("  \(name): \(lines.joined(separator: "\n    "))")
  }
}
