package import LanternFormats
package import LanternLayers
import LanternPlatform

/// A kind of model some of whose parts may be replaced by those of other files.
package protocol PartedKind: Sendable {
  /// Whether models of the kind have a part of this name that may be replaced.
  func has(_ component: String) -> Bool

  /// A part that is named by itself: its folder, a model's folder that has it, or a file, which may hold other
  /// parts too.
  ///
  /// - Parameters:
  ///   - name: of the part, as `vae`.
  ///   - path: where it is.
  ///   - model: whose part it is to be.
  /// - Returns: the part.
  /// - Throws: ``ModelError`` where nothing such is there.
  func part(_ name: String, at path: String, for model: any ModelSource) throws(ModelError)
    -> any ModelComponent
}

extension SingleFileKind: PartedKind {}

extension ModelSource {
  /// The kind of its parts, where its denoiser is a transformer.
  package var transformerKind: TransformerKind? {
    if let file = self as? TransformerFile { return file.kind }
    let name = className(of: "transformer")
    let kinds = TransformerKind.all.filter { $0.className == name }
    return kinds.first { $0.pipelineClass == pipelineClass } ?? kinds.first
  }
}

extension FolderComponent {
  /// A part in a folder of its own, or within that of a model.
  ///
  /// - Parameters:
  ///   - name: of the part.
  ///   - path: of the folder.
  ///   - className: its class; where nil as its settings have it.
  ///   - other: its class where these have none.
  /// - Returns: the part.
  /// - Throws: ``FormatError`` where nothing such is there.
  static func part(_ name: String, at path: String, as className: String?, or other: String?)
    throws(FormatError) -> any ModelComponent
  {
    if FileSystem.exists(FileSystem.join(path, "model_index.json")) {
      return try ModelFolder(path).component(name)
    }
    let config = try Config(path: FileSystem.join(path, "config.json"))
    return FolderComponent(className ?? config.value("_class_name")?.string ?? other, path)
  }
}

extension TransformerKind: PartedKind {
  package func has(_ component: String) -> Bool {
    component == "vae" || textEncoders.contains { $0.component == component }
  }

  package func part(_ name: String, at path: String, for model: any ModelSource)
    throws(ModelError) -> any ModelComponent
  {
    let encoder = textEncoders.first { $0.component == name }
    let file: any TensorFile
    do throws(FormatError) {
      if FileSystem.isDirectory(path) {
        return try FolderComponent.part(
          name, at: path, as: encoder?.className, or: model.className(of: name))
      }
      file = try openTensorFile(path)
    } catch {
      throw .file(error)
    }
    let found =
      if let encoder { try encoder.part(of: file, isAlone: true) } else {
        try codec(in: file, isAlone: true)
      }
    guard let found else {
      let what = encoder?.words ?? "autoencoder"
      throw .file(.missingPart(name: "\(what) in names that Lantern knows", path: path))
    }
    return found.component
  }

  /// The autoencoder of a file; nil where it has none.
  ///
  /// - Parameters:
  ///   - file: the file.
  ///   - isAlone: whether it may hold this part alone, without a prefix.
  /// - Returns: the part, and what of the file was read for it.
  /// - Throws: ``ModelError`` for tensors that are missing or of another rank.
  func codec(in file: any TensorFile, isAlone: Bool) throws(ModelError) -> (
    component: any ModelComponent, sources: Set<String>
  )? {
    let prefixes = SingleFilePart.Prefixes.autoencoder + (isAlone ? [""] : [])
    guard let part = SingleFilePart.autoencoder(in: file, below: prefixes) else { return nil }
    let shapes = ShapeSettings(file: part.tensors)
    var settings: [String: JSONValue]
    var name = "AutoencoderKL"
    switch codec {
    case .kl(let scalingFactor, let shiftFactor):
      settings = try shapes.autoencoder(scalingFactor: scalingFactor, sampleSize: 1024)
      settings["shift_factor"] = .number(shiftFactor)
    case .flux2:
      settings = try shapes.autoencoderFlux2(sampleSize: 1024)
      name = "AutoencoderKLFlux2"
    case .dc: return nil
    }
    return (FileComponent(name, settings, part.tensors, path: file.path), part.sources)
  }
}

