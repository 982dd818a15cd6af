import LanternFormats

/// Which files of a repository make a model: what diffusers' `DiffusionPipeline.download` takes, with a
/// variant of weights and no safety checker, and of other repositories what belongs to one component.
struct PullPlan {
  /// Paths of the files, sorted.
  private(set) var paths: [String]
  /// What is left out, or mixed: a line each.
  private(set) var notes: [String] = []

  private let repository: String
  private let variant: String?

  /// A part of pipelines that nothing here reads, and that is as large as all others.
  private static let unread = "safety_checker"
  /// Files of one component that lie at the top: settings, vocabularies.
  private static let textEndings = [".json", ".txt", ".model"]
  private static let singleEndings = [".safetensors", ".ckpt", ".pt", ".pth", ".bin"]

  /// The plan of a repository.
  ///
  /// - Parameters:
  ///   - model: what the hub lists.
  ///   - index: its `model_index.json`, if it has one.
  ///   - variant: of weights, as `fp16`; nil for the plain ones.
  /// - Throws: ``HubError`` where nothing there is meant by that.
  init(_ model: RemoteModel, index: JSONValue?, variant: String?) throws(HubError) {
    (repository, self.variant, paths) = (model.name.repository, variant, [])
    if let index {
      try planPipeline(model.paths, index.object ?? [:])
    } else {
      try planComponent(model.paths)
    }
    // Nothing here runs code.
    paths = Set(paths.filter { !$0.hasSuffix(".py") }).sorted()
  }

  /// The plan of a folder of a repository: one component of a pipeline.
  ///
  /// - Parameters:
  ///   - model: what the hub lists.
  ///   - folder: its path.
  ///   - variant: as above.
  /// - Throws: as above.
  init(_ model: RemoteModel, folder: String, variant: String?) throws(HubError) {
    (repository, self.variant, paths) = (model.name.repository, variant, [])
    let inside = model.paths.filter { $0.hasPrefix("\(folder)/") }
    let names = inside.map { String($0.dropFirst(folder.count + 1)) }
    let texts = names.filter(Self.isText)
    // Tokenizers and schedulers have no weights.
    if texts.count == names.count { paths = texts } else { try planComponent(names) }
    paths = paths.map { "\(folder)/\($0)" }.sorted()
  }

  private mutating func planPipeline(_ all: [String], _ index: [String: JSONValue])
    throws(HubError)
  {
    let ignored = Set((index["_ignore_files"]?.array ?? []).compactMap(\.string))
    let folders = Set(index.filter { $0.value.array != nil && !$0.key.hasPrefix("_") }.keys)
    let known = all.filter { !ignored.contains($0) && Self.folder(of: $0) != Self.unread }
    if all.contains(where: { $0.hasPrefix("\(Self.unread)/") }) {
      notes.append(
        "\(Self.unread) is left out: nothing here reads it (in Python: safety_checker=None)")
    }
    let withWeights = Set(
      known.filter { path in
        WeightName.formats.contains { path.hasSuffix(".\($0)") }
      }.map(Self.folder)
    ).intersection(folders)
    let weights = try weights(known, in: withWeights)
    paths = known.filter { path in
      let folder = Self.folder(of: path)
      let part = path.split(separator: "/").first.map(String.init) ?? ""
      if weights.contains(path) { return true }
      if withWeights.contains(folder) { return path == "\(folder)/config.json" }
      if folder.isEmpty { return Self.topNames.contains(path) }
      return folders.contains(part) && !withWeights.contains(part) && !isBinary(path)
    }
  }

  /// Files that diffusers takes from the top of a repository.
  private static let topNames: Set<String> = [
    "model_index.json", "config.json", "scheduler_config.json", "tokenizer.json",
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
    "vocab.txt", "merges.txt", "spiece.model", "tokenizer.model", "preprocessor_config.json",
    "processor_config.json", "generation_config.json",
  ]

  private func isBinary(_ path: String) -> Bool {
    [".bin", ".onnx", ".pb", ".msgpack", ".safetensors"].contains(where: path.hasSuffix)
  }

  /// The files of weights: in one format, and of one variant where a part has it.
  private mutating func weights(_ known: [String], in folders: Set<String>) throws(HubError)
    -> Set<String>
  {
    var parts: [String: [(path: String, name: WeightName)]] = [:]
    for path in known {
      guard let name = WeightName(Self.name(of: path)) else { continue }
      parts[Self.folder(of: path), default: []].append((path, name))
    }
    let components = parts.filter { folders.contains($0.key) }
    let isSafe = (components.isEmpty ? parts : components).allSatisfy { _, files in
      choice(files.filter { !$0.name.isLegacy && !$0.name.isIndex }).contains {
        $0.name.format == "safetensors"
      }
    }
    let format = isSafe ? "safetensors" : "bin"
    var (chosen, plain): (Set<String>, [String]) = ([], [])
    var hasVariant = false
    for (folder, files) in parts {
      let files = choice(files.filter { $0.name.format == format })
      chosen.formUnion(files.map(\.path))
      if files.contains(where: { $0.name.variant != nil }) {
        hasVariant = true
      } else if !files.isEmpty {
        plain.append(folder.isEmpty ? "the top folder" : folder)
      }
    }
    if let variant, !hasVariant {
      let found = Set(parts.values.joined().compactMap(\.name.variant)).sorted()
      throw .noVariant(variant: variant, repository: repository, found: found)
    }
    if let variant, !plain.isEmpty {
      notes.append(
        "there is no \(variant) of \(plain.sorted().joined(separator: ", ")): plain weights are taken"
      )
    }
    if !isSafe, !chosen.isEmpty {
      notes.append("not every part has safetensors: weights of torch.save are taken")
    }
    return chosen
  }

  /// Of files of one part those of the wanted variant, or the plain ones where there are none.
  private func choice(_ files: [(path: String, name: WeightName)]) -> [(
    path: String, name: WeightName
  )] {
    if let variant {
      let wanted = files.filter { $0.name.variant == variant }
      let now = wanted.filter { !$0.name.isLegacy }
      if now.contains(where: { !$0.name.isIndex }) { return now }
      if wanted.contains(where: { !$0.name.isIndex }) { return wanted.filter(\.name.isLegacy) }
    }
    return files.filter { $0.name.variant == nil }
  }

  /// A repository that is one component, an adapter, or a file.
  private mutating func planComponent(_ all: [String]) throws(HubError) {
    let top = all.filter { !$0.contains("/") }
    let texts = top.filter(Self.isText)
    let isComponent = top.contains("config.json")
    if isComponent || top.contains("adapter_config.json") {
      paths = texts + Self.adapters.filter(top.contains).prefix(1)
      if isComponent { paths += try weights(top, in: []) }
      guard paths.count > texts.count else { throw .noWeights(repository: repository) }
      return
    }
    if let variant { throw .noVariant(variant: variant, repository: repository, found: []) }
    let candidates = Self.singleEndings.lazy.map { ending in
      all.filter { $0.lowercased().hasSuffix(ending) }
    }
    guard let files = candidates.first(where: { !$0.isEmpty }) else {
      throw .noWeights(repository: repository)
    }
    guard files.count == 1 else { throw .severalFiles(repository: repository, files: files) }
    paths = files
  }

  private static func isText(_ name: String) -> Bool {
    textEndings.contains(where: name.hasSuffix) && WeightName(name[...]) == nil
  }

  private static let adapters = [
    "adapter_model.safetensors", "adapter_model.bin", "pytorch_lora_weights.safetensors",
    "pytorch_lora_weights.bin",
  ]

  private static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
  }

  private static func name(of path: String) -> Substring {
    path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
  }
}
