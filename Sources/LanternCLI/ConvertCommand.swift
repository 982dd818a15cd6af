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
      lantern convert FOLDER/model.safetensors FOLDER/model --dtype f16
      lantern convert FOLDER FOLDER.safetensors

      A folder is as diffusers lays it out; a file has the names of the original code, which ComfyUI and \
      stable-diffusion-webui read. Numbers stay as they are without --dtype. What is left out is noted by name; \
      a model whose settings one file cannot say is refused. Nothing is written unless all of it is.
      """)

  @Argument(
    help: ArgumentHelp("The model: a folder or a file.", valueName: "from"),
    transform: FileArgument.named)
  var from: String

  @Argument(
    help: ArgumentHelp("Where to: a file that ends in .safetensors, or a folder.", valueName: "to"),
    transform: FileArgument.named)
  var target: String

  @Option(
    help: ArgumentHelp(
      "What weights are stored as: f32, f16 or bf16. (default: as they are)", valueName: "type"))
  var dtype: Dtype?

  @Flag(help: "Replace a file that is there.")
  var overwrite = false

  @OptionGroup(title: "Model options") var partOptions: PartOptions
  @OptionGroup(title: "Model options") var predicting: PredictionOptions

  enum Dtype: String, CaseIterable, ExpressibleByArgument {
    case f32, f16, bf16

    var type: DType {
      switch self {
      case .f32: .float32
      case .f16: .float16
      case .bf16: .bfloat16
      }
    }
  }

  func validate() throws {
    let name = FileSystem.split(target).name.lowercased()
    let others = [".ckpt", ".pt", ".pth", ".bin", ".gguf", ".safetensor", ".sft"]
    if target.isEmpty || others.contains(where: name.hasSuffix) {
      throw ValidationError(
        "\"\(target)\": give a file that ends in .safetensors, or a folder")
    }
  }

  func run() throws {
    let console = Console()
    Interruption.listen()
    try ErrorReport.reporting(to: console) {
      let conversion = try ModelConversion(
        of: ModelOptions.folder(named: from, or: .picturebook), with: partOptions.parts(predicting),
        to: target, as: dtype?.type)
      for note in try conversion.notes() { console.note(note) }
      if overwrite, !ModelConversion.isFile(target) {
        console.note("--overwrite has no effect on a folder: one that is there is never replaced")
      }
      try conversion.write(replacing: overwrite, onPart: Interruption.check)
      console.result(target, event: [:])
    }
  }
}
