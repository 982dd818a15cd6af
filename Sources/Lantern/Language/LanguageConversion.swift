package import LanternFormats
import LanternModels
import LanternPlatform
import LanternTensor
import LanternTokenizers

/// A language model written anew as a GGUF file, with its tokenizer and chat template, of a folder as transformers
/// lays it out or another GGUF file.
package struct LanguageConversion {
  /// What is left out, and tensors that are not of the requested type: a line each.
  package private(set) var notes: [String]
  private var fields: [GGUFField]
  private var tensors: [GGUFTensor] = []
  private let target: String

  /// Whether a path is that of a file that this writes.
  package static func isFile(_ target: String) -> Bool { target.lowercased().hasSuffix(".gguf") }

  /// Opens a model.
  ///
  /// - Parameters:
  ///   - path: a folder with `config.json`, weights and a tokenizer, or a GGUF file.
  ///   - target: where to write.
  ///   - type: what matrices are stored as; as they are when nil.
  /// - Throws: an error that names what is wrong.
  package init(of path: String, to target: String, as type: GGMLType? = nil) throws {
    self.target = target
    var content: GGUFContent
    if FileSystem.isDirectory(path) {
      (content, fields) = try Self.read(folder: path)
    } else {
      let file = try GGUFFile(path)
      // What a check of its settings finds, it finds now.
      _ = try GGUFLanguageModel(file)
      content = GGUFContent(file)
      fields = content.fields
    }
    notes = content.notes
    try plan(content.parts, type)
    let fileType = type?.fileType ?? Self.commonType(tensors)?.fileType
    if let fileType { fields.append(GGUFField("general.file_type", fileType)) }
    fields.append(GGUFField("general.quantization_version", 2))
  }

  /// Writes the model, whole or not at all.
  ///
  /// - Parameters:
  ///   - replaces: whether a file that is there is replaced.
  ///   - onTensor: called before each tensor is written; throw to stop.
  /// - Throws: ``FormatError``, or what `onTensor` throws; what was there is then as it was.
  package func write(replacing replaces: Bool, onTensor: () throws -> Void = {}) throws {
    var stop: (any Error)?
    do {
      try GGUFFile.write(fields, tensors, to: target, replaces ? .replace : .create) {
        () throws(FormatError) in
        do { try onTensor() } catch {
          stop = error
          throw .changed(path: target)
        }
      }
    } catch {
      throw stop ?? error
    }
  }

  // MARK: Folders

  private static func read(folder: String) throws -> (GGUFContent, [GGUFField]) {
    let (config, className) = try LanguageFiles.config(folder: folder)
    let archive = try Quantization.decoded(
      TensorArchive(folder: folder, stems: LanguageModel.stems), config)
    var content = try GGUFContent(className, config, archive)
    let tokenizer = try TokenizerCatalogue.loadLanguage(folder: folder)
    let described = try GGUFTokenizerFields(folder: folder)
    let rows = content.parts.first { $0.name == "token_embd.weight" }?.shape.first ?? 0
    var fields = content.fields
    fields.append(GGUFField("general.name", FileSystem.split(folder).name))
    fields += try described.fields(tokenizer, rows: rows)
    content.add(notes: described.notes + tokenizer.notes)
    if ModelCatalogue.encoders[className] != nil {
      fields.append(try EmbeddingFiles(folder).poolingField())
      return (content, fields)
    }
    let ends = try LanguageModel.ends(folder, config) ?? [tokenizer.endOfText]
    let others = ends.subtracting([tokenizer.window.end]).sorted()
    for (key, id) in zip(["eot", "eom"], others) {
      fields.append(GGUFField("tokenizer.ggml.\(key)_token_id", id))
    }
    if others.count > 2 {
      content.add(notes: [
        "\(folder): tokens \(others.dropFirst(2).map(String.init).joined(separator: ", ")) end a text too, "
          + "and a GGUF file names three that do"
      ])
    }
    if let template = try LanguageModel.chatTemplate(folder) {
      fields.append(GGUFField("tokenizer.chat_template", template.source))
    }
    return (content, fields)
  }

  // MARK: Types

  /// Chooses the type of each tensor. As in llama.cpp the head, or the table of tokens where that is the head, has 6
  /// bits at least.
  private mutating func plan(_ parts: [GGUFContent.Part], _ wanted: GGMLType?) throws {
    let head =
      parts.contains { $0.name == "output.weight" } ? "output.weight" : "token_embd.weight"
    var others: [String: [String]] = [:]
    for part in parts {
      var type = part.isPlain ? GGMLType.named("F32") : wanted ?? GGMLType.named(part.storedType)
      if part.name == head, let wanted, wanted.isNarrow { type = GGMLType.named("Q6_K") }
      guard let chosen = (type ?? GGMLType.named("F16"))?.holding(rowsOf: part.shape.last ?? 1)
      else { continue }
      if let wanted, !part.isPlain, chosen.name != wanted.name {
        others[chosen.name, default: []].append(part.name)
      }
      if chosen.name == part.storedType, let stored = part.stored {
        tensors.append(
          GGUFTensor(part.name, part.shape, chosen) { () throws(FormatError) in
            guard let found = try stored() else {
              throw .missingTensor(name: part.name, file: "the model")
            }
            return found
          })
      } else {
        guard chosen.format?.canEncode == true else {
          throw FormatError.unsupportedElementType(
            name: part.name, type: part.storedType, file: target)
        }
        tensors.append(GGUFTensor(part.name, part.shape, encodedAs: chosen, part.make))
      }
    }
    for (type, names) in others.sorted(by: { $0.key < $1.key }) {
      let first = names.sorted().prefix(3).joined(separator: ", ")
      notes.append(
        "\(names.count) tensors are stored as \(type): the model's head, or rows that do not fill the blocks of "
          + "\(wanted?.name ?? ""): \(first)\(names.count > 3 ? " …" : "")")
    }
  }

  /// The type of most tensors that are encoded.
  private static func commonType(_ tensors: [GGUFTensor]) -> GGMLType? {
    let groups = Dictionary(grouping: tensors.filter { $0.type.name != "F32" }, by: \.type.name)
    let most = groups.max { ($0.value.count, $0.key) < ($1.value.count, $1.key) }
    return most?.value.first?.type ?? tensors.first?.type
  }
}
