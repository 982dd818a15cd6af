import LanternPlatform
import LanternFormats
import LanternModels
import LanternSamplers
public import LanternTensor

/// A model written anew: one file as a folder that diffusers reads, or a folder as one file in the names of
/// the original code. What a folder says and no file can is noted, or refused where it changes pictures.
public struct ModelConversion {
  let source: any ModelSource
  let pipeline: Pipeline
  let kind: SingleFileKind
  let dtype: DType?
  let shardSize: Int?
  private let hasTokenizer: Bool
  /// Where to.
  public let target: String

  /// Opens a model.
  ///
  /// - Parameters:
  ///   - path: a folder as diffusers lays it out, or a model in one file.
  ///   - parts: what goes before its own parts.
  ///   - target: where to write; a file where it ends in `.safetensors`, otherwise a folder.
  ///   - dtype: what weights are stored as: `float32`, `float16`, `bfloat16`; as they are when nil.
  ///   - shardSize: bytes of a file's tensors at most, in a folder; one file for each part when nil.
  /// - Throws: an error that names what is wrong.
  public init(
    of path: String, with parts: ModelParts = ModelParts(), to target: String,
    as dtype: DType? = nil, shardSize: Int? = nil
  ) throws {
    source = try parts.source(at: path)
    pipeline = try Pipeline.of(source)
    guard pipeline.denoiser == "unet" else {
      throw RequestError.notOneFile(
        reason: "models of the kind \(source.pipelineClass) are not written yet",
        path: source.path)
    }
    kind = SingleFileKind.of(source)
    self.target = target
    (self.dtype, self.shardSize) = (dtype, shardSize)
    hasTokenizer = parts.tokenizer != nil
    for part in pipeline.parts { _ = try source.component(part) }
  }

  /// The parts with weights.
  var weighted: [String] { ["unet", "vae"] + kind.textEncoders.map(\.component) }

  /// What is left out, and what readers of one file assume: a line each.
  ///
  /// - Throws: an error of the room where something cannot be read.
  public func notes() throws -> [String] {
    var notes: [String] = []
    func add(_ what: String, _ names: [String]) {
      if !names.isEmpty { notes.append("\(what): \(names.sorted().joined(separator: ", "))") }
    }
    if let file = source as? SingleFile {
      add("tensors that no part needs and that are left out", file.ignored)
      add("tensors that are not known and that are left out", file.unknown)
    }
    let own = FileSystem.join(source.path, ModelDefaults.fileName)
    if FileSystem.exists(own), let keys = try JSON.read(own).object?.keys.sorted() {
      notes.append(
        "\(ModelDefaults.fileName) is left out, and with it this model's defaults: "
          + keys.joined(separator: ", "))
    }
    add("parts that are left out", source.componentNames.filter { !pipeline.parts.contains($0) })
    if Self.isFile(target) {
      notes += try assumptions()
    } else if source is SingleFile, !hasTokenizer {
      for encoder in kind.textEncoders {
        let config = try source.component(encoder.component).config("config.json")
        let count = try config.integer("vocab_size", default: 49408)
        guard count != 49408 else { continue }
        notes.append(
          "\(encoder.component) knows \(count) tokens, and the tokenizer that is written is CLIP's, of 49408: "
            + "give the model's own tokenizer")
      }
    }
    return notes
  }

  /// Whether a path is that of a file to write, and not of a folder.
  package static func isFile(_ target: String) -> Bool {
    target.lowercased().hasSuffix(".safetensors")
  }

  /// Writes the model, whole or not at all.
  ///
  /// - Parameters:
  ///   - replaces: whether a file that is there is replaced; a folder never is.
  ///   - onPart: called before each part of the model is written; throw to stop.
  /// - Throws: an error that names what is wrong, or what `onPart` throws; what was there is then as it was.
  public func write(replacing replaces: Bool = false, onPart: () throws -> Void = {}) throws {
    if Self.isFile(target) {
      try onPart()
      try writeFile(replacing: replaces)
    } else {
      try AtomicFolder.write(to: target) { folder in
        try writeFolder(folder, onPart)
        try onPart()
      }
    }
  }

  func archive(_ component: String) throws(FormatError) -> TensorArchive {
    try source.component(component).weights(stems: Self.stems(component), variant: nil)
  }

  static func stems(_ component: String) -> [String] {
    component.hasPrefix("text_encoder")
      ? ["model", "pytorch_model"] : ["diffusion_pytorch_model"]
  }
}
