import LanternFormats
package import LanternModels
import LanternPlatform
package import LanternTensor

/// What memory a language model takes, known before its weights are read.
package struct LanguagePlan: Sendable {
  /// The sizes of its network.
  package let sizes: DecoderSizes
  /// What it computes in, and keeps keys and values in.
  package let precision: Precision, cacheType: KVCacheType
  /// Bytes of its weights as they are packed.
  package let weightBytes: Int
  /// Settings that were read otherwise than may be expected: a line each.
  package let notes: [String]
  /// Tokens that are read at a time.
  private let blockLength: Int
  private let path: String

  /// Reads what the files say of themselves.
  ///
  /// - Parameters:
  ///   - path: a GGUF file, or a folder with `config.json` and weights.
  ///   - loras: what is added to the weights.
  ///   - precision: what the network computes in.
  ///   - cacheType: what keys and values are kept in; as the precision has it when nil.
  /// - Throws: an error that names the file, what is wrong with it, and the remedy.
  package init(
    _ path: String, adding loras: [LoRA] = [], precision: Precision, cacheType: KVCacheType? = nil
  ) throws {
    try self.init(
      LanguageFiles(path, adding: loras), precision: precision,
      cacheType: cacheType ?? KVCacheType(for: precision))
  }

  init(_ files: LanguageFiles, precision: Precision, cacheType: KVCacheType) throws {
    (path, self.precision, self.cacheType) = (files.path, precision, cacheType)
    // What a check of every setting finds, it finds now.
    let (network, bytes) = try files.network(precision, isPlan: true)
    (sizes, blockLength, weightBytes) = (network.sizes, network.blockLength, bytes)
    notes = files.config.notes
  }

  /// Bytes of the keys and values of tokens.
  package func cacheBytes(_ tokens: Int, as type: KVCacheType? = nil) -> Int {
    sizes.cacheShape.byteCount(tokens, type ?? cacheType)
  }

  /// About the bytes that reading so many tokens and choosing the next takes besides: activations of a block, hidden
  /// states of all, attention's scratch, what a sampler does with scores, and pages of the files.
  package func workBytes(_ tokens: Int) -> Int {
    let block = min(tokens, blockLength)
    let (queries, keys) = (
      sizes.heads * sizes.sizeOfHead, sizes.headsOfKeys * sizes.sizeOfHead
    )
    // Of a layer: what comes in, normed, and out, before it is added; queries, turned, attended; keys and values, turned
    // and rounded.
    let activations = block * (6 * sizes.features + 3 * queries + 6 * keys + 2 * sizes.inner)
    let states = 2 * tokens * sizes.features
    let scratch = attentionScratchBytes(
      queries: block, keys: sizes.cacheShape.visibleKeys(tokens), keyHeads: sizes.headsOfKeys,
      headSize: sizes.sizeOfHead,
      precision: precision)
    let pages = min(PackedMatrix.bytesOfPiece, weightBytes)
    return (activations + states + 10 * sizes.vocabulary) * DType.float32.byteSize + scratch + pages
  }

  /// Bytes of all of that.
  package func totalBytes(_ tokens: Int) -> Int {
    weightBytes + cacheBytes(tokens) + workBytes(tokens)
  }

  /// Checks, before weights are read, that there is memory for a text of a few tokens.
  ///
  /// - Parameter available: bytes that the system has; unknown when nil.
  /// - Throws: ``RequestError/memory(what:needed:available:)``.
  package func check(available: Int? = SystemMemory.available) throws {
    try Self.check(
      totalBytes(min(512, sizes.maximumLength)), available,
      "\(path): \(mebibytes(weightBytes)) MiB of weights and what 512 tokens take")
  }

  /// - Throws: ``RequestError/memory(what:needed:available:)`` where the system has less than is needed.
  static func check(_ needed: Int, _ available: Int?, _ what: String) throws {
    guard let available, available < needed else { return }
    throw RequestError.memory(what: what, needed: needed, available: available)
  }
}

/// Bytes in whole MiB.
func mebibytes(_ bytes: Int) -> Int { (bytes + (1 << 19)) >> 20 }
