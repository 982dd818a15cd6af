import ArgumentParser
import Lantern
import LanternFormats
import LanternPlatform
import LanternTensor

/// `lantern convert`: a model as a folder, or in one file.
struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Writes a model in one file as a folder, or a folder as one file.",
    discussion: """
      lantern convert FOLDER/model.safetensors FOLDER/model --type f16
      lantern convert FOLDER FOLDER.safetensors
      lantern convert FOLDER model.gguf --type q4_K

      A folder is as diffusers lays it out; a file has the names of the original code, which ComfyUI and \
      stable-diffusion-webui read. A language model, a folder as transformers lays it out or a GGUF file, becomes a \
      GGUF file, which llama.cpp reads: in blocks of integers too; or a folder of another type, or with weights in \
      files of a size. Numbers stay as they are without --type. What is \
      left out is noted by name; a model whose settings one file cannot say is refused. Nothing is written unless all \
      of it is.
      """)

  @Argument(
    help: ArgumentHelp("The model: a folder or a file.", valueName: "from"),
    transform: FileArgument.named)
  var from: String

  @Argument(
    help: ArgumentHelp(
      "Where to: a file that ends in .safetensors or .gguf, or a folder.", valueName: "to"),
    transform: FileArgument.named)
  var target: String

  @Option(
    name: [.customLong("type"), .customLong("dtype")],
    help: ArgumentHelp(
      "What weights are stored as: \(Self.types); all but the first three in .gguf alone. (default: as they are)",
      valueName: "type"),
    transform: Self.type)
  var type: GGMLType?

  @Option(
    name: .customLong("max-shard-size"),
    help: ArgumentHelp(
      "Bytes of weights in a file of a folder at most, as 500MB or 5GB: several files with an index. (default: one file)",
      valueName: "size"),
    transform: Self.shardSize)
  var shardSize: Int?

  @Flag(help: "Replace a file that is there.")
  var overwrite = false

  @OptionGroup(title: "Model options") var partOptions: PartOptions
  @OptionGroup(title: "Model options") var predicting: PredictionOptions

  private static let types = GGMLType.written.compactMap(\.format?.name).joined(separator: ", ")

  private static func type(named name: String) throws -> GGMLType {
    let found = GGMLType.written.first { $0.name.lowercased() == name.lowercased() }
    guard let found else { throw ValidationError("\"\(name)\": give one of \(types)") }
    return found
  }

  private static func shardSize(_ text: String) throws -> Int {
    guard let bytes = ShardSize.bytes(text) else {
      throw ValidationError(
        "\"\(text)\": give an integer of KB, MB, GB or TB from 1 on, as 500MB")
    }
    return bytes
  }

  func validate() throws {
    let name = FileSystem.split(target).name.lowercased()
    let others = [".ckpt", ".pt", ".pth", ".bin", ".safetensor", ".sft"]
    if target.isEmpty || others.contains(where: name.hasSuffix) {
      throw ValidationError(
        "\"\(target)\": give a file that ends in .safetensors or .gguf, or a folder")
    }
    if shardSize != nil, LanguageConversion.isFile(target) || ModelConversion.isFile(target) {
      throw ValidationError("--max-shard-size: a model in one file has one; give a folder to write")
    }
    if let type, type.blockElements > 1, !LanguageConversion.isFile(target) {
      throw ValidationError(
        "--type \(type.name.lowercased()): blocks of integers are written to a file that ends in .gguf alone"
      )
    }
  }

  func run() throws {
    let console = Console()
    Interruption.listen()
    try ErrorReport.reporting(to: console) {
      if LanguageConversion.isFile(target) { return try convertLanguageModel(console) }
      if !ModelConversion.isFile(target),
        try LanguageFolder.isFolder(HubCache.standard.located(from))
      {
        return try convertFolder(console)
      }
      let conversion = try ModelConversion(
        of: ModelOptions.folder(named: from, or: .picturebook), with: partOptions.parts(predicting),
        to: target, as: type?.format?.dtype,
        shardSize: shardSize)
      for note in try conversion.notes() { console.note(note) }
      noteOverwrite(console)
      try conversion.write(replacing: overwrite, onPart: Interruption.check)
      console.result(target, event: [:])
    }
  }

  private func noteOverwrite(_ console: Console) {
    if overwrite, !ModelConversion.isFile(target) {
      console.note("--overwrite has no effect on a folder: one that is there is never replaced")
    }
  }

  private func noteParts(_ console: Console) throws {
    if try partOptions.parts(predicting) != ModelParts() {
      console.note("options of parts have no effect on a language model: it has none")
    }
  }

  private func convertFolder(_ console: Console) throws {
    try noteParts(console)
    noteOverwrite(console)
    let folder = try LanguageFolder(
      HubCache.standard.located(from), to: target, as: type?.format?.dtype, limit: shardSize)
    for note in folder.notes { console.note(note) }
    try folder.write(onFile: Interruption.check)
    console.result(target, event: [:])
  }

  private func convertLanguageModel(_ console: Console) throws {
    try noteParts(console)
    let conversion = try LanguageConversion(
      of: HubCache.standard.located(from), to: target, as: type)
    for note in conversion.notes { console.note(note) }
    try conversion.write(replacing: overwrite, onTensor: Interruption.check)
    console.result(target, event: [:])
  }
}
