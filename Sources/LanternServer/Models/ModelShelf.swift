import Lantern
import LanternFormats
import LanternHub
import LanternPlatform
import LanternTensor

/// The models of a server: loaded when they are needed, kept while memory allows, the least recently used
/// released first.
actor ModelShelf {
  /// A model that is loaded.
  enum Loaded: Sendable {
    case image(ImageGenerator)
    case language(ServedLanguageModel)
    case embedding(TextEmbedder)
    case story(StoryGenerator)
    case upscaler(Upscaler)
  }

  /// A model that may be loaded.
  struct Entry: Sendable {
    var name: String
    let path: String
    let kind: ModelKind
    /// What is added to its weights.
    var loras: [LoRA] = []
    /// What its weights take in its files, which is about what they take in memory.
    let byteCount: Int
    var isLoaded = false
  }

  private struct Place {
    let loaded: Loaded
    let byteCount: Int
    var lastUse: Int
  }

  private let configuration: ServerConfiguration
  private var named: [Entry] = []
  private var places: [String: Place] = [:]
  private var loading: [String: Task<Loaded, any Error>] = [:]
  private var uses = 0
  private let log: @Sendable (String) -> Void

  /// - Parameters:
  ///   - configuration: the server's.
  ///   - log: takes a line for each model that is loaded or released.
  /// - Throws: `FormatError` for a model that is not there, or is none.
  init(_ configuration: ServerConfiguration, log: @escaping @Sendable (String) -> Void) throws {
    (self.configuration, self.log) = (configuration, log)
    for (name, path) in configuration.models {
      let found = try HubCache.standard.located(path)
      guard FileSystem.exists(found) else {
        throw FormatError.missingFile(path: found, remedy: "give the folder or file of a model")
      }
      guard let entry = Self.entry(name, found) else {
        throw FormatError.unsupportedFileKind(
          path: found,
          remedy: "give a folder with model_index.json or config.json, or a file of weights")
      }
      named.append(entry)
    }
    for shipped in [ModelLocation.picturebook, .storyteller] {
      if let path = try? shipped.path(), let entry = Self.entry(shipped.name, path) {
        named.append(entry)
      }
    }
    for folder in configuration.folders { _ = try FileSystem.list(folder) }
  }

  private static func entry(_ name: String, _ path: String) -> Entry? {
    ModelKind(path: path).map {
      Entry(name: name, path: path, kind: $0, byteCount: FileSystem.weightBytes(path))
    }
  }

  /// All models, those with names of their own first; folders are read anew, so that what was added is there.
  var entries: [Entry] {
    var all = named
    for folder in configuration.folders {
      for file in ((try? FileSystem.list(folder)) ?? []).sorted() where !file.hasPrefix(".") {
        let path = FileSystem.join(folder, file)
        let name = FileSystem.isFile(path) ? Self.stem(file) : file
        if !all.contains(where: { $0.name == name }), let entry = Self.entry(name, path) {
          all.append(entry)
        }
      }
    }
    return all.map { entry in
      var entry = entry
      entry.isLoaded = places[entry.name] != nil
      return entry
    }
  }

  private static func stem(_ file: String) -> String {
    guard let dot = file.lastIndex(of: ".") else { return file }
    return String(file[..<dot])
  }

  /// The model of a name.
  ///
  /// - Parameters:
  ///   - name: its name, its path's last part, or what a client without a choice sends; the first of the kind when nil.
  ///   - kind: what it must do.
  /// - Returns: the model; it is not loaded yet.
  /// - Throws: ``ServerError/unknownModel(name:known:)``, ``ServerError/wrongModel(name:does:wanted:)``,
  ///   ``ServerError/noModel(wanted:)``.
  func entry(named name: String?, _ kind: ModelKind) throws(ServerError) -> Entry {
    let all = entries
    guard let name else {
      guard let first = all.first(where: { $0.kind == kind }) else {
        throw .noModel(wanted: kind.words)
      }
      return first
    }
    // Ollama's clients add a tag.
    let plain = name.hasSuffix(":latest") ? String(name.dropLast(7)) : name
    guard
      let entry = all.first(where: { $0.name == plain })
        ?? all.first(where: { FileSystem.split($0.path).name == plain }) ?? pulled(plain)
    else { throw .unknownModel(name: name, known: all.map(\.name)) }
    guard entry.kind == kind else {
      throw .wrongModel(name: entry.name, does: entry.kind.words, wanted: kind.words)
    }
    return entry
  }

  /// A model of the hub that lies in the cache, by its name there.
  private func pulled(_ name: String) -> Entry? {
    guard let hub = configuration.hub, !name.hasPrefix("/"), !name.hasPrefix("."),
      let reference = HubReference(name), let path = hub.cache.path(of: reference)
    else { return nil }
    return Self.entry(name, path)
  }

  /// A model that draws.
  ///
  /// - Parameters:
  ///   - name: its name; the first when nil.
  ///   - loras: what is added to its weights. A model with other LoRAs is another model in memory.
  /// - Returns: the model, loaded.
  /// - Throws: as ``entry(named:_:)``, and what is wrong with its files.
  func image(_ name: String?, adding loras: [LoRA] = []) async throws -> ImageGenerator {
    var entry = try entry(named: name, .image)
    entry.loras = loras
    for lora in loras { entry.name += " + \(lora)" }
    guard case .image(let generator) = try await loaded(entry) else {
      throw ServerError.noModel(wanted: ModelKind.image.words)
    }
    return generator
  }

  func language(_ name: String?) async throws -> ServedLanguageModel {
    guard case .language(let model) = try await loaded(entry(named: name, .language)) else {
      throw ServerError.noModel(wanted: ModelKind.language.words)
    }
    return model
  }

  /// A model that makes vectors: an encoder, or else a language model.
  func embedding(_ name: String?) async throws -> TextEmbedder {
    let all = entries
    let wanted = name.flatMap { name in all.first { $0.name == name } }
    var entry = try wanted ?? self.entry(named: name, .embedding)
    if entry.kind == .language {
      entry = Entry(
        name: entry.name + " (vectors)", path: entry.path, kind: .embedding,
        byteCount: entry.byteCount)
    }
    guard entry.kind == .embedding else {
      throw ServerError.wrongModel(
        name: entry.name, does: entry.kind.words, wanted: ModelKind.embedding.words)
    }
    guard case .embedding(let embedder) = try await loaded(entry) else {
      throw ServerError.noModel(wanted: ModelKind.embedding.words)
    }
    return embedder
  }

  /// A network that enlarges.
  func upscaler(_ path: String) async throws -> Upscaler {
    let entry = Entry(
      name: "upscaler \(FileSystem.split(path).name)", path: path, kind: .upscaler,
      byteCount: FileSystem.weightBytes(path))
    guard case .upscaler(let upscaler) = try await loaded(entry) else {
      throw ServerError.noModel(wanted: ModelKind.upscaler.words)
    }
    return upscaler
  }

  func story(_ name: String?) async throws -> StoryGenerator {
    guard case .story(let generator) = try await loaded(entry(named: name, .story)) else {
      throw ServerError.noModel(wanted: ModelKind.story.words)
    }
    return generator
  }

  /// The model, loaded once for all who wait for it.
  private func loaded(_ entry: Entry) async throws -> Loaded {
    uses += 1
    if places[entry.name] != nil {
      places[entry.name]?.lastUse = uses
      if let place = places[entry.name] { return place.loaded }
    }
    if let task = loading[entry.name] { return try await task.value }
    try makeRoom(for: entry)
    let (configuration, start) = (configuration, ContinuousClock.now)
    let task = Task {
      try await ComputeQueue.run { _ in try Self.load(entry, configuration) }
    }
    loading[entry.name] = task
    defer { loading[entry.name] = nil }
    let loaded = try await task.value
    places[entry.name] = Place(loaded: loaded, byteCount: entry.byteCount, lastUse: uses)
    log("\(entry.name): loaded in \((ContinuousClock.now - start).milliseconds) ms")
    return loaded
  }

  private static func load(_ entry: Entry, _ configuration: ServerConfiguration) throws -> Loaded {
    let precision = configuration.precision
    switch entry.kind {
    case .image:
      return .image(
        try ImageGenerator(folder: entry.path, adding: entry.loras, precision: precision))
    case .language:
      return .language(
        ServedLanguageModel(
          name: entry.name, try LanguageGenerator(path: entry.path, precision: precision),
          slots: configuration.slots))
    case .embedding: return .embedding(try TextEmbedder(path: entry.path, precision: precision))
    case .story: return .story(try StoryGenerator(.folder(entry.path), precision: precision))
    case .upscaler: return .upscaler(try Upscaler(file: entry.path, precision: precision))
    }
  }

  /// Releases models, the least recently used first, until another fits.
  private func makeRoom(for entry: Entry) throws(ServerError) {
    func taken() -> Int { places.values.reduce(0) { $0 + $1.byteCount } }
    let limit = configuration.memoryLimit ?? (taken() + (SystemMemory.available ?? .max / 2))
    guard entry.byteCount <= limit else {
      throw .memory(model: entry.name, needed: entry.byteCount, limit: limit)
    }
    while taken() + entry.byteCount > limit,
      let oldest = places.min(by: { $0.value.lastUse < $1.value.lastUse })
    {
      places[oldest.key] = nil
      log("\(oldest.key): released, to make room for \(entry.name)")
    }
  }
}

extension Duration {
  /// Whole milliseconds.
  var milliseconds: Int { Int(self / .milliseconds(1)) }
}