extension TransformerTextEncoder {
  /// What it is, in words.
  fileprivate var words: String {
    switch family {
    case .clip: "text encoder of CLIP's kind"
    case .t5: "text encoder of T5's kind"
    case .qwen3: "text encoder of Qwen 3's kind"
    case .gemma2: "text encoder of Gemma 2's kind"
    }
  }

  /// The text encoder of a file; nil where it has none.
  ///
  /// - Parameters:
  ///   - file: the file.
  ///   - isAlone: whether it may hold this part alone, without a prefix, in llama.cpp's names too.
  /// - Returns: the part, and what of the file was read for it.
  /// - Throws: ``ModelError`` for tensors that are missing or of another rank.
  func part(of file: any TensorFile, isAlone: Bool) throws(ModelError) -> (
    component: any ModelComponent, sources: Set<String>
  )? {
    if isAlone, isLanguageModel, let file = file as? GGUFFile { return try part(of: file) }
    let prefixes = prefixes + (isAlone ? [""] : [])
    let found: SingleFilePart?
    let settings: [String: JSONValue]
    switch family {
    case .clip(let isProjected, _):
      found = SingleFilePart.textEncoder(
        in: file, below: prefixes, isProjected: isProjected, endsBeforeLast: false)
      settings = try found?.textEncoderSettings ?? [:]
    case .t5:
      let isLlama = isAlone && file.contains("enc.blk.0.attn_q.weight")
      found =
        isLlama
        ? SingleFilePart(file, below: "") { name, source, _ in
          LlamaT5Names.translated(name).map { [($0, TensorView(source))] }
        }
        : SingleFilePart.whole(
          in: file, below: prefixes, marks: ["encoder.block.0.layer.0.SelfAttention.q.weight"])
      settings =
        try found.map { part throws(ModelError) in
          try ShapeSettings(file: part.tensors).t5()
        } ?? [:]
    case .qwen3:
      found = SingleFilePart.whole(
        in: file, below: prefixes,
        marks: ["model.layers.0.self_attn.q_norm.weight", "layers.0.self_attn.q_norm.weight"])
      settings =
        try found.map { part throws(ModelError) in
          try ShapeSettings(file: part.tensors).qwen3()
        } ?? [:]
    case .gemma2: return nil
    }
    return found.map { part in
      (FileComponent(className, settings, part.tensors, path: file.path), part.sources)
    }
  }

  /// Whether it is a language model, which llama.cpp's converter writes too.
  private var isLanguageModel: Bool {
    switch family {
    case .clip, .t5: false
    case .qwen3, .gemma2: true
    }
  }

  /// A language model as llama.cpp's converter writes it.
  private func part(of file: GGUFFile) throws(ModelError) -> (
    component: any ModelComponent, sources: Set<String>
  ) {
    let model = try GGUFLanguageModel(file)
    guard model.className == className else {
      throw .unsupported(
        what: "is a \(model.className.escapingControls()), and no \(words)", file: file.path)
    }
    return (
      FileComponent(
        className, model.config.json.object ?? [:], model.tensors, path: file.path),
      Set(file.names)
    )
  }
}

/// llama.cpp's names of T5's encoder.
private enum LlamaT5Names {
  private static let layer = [
    "attn_q": "0.SelfAttention.q", "attn_k": "0.SelfAttention.k", "attn_v": "0.SelfAttention.v",
    "attn_o": "0.SelfAttention.o", "attn_rel_b": "0.SelfAttention.relative_attention_bias",
    "attn_norm": "0.layer_norm", "ffn_gate": "1.DenseReluDense.wi_0",
    "ffn_up": "1.DenseReluDense.wi_1", "ffn_down": "1.DenseReluDense.wo",
    "ffn_norm": "1.layer_norm",
  ]

  /// transformers' name; nil for what is not the encoder's.
  static func translated(_ name: String) -> String? {
    let parts = name.split(separator: ".").map(String.init)
    if parts == ["token_embd", "weight"] { return "shared.weight" }
    if parts == ["enc", "output_norm", "weight"] { return "encoder.final_layer_norm.weight" }
    guard parts.count == 5, parts[0] == "enc", parts[1] == "blk", let within = layer[parts[3]]
    else { return nil }
    return "encoder.block.\(parts[2]).layer.\(within).\(parts[4])"
  }
}
