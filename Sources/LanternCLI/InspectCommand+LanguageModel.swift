import Lantern
import LanternFormats
import LanternTensor

extension InspectCommand {
  /// A GGUF file: its weights, and of a language model what it is, and the memory that a text takes.
  func inspectGGUF(_ file: GGUFFile) throws {
    let archive = TensorArchive(files: [file])
    let texts = file.values.filter { $0.key.hasPrefix("general.") }.compactMapValues(\.string)
    let architecture = file.values["general.architecture"]?.string
    report(
      file.path, archive,
      [
        "event": .string("weights"), "path": .string(file.path),
        "kind": architecture.map(JSONValue.string) ?? .null,
        "metadata": .object(texts.mapValues(JSONValue.string)),
      ])
    if let architecture, file.values["tokenizer.ggml.model"] != nil {
      try tellLanguageModel(file, architecture)
    }
    if json { return }
    for (key, value) in texts.sorted(by: { $0.key < $1.key }) { Self.describe(key, value) }
  }

  private func tellLanguageModel(_ file: GGUFFile, _ architecture: String) throws {
    func integer(_ key: String) -> Int? { file.values["\(architecture).\(key)"]?.integer }
    // What a check of every setting finds, it finds now.
    let generator = try LanguageGenerator(path: file.path, precision: .default)
    for note in generator.notes { console.note(note) }
    let context = generator.contextLength
    let cache = generator.cacheBytesPerToken
    BufferPool.shared.drain()
    let weights = BufferPool.shared.heldByteCount
    let layers = integer("block_count") ?? 0, width = integer("embedding_length") ?? 0
    report(
      "  a language model of \(layers) layers of \(width) features; reads and writes \(context) tokens, "
        + "\(rounded(Double(cache) / 1024, 1)) KiB of memory each: "
        + "\(rounded(Double(cache * context) / 1_048_576, 1)) MiB for all, behind "
        + "\(rounded(Double(weights) / 1_048_576, 1)) MiB of weights, in precision \(Precision.default.rawValue)",
      [
        "event": .string("language"), "layers": .integer(layers), "features": .integer(width),
        "context": .integer(context), "cache_bytes_per_token": .integer(cache),
        "weight_bytes": .integer(weights),
        "precision": .string(Precision.default.rawValue),
      ])
  }
}
