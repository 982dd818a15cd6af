import Lantern
import LanternFormats
import LanternModels
import LanternPlatform
import LanternTensor
import LanternTokenizers

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
    // What lacks a tokenizer is another kind of model.
    if architecture != nil, file.values["tokenizer.ggml.model"] != nil {
      try tellLanguageModel(file.path) { try TokenizerCatalogue.load(file).notes }
    } else if context != nil {
      console.note("--context has no effect: this is no language model")
    }
    if json { return }
    for (key, value) in texts.sorted(by: { $0.key < $1.key }) { Self.describe(key, value) }
  }

  /// What a language model is, and the memory that it takes, from what its files say of themselves.
  ///
  /// - Parameters:
  ///   - path: of the file or folder.
  ///   - readTokenizer: reads the tokenizer, whose memory counts too; its notes.
  /// - Throws: an error of the room where something is wrong.
  func tellLanguageModel(_ path: String, readTokenizer: () throws -> [String]) throws {
    let notes = try readTokenizer()
    let plan = try LanguagePlan(path, precision: .default)
    for note in notes + plan.notes { console.note(note) }
    let (sizes, program) = (plan.sizes, ResidentMemory.peak)
    let tokens = context ?? min(sizes.maximumLength, Self.contextLimit)
    if tokens > sizes.maximumLength {
      console.note("--context \(tokens): the model was trained for \(sizes.maximumLength) tokens")
    }
    let total = program + plan.totalBytes(tokens)
    let caches = KVCacheType.allCases.map { ($0.rawValue, plan.cacheBytes(tokens, as: $0)) }
    let held = caches.map { "\(mib($0.1)) MiB in \($0.0)" }.joined(separator: ", ")
    let lines = [
      "  a language model of \(sizes.layers) layers of \(sizes.features) features; reads and writes \(sizes.maximumLength) tokens",
      "  memory for \(tokens) tokens in precision \(plan.precision.rawValue): about \(mib(total)) MiB",
      "    weights as they are packed \(mib(plan.weightBytes)) MiB",
      "    keys and values \(held); \(plan.cacheType.rawValue) is the default",
      "    to work in \(mib(plan.workBytes(tokens))) MiB, program and tokenizer \(mib(program)) MiB",
    ]
    report(
      lines.joined(separator: "\n"),
      [
        "event": .string("language"), "layers": .integer(sizes.layers),
        "features": .integer(sizes.features), "context": .integer(sizes.maximumLength),
        "cache_bytes_per_token": .integer(plan.cacheBytes(1)),
        "weight_bytes": .integer(plan.weightBytes), "precision": .string(plan.precision.rawValue),
        "tokens": .integer(tokens), "cache_type": .string(plan.cacheType.rawValue),
        "cache_bytes": .object(
          Dictionary(uniqueKeysWithValues: caches).mapValues(JSONValue.integer)),
        "work_bytes": .integer(plan.workBytes(tokens)), "program_bytes": .integer(program),
        "total_bytes": .integer(total),
        "available_bytes": SystemMemory.available.map(JSONValue.integer) ?? .null,
      ])
  }

  private func mib(_ bytes: Int) -> String { rounded(Double(bytes) / 1_048_576, 1) }
}
