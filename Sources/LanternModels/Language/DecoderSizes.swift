import LanternFormats
package import LanternLayers

/// The sizes of a decoder, which the settings of all of transformers' classes name alike.
package struct DecoderSizes: Sendable {
  package var vocabulary: Int
  package var features: Int
  package var inner: Int
  package var layers: Int
  package var heads: Int
  /// As many as heads where nil.
  var keyValueHeads: Int?
  /// Features divided by heads where nil.
  var headSize: Int?
  /// Tokens that the positions were trained for.
  package var maximumLength: Int
  /// Of each layer, how many tokens a token attends to, all before it where nil; none where all layers' do.
  package var windows: [Int?] = []

  /// Sizes of a class where settings do not say.
  init(
    vocabulary: Int, features: Int, inner: Int, layers: Int, heads: Int, keyValueHeads: Int? = nil,
    headSize: Int? = nil, maximumLength: Int
  ) {
    (self.vocabulary, self.features, self.inner) = (vocabulary, features, inner)
    (self.layers, self.heads, self.keyValueHeads) = (layers, heads, keyValueHeads)
    (self.headSize, self.maximumLength) = (headSize, maximumLength)
  }

  /// Those of a model.
  ///
  /// - Throws: ``FormatError`` for a mistyped one.
  init(_ config: Config, default standard: DecoderSizes) throws(FormatError) {
    vocabulary = try config.integer("vocab_size", default: standard.vocabulary)
    features = try config.integer("hidden_size", default: standard.features)
    inner = try config.integer("intermediate_size", default: standard.inner)
    layers = try config.integer("num_hidden_layers", default: standard.layers)
    heads = try config.integer("num_attention_heads", default: standard.heads)
    // A key that stands there as null means as many as heads.
    let fewest = config.value("num_key_value_heads") == .null ? nil : standard.keyValueHeads
    keyValueHeads = try config.optionalInteger("num_key_value_heads") ?? fewest
    headSize = try config.optionalInteger("head_dim") ?? standard.headSize
    maximumLength = try config.integer(
      "max_position_embeddings", default: standard.maximumLength)
  }

  /// Those of a model whose class calls them otherwise, and whose heads divide its features.
  ///
  /// - Parameters:
  ///   - config: the model's settings.
  ///   - names: what the class calls `hidden_size` and others, which its files may have too.
  ///   - standard: where the settings do not say; an `inner` of 0 stands for four times the features.
  /// - Throws: ``FormatError`` for a mistyped one.
  init(_ config: Config, spelled names: [String: String], default standard: DecoderSizes)
    throws(FormatError)
  {
    func integer(_ key: String, default standard: Int) throws(FormatError) -> Int {
      if let name = names[key], let own = try config.optionalInteger(name) { return own }
      return try config.integer(key, default: standard)
    }
    self = standard
    vocabulary = try config.integer("vocab_size", default: standard.vocabulary)
    features = try integer("hidden_size", default: standard.features)
    layers = try integer("num_hidden_layers", default: standard.layers)
    heads = try integer("num_attention_heads", default: standard.heads)
    maximumLength = try integer("max_position_embeddings", default: standard.maximumLength)
    // What is out of bounds is refused as features.
    let several = 4 * min(max(features, 0), 1 << 24)
    inner = try integer("intermediate_size", default: standard.inner > 0 ? standard.inner : several)
  }

  /// Features of a head.
  package var sizeOfHead: Int { headSize ?? (heads > 0 ? features / heads : 0) }
  /// Heads of keys and values.
  package var headsOfKeys: Int { keyValueHeads ?? heads }

  package var cacheShape: KVCache.Shape {
    KVCache.Shape(
      layers: layers, heads: headsOfKeys, headSize: sizeOfHead, windows: windows)
  }

  /// - Throws: ``ModelError/inconsistent(reason:file:)`` when sizes do not divide, or are out of bounds.
  func check(_ file: String) throws(ModelError) {
    let sizes = [
      vocabulary, features, inner, layers, heads, headsOfKeys, sizeOfHead, maximumLength,
    ]
    guard sizes.allSatisfy({ (1...1 << 24).contains($0) }), layers <= 1024, sizeOfHead <= 1024,
      sizeOfHead % 2 == 0, heads <= 1 << 14, heads % headsOfKeys == 0
    else {
      throw .inconsistent(
        reason: "sizes must be positive, num_key_value_heads must divide num_attention_heads, and "
          + "head_dim be even and at most 1024", file: file)
    }
  }
}
