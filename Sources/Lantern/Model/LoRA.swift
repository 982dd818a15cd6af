import LanternPlatform
import LanternFormats
import LanternLayers
import LanternModels

/// An adapter of a model's weights: a low-rank one (LoRA, Hu et al. 2021, arXiv:2106.09685) or a relative, as
/// LoCon, LoHa, LoKr and DoRA: a style, a subject, or drawing in few steps; of a language model, what it was trained
/// on in addition.
public struct LoRA: Sendable, Equatable {
  /// A file in diffusers', PEFT's, kohya's or LyCORIS' spelling, a folder that diffusers or PEFT wrote, or of a language model
  /// a GGUF file of llama.cpp's.
  public var path: String
  /// How much of it is added; 1 is all, and less than 0 goes the other way.
  public var strength: Float
  /// How much of it is added to text encoders, where that is another strength; nil for the same.
  public var textEncoderStrength: Float?
  /// Which parts of it blocks of the U-Net get, by their names: `down`, `mid`, `up`, one block as
  /// `up.block_1`, each with one number or one for each of its layers, as in diffusers' `set_adapters`; or
  /// under `lbw` the list of the extension sd-webui-lora-block-weight. All of it where nothing is said.
  public var blockStrengths: [String: [Float]]

  /// All of a file, or a part of it.
  public init(
    _ path: String, strength: Float = 1, textEncoderStrength: Float? = nil,
    blockStrengths: [String: [Float]] = [:]
  ) {
    self.path = path
    self.strength = strength
    self.textEncoderStrength = textEncoderStrength
    self.blockStrengths = blockStrengths
  }

  /// Its name in the folder where it was found by name, where that is another than ``name`` would be.
  var nameInFolder: String?

  /// The file's or folder's name without the folder it is in.
  package var name: String {
    if let nameInFolder { return nameInFolder }
    return HubCache.name(of: path)
  }

  /// Its name, and the strength after a colon; after others that of text encoders, where it is another, and
  /// those of blocks.
  package var label: String {
    let text = textEncoderStrength == strength ? nil : textEncoderStrength
    return ["\(name):\(strength)", text.map { "te=\($0)" }].compactMap(\.self)
      .joined(separator: ":") + Self.written(blockStrengths)
  }

  /// A note that it changes nothing; nil where it may.
  var idleNote: String? { strength == 0 ? "\(path): strength 0 adds nothing" : nil }

  /// Opens the files as an adapter of a language model: PEFT's, whose layers may be saved whole too, or llama.cpp's.
  ///
  /// - Parameter settings: the model's.
  /// - Returns: an adapter for each file.
  /// - Throws: ``RequestError/range(name:found:allowed:)`` for strengths of parts that language models do not have.
  func languageAdapters(for settings: JSONValue) throws -> [Adapter] {
    guard textEncoderStrength == nil, blockStrengths.isEmpty else {
      throw RequestError.range(
        name: "strength of \(path)", found: String(label.dropFirst(name.count + 1)),
        allowed: "one number: a language model has no parts with strengths of their own")
    }
    return try adapters(of: Self.languageModel, settings: settings)
  }

  /// What adapters call a language model.
  static let languageModel = "language_model"

  /// Opens the file, or those of the folder.
  ///
  /// - Parameters:
  ///   - component: the part of a model that all of it is for; known by the names when nil.
  ///   - names: other names of the denoiser's modules, which may be theirs; nil for none.
  ///   - settings: those of a language model; nil for another model.
  /// - Returns: an adapter for each file.
  /// - Throws: an error that names a file, or a strength, and what is wrong with it.
  func adapters(
    of component: String? = nil, alsoIn names: TransformerNames? = nil, settings: JSONValue? = nil
  )
    throws -> [Adapter]
  {
    for strength in [strength, textEncoderStrength ?? strength] where !strength.isFinite {
      throw RequestError.range(
        name: "strength of \(path)", found: "\(strength)", allowed: "a number")
    }
    for (name, values) in blockStrengths.sorted(by: { $0.key < $1.key }) {
      guard let allowed = Self.complaint(name, values, of: blockStrengths) else { continue }
      throw RequestError.range(
        name: "strength of blocks of \(path)",
        found: String(Self.written([name: values]).dropFirst()), allowed: allowed)
    }
    return try files().map { file in
      var (tensors, config) = (try openTensorFile(file.path), file.config)
      if let adapter = tensors as? GGUFFile, let settings {
        guard GGUFAdapter.isAdapter(adapter) else {
          throw FormatError.unsupportedFileKind(
            path: file.path,
            remedy: "is a model, not an adapter: its general.type is not \"adapter\"")
        }
        // Its alpha is in the file.
        (tensors, config) = (try GGUFAdapter(adapter, for: settings), nil)
      }
      return try Adapter(
        names?.adapter(tensors) ?? tensors, config: config, of: component ?? file.component,
        readsSaved: component != nil,
        strengths: Adapter.Strengths(
          denoiser: strength, textEncoder: textEncoderStrength ?? strength,
          blocks: blockStrengths.isEmpty ? nil : BlockStrengths(blockStrengths)))
    }
  }

