package import LanternFormats
package import LanternLayers
package import LanternTensor

/// What a GGUF file holds of a language model: keys but for its tokenizer's, and tensors under llama.cpp's names.
package struct GGUFContent: Sendable {
  /// A tensor.
  package struct Part: Sendable {
    package let name: String
    package let shape: [Int]
    /// How it is stored now, as ggml or safetensors calls it.
    package let storedType: String
    /// Whether it is kept as f32: what is no matrix, what holds settings, and as in llama.cpp what positions and a
    /// router of experts are.
    package var isPlain: Bool {
      shape.count < 2 || GGUFSettings.tensors.contains(name) || name.hasPrefix("position_embd.")
        || name.hasPrefix("token_types.")
        || name.contains(".ffn_gate_inp")
    }
    /// Its numbers.
    package let make: @Sendable () throws(FormatError) -> Tensor
    /// Its bytes as they are stored; nil where no file has them in this order.
    package var stored: (@Sendable () throws(FormatError) -> StoredTensor?)?
  }

  package private(set) var fields: [GGUFField]
  package private(set) var parts: [Part]
  /// What the file cannot say, or leaves out: a line each.
  package private(set) var notes: [String] = []

  /// Keys that are another file's own: how many files it is split into, and what its tensors are stored as.
  private static let ownKeys: Set = [
    "split.no", "split.count", "split.tensors.count", "general.file_type",
    "general.quantization_version", "general.alignment",
  ]

  /// All of another GGUF file.
  package init(_ file: GGUFFile) {
    fields = file.fields.filter { !Self.ownKeys.contains($0.key) }
    parts = file.names.compactMap { name in
      file.info(name).map { type, shape in
        Part(
          name: name, shape: shape, storedType: type,
          make: { () throws(FormatError) in try Self.found(file.tensor(name), name, file.path) },
          stored: { () throws(FormatError) in try file.stored(name) })
      }
    }
  }

  /// A model as transformers lays it out.
  ///
  /// - Parameters:
  ///   - className: the class of its network.
  ///   - config: its settings.
  ///   - archive: its tensors.
  /// - Throws: ``ModelError`` for a class without an architecture of GGUF files, and for settings that llama.cpp does
  ///   not read from one.
  package init(_ className: String, _ config: Config, _ archive: TensorArchive) throws(ModelError) {
    if let row = GGUFArchitecture.writtenEncoders[className] {
      var keys = GGUFEncoderKeys(try BertConfig(config, of: .bert), row, file: config.file)
      do throws(FormatError) {
        (fields, parts) = (try keys.fields(), try keys.views(archive))
      } catch {
        throw .file(error)
      }
      notes = keys.notes + config.notes + archive.notes
      return
    }
    guard let (row, kind) = GGUFArchitecture.written[className] else {
      let known = (Array(GGUFArchitecture.written.keys) + GGUFArchitecture.writtenEncoders.keys)
        .sorted().joined(separator: ", ")
      throw .file(
        .unsupportedFileKind(
          path: config.file,
          remedy: "\(className.escapingControls()) is not written as a GGUF file; \(known) are"))
    }
    var keys = GGUFKeys(try LlamaConfig(config, of: kind), row, file: config.file)
    do throws(FormatError) {
      try keys.check()
      fields = keys.fields()
      let settings = keys.tensors()
      parts = settings.map { name, numbers in
        Part(
          name: name, shape: [numbers.count], storedType: "F32",
          make: { () throws(FormatError) in
            do throws(TensorError) {
              return try Tensor(numbers, shape: [numbers.count])
            } catch {
              throw .tensor(error)
            }
          })
      }
      parts += try keys.views(archive)
    } catch {
      throw .file(error)
    }
    notes = keys.notes + config.notes + archive.notes
  }

  /// Adds lines to ``notes``.
  package mutating func add(notes: [String]) { self.notes += notes }

  static func found(_ tensor: Tensor?, _ name: String, _ file: String) throws(FormatError)
    -> Tensor
  {
    guard let tensor else { throw .missingTensor(name: name, file: file) }
    return tensor
  }
}
