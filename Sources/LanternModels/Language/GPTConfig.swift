package import LanternFormats
package import LanternLayers
import LanternTensor

/// The settings of a decoder of GPT's kind, read from transformers' `config.json`.
package struct GPTConfig: Sendable {
  /// transformers' classes of this kind, which differ in what their settings and tensors are called and mean.
  package enum Architecture: Sendable {
    case falcon, gpt2, gptJ, gptNeoX, opt, phi
  }

  /// Where a layer normalises, and what it adds to what.
  enum Block: Sendable {
    /// Attention, then the feed-forward layer, each behind its norm.
    case sequential
    /// The two side by side, behind one norm.
    case parallel
    /// The two side by side, each behind a norm of its own.
    case parallelNorms
    /// A norm behind each of the two sums.
    case postNorm
  }

  package let sizes: DecoderSizes
  var normEps: Float = 1e-5
  /// Whether norms have weights.
  var isAffine = true
  var activation: Activation
  var block: Block
  /// Whether there is a norm behind the last layer.
  var hasFinalNorm = true
  /// Whether each head's queries and keys are normalised.
  package var hasHeadNorms = false
  /// Which linear maps have biases.
  var biases = (attention: true, feedForward: true, head: false)
  /// Of attention's scores; 1/√headSize when nil.
  var scoreScale: Float?
  /// Whether scores are divided by a layer's number too, from 1 on.
  var dividesByLayer = false
  /// How heads turn; nil where positions are learned.
  var rope: RopeParameters?
  var pairing = RotaryEmbedding.Pairing.halves
  /// The row of the table of positions that is the first token's; nil where heads turn.
  var firstPosition: Int?
  /// Features of the table of tokens, where it is projected to those of the decoder; as many when nil.
  var embeddingSize: Int?
  var tieWordEmbeddings = false
  var names = DecoderNames()
  /// Settings of the class that change nothing.
  var harmless: Set<String> = []

  init(_ sizes: DecoderSizes, _ activation: Activation, _ block: Block) {
    (self.sizes, self.activation, self.block) = (sizes, activation, block)
  }

  /// Reads the settings; absent ones are those of the class.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when sizes do not divide.
  package init(_ config: Config, of architecture: Architecture) throws(ModelError) {
    do throws(FormatError) {
      self =
        switch architecture {
        case .falcon: try .falcon(config)
        case .gpt2: try .gpt2(config)
        case .gptJ: try .gptJ(config)
        case .gptNeoX: try .gptNeoX(config)
        case .opt: try .opt(config)
        case .phi: try .phi(config)
        }
      try config.finish(ignoring: TransformersSettings.harmless.union(harmless))
    } catch {
      throw .file(error)
    }
    try check(config.file)
  }

  private func check(_ file: String) throws(ModelError) {
    try sizes.check(file)
    guard sizes.features % sizes.heads == 0, (1...1 << 24).contains(embeddingSize ?? 1) else {
      throw .inconsistent(
        reason: "sizes must be positive and the number of heads must divide that of features",
        file: file)
    }
    do throws(FormatError) {
      try rope?.check(headSize: sizes.sizeOfHead, isWhole: false, file)
    } catch {
      throw .file(error)
    }
  }

  /// What scores of a layer are multiplied by; 1/√headSize when nil.
  func scoreScale(ofLayer index: Int) -> Float? {
    guard dividesByLayer else { return scoreScale }
    return (scoreScale ?? 1 / Float(sizes.sizeOfHead).squareRoot()) / Float(index + 1)
  }
}