  /// What a check of its settings and of every layer's tensors notes, a line each.
  ///
  /// - Throws: an error that names the file and what is wrong with it.
  package func check() throws -> [String] { try adapters().flatMap(\.notes) }

  /// Whether a path is the folder of an adapter.
  package static func isFolder(_ path: String) -> Bool {
    guard FileSystem.isDirectory(path), let all = try? FileSystem.list(path) else { return false }
    return ([settingsName] + names).contains(where: all.contains)
      || components.contains {
        FileSystem.exists(FileSystem.join(FileSystem.join(path, $0), settingsName))
      }
  }

  private static let settingsName = "adapter_config.json"
  private static let names = [
    "adapter_model", "pytorch_lora_weights",
  ].flatMap { stem in ["safetensors", "bin"].map { "\(stem).\($0)" } }
  private static let components = ["unet", "transformer", "text_encoder", "text_encoder_2"]

  /// A file of an adapter, PEFT's settings where they are next to it, and its component where the folder says
  /// that.
  package typealias File = (path: String, config: String?, component: String?)

  /// The files of the adapter.
  ///
  /// - Throws: ``FormatError`` where none is found.
  package func files() throws(FormatError) -> [File] { try Self.files(at: path) }

  private static func files(at path: String) throws(FormatError) -> [File] {
    guard FileSystem.isDirectory(path) else {
      let config = FileSystem.join(FileSystem.split(path).folder, settingsName)
      return [(path, FileSystem.exists(config) ? config : nil, nil)]
    }
    // What PEFT calls the text encoder's and the U-Net's adapters, each in a folder of its own.
    let parts = components.filter {
      FileSystem.exists(FileSystem.join(FileSystem.join(path, $0), settingsName))
    }
    if !parts.isEmpty {
      var all: [File] = []
      for part in parts {
        // Layers call any denoiser so.
        let name = part == "transformer" ? "unet" : part
        all += try files(at: FileSystem.join(path, part)).map { ($0.path, $0.config, name) }
      }
      return all
    }
    let all = try FileSystem.list(path)
    let hasSettings = all.contains(settingsName)
    let config = hasSettings ? FileSystem.join(path, settingsName) : nil
    if let name = names.first(where: all.contains) {
      return [(FileSystem.join(path, name), config, nil)]
    }
    // As in diffusers, which takes those of training for none.
    let others = [".safetensors", ".bin"].map { ending in
      all.filter { name in
        name.hasSuffix(ending)
          && !["scheduler", "optimizer", "checkpoint"].contains(where: name.contains)
      }
    }
    guard let found = others.first(where: { !$0.isEmpty }) else {
      let named = all.filter { FileSystem.exists("\(path)/\($0)/\(settingsName)") }
      throw .missingFile(
        path: FileSystem.join(path, names[0]),
        remedy: named.isEmpty
          ? "a LoRA's folder holds it, or \(names[2])"
          : "there are adapters in \(named.joined(separator: ", ")): name one of these folders")
    }
    guard found.count == 1 else {
      throw .missingFile(
        path: FileSystem.join(path, names[0]),
        remedy: "there are \(found.joined(separator: ", ")): name one of them")
    }
    return [(FileSystem.join(path, found[0]), config, nil)]
  }
}
