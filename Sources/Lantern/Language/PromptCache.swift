import LanternFormats
import LanternLayers
import LanternModels
import LanternPlatform
import LanternTensor

/// A file with the keys and values of a prompt's beginning, in whole blocks of tokens, so that a prompt which begins
/// alike is read from there on.
///
/// Safetensors: `tokens`, `[token]`, and `keys.N` and `values.N` of each layer, `[1, token, feature]`, in the type that
/// the model's cache has, of int8 as bytes with `key_scales.N` and `value_scales.N`, `[1, token, head]`; metadata name the model and hold a hash of the rest.
struct PromptCache {
  private let path: String
  private let model: LanguageModel
  private let identity: String

  private static let modelKey = "lantern.prompt_cache", hashKey = "lantern.hash"

  /// - Parameters:
  ///   - path: of the file.
  ///   - model: whose keys and values they are.
  /// - Throws: an error of weights that cannot be read.
  init(_ path: String, _ model: LanguageModel) throws {
    (self.path, self.model, identity) = (path, model, try model.identity())
  }

  /// Takes in what the file has of a prompt, where that is more than a context has; the last token is always left.
  ///
  /// - Returns: how many tokens the file has, and whether they were taken.
  /// - Throws: ``RequestError/promptCache(path:reason:)`` for a file that is no cache of this model, or damaged.
  func restore(_ prompt: [Int], into context: inout LanguageContext) throws -> (
    found: Int, isTaken: Bool
  ) {
    guard FileSystem.exists(path) else { return (0, false) }
    let (file, tokens) = try checked()
    let shared = zip(tokens, prompt.dropLast()).prefix { $0 == $1 }.count
    let count = shared / model.network.blockLength * model.network.blockLength
    guard count > context.tokens.count else { return (count, false) }
    func tensor(_ name: String) throws -> Tensor {
      guard let all = try file.tensor(name), all.rank == 3, all.shape[1] == tokens.count else {
        throw RequestError.promptCache(path: path, reason: "lacks \(name)")
      }
      return try all.sliced(axis: 1, 0..<count)
    }
    do {
      let layers = file.names.count { $0.hasPrefix("keys.") }
      try context.restore(
        Array(prompt[..<count]),
        try (0..<layers).map { layer in
          var all = LanternLayers.Attention.KeysAndValues(
            keys: try tensor("keys.\(layer)"), values: try tensor("values.\(layer)"))
          guard model.cacheType == .int8 else { return all }
          all.scales = KeyValueScales(
            keys: try tensor("key_scales.\(layer)"), values: try tensor("value_scales.\(layer)"))
          return all
        })
    } catch {
      guard let misfit = error as? TensorError else { throw error }
      throw RequestError.promptCache(path: path, reason: "does not fit the model: \(misfit)")
    }
    return (count, true)
  }

  private func opened() throws -> SafetensorsFile {
    do throws(FormatError) {
      return try SafetensorsFile(path)
    } catch {
      guard error.kind == .data else { throw error }
      throw RequestError.promptCache(path: path, reason: "is no prompt cache, or a damaged one")
    }
  }

  /// The file, whole and of this model, and its tokens.
  private func checked() throws -> (file: SafetensorsFile, tokens: [Int]) {
    let file = try opened()
    guard let identity = file.metadata[Self.modelKey], let tokens = try file.tensor("tokens"),
      tokens.dtype == .int32
    else { throw RequestError.promptCache(path: path, reason: "is no prompt cache") }
    guard identity == self.identity else {
      throw RequestError.promptCache(
        path: path, reason: "is of another model, precision or instruction set")
    }
    let dtype = try file.tensor("keys.0")?.dtype
    if let other = KVCacheType.allCases.first(where: { $0.dtype == dtype }),
      other != model.cacheType
    {
      throw RequestError.promptCache(
        path: path,
        reason: "has keys and values of \(other.rawValue), not \(model.cacheType.rawValue): "
          + "choose that type of cache")
    }
    let all = try file.names.sorted().compactMap { name in try file.tensor(name).map { (name, $0) }
    }
    guard file.metadata[Self.hashKey] == Self.hash(all) else {
      throw RequestError.promptCache(path: path, reason: "is damaged")
    }
    return (file, try tokens.integers().map(Int.init))
  }

  /// Writes what a context has in whole blocks, of which the file has fewer than that.
  ///
  /// - Parameters:
  ///   - context: what was read.
  ///   - found: tokens of it that the file has.
  /// - Returns: how many it has now.
  /// - Throws: ``FormatError`` where it cannot be written.
  func store(_ context: borrowing LanguageContext, found: Int) throws -> Int {
    let count = context.blockTokens
    guard count > found, context.cache.isWhole else { return found }
    var tensors = [
      ("tokens", try Tensor(context.tokens[..<count].map { Int32($0) }, shape: [count]))
    ]
    for (layer, all) in context.cache.contents(count).enumerated() {
      tensors += [("keys.\(layer)", all.keys), ("values.\(layer)", all.values)]
      guard let scales = all.scales else { continue }
      tensors += [("key_scales.\(layer)", scales.keys), ("value_scales.\(layer)", scales.values)]
    }
    try SafetensorsFile.write(
      tensors, metadata: [Self.modelKey: identity, Self.hashKey: Self.hash(tensors)], to: path)
    return count
  }

  private static func hash(_ tensors: [(name: String, tensor: Tensor)]) -> String {
    var hash = FNV1a()
    for (name, tensor) in tensors.sorted(by: { $0.name < $1.name }) {
      hash.update(name)
      let count = tensor.elementCount * tensor.dtype.byteSize
      hash.update(UnsafeRawBufferPointer(start: tensor.bytes, count: count))
      withExtendedLifetime(tensor) {}
    }
    return hash.hex
  }
}

extension LanguageModel {
  /// A hash of all that keys and values depend on besides the tokens: settings, the names, types, shapes and first rows
  /// of weights, and what computes, in which blocks.
  func identity() throws -> String {
    var hash = FNV1a()
    hash.update(
      "\(className) \(precision.rawValue) \(ComputeEngine.instructionSet) \(network.blockLength) "
        + JSON.write(settings))
    try hash.update(weights)
    for lora in loras {
      hash.update("\(lora.path) \(lora.strength)")
      try hash.update(TensorArchive(files: lora.files().map { try openTensorFile($0.path) }))
    }
    return hash.hex
  }
}

extension FNV1a {
  /// Adds the names, types, shapes and first rows of tensors.
  fileprivate mutating func update(_ weights: TensorArchive) throws {
    for name in weights.names {
      guard let info = weights.info(name) else { continue }
      update("\(name) \(info.dtype) \(info.shape)")
      // What a model does not compute with may be of any type, and has no row that is read.
      let blocks = try? weights.blocks(name)?.rows([0])
      let row = try? blocks ?? weights.tensor(name)?.sliced(axis: 0, 0..<1).contiguous()
      guard let row else { continue }
      let count = row.elementCount * row.dtype.byteSize
      update(UnsafeRawBufferPointer(start: row.bytes, count: count))
      withExtendedLifetime(row) {}
    }
  }
}
