package import LanternTensor

/// A language model that conditions a denoiser by hidden states of several of its layers, side by side.
package protocol LayeredTextEncoder: Sendable {
  /// Features of a token: those of all layers.
  var features: Int { get }
  /// Size of the vocabulary: ids are below it.
  var vocabularySize: Int { get }
  /// Maximum number of tokens of one text.
  var maximumLength: Int { get }

  /// Encodes a text and the padding behind it, whose tokens attend to the text's alone.
  ///
  /// - Parameters:
  ///   - ids: of the text, at least one.
  ///   - padding: the id of the padding token, and how often it stands behind the text.
  /// - Returns: `[1, token, feature]`, of the text and of the padding.
  /// - Throws: ``TensorError`` for an id outside the vocabulary, or no memory.
  func states(of ids: [Int], padding: (id: Int, count: Int)) throws(TensorError) -> Tensor
}

/// Which hidden states condition a denoiser; 0 are the embeddings, 1 those behind the first layer.
package enum TextLayers: Sendable, Equatable {
  /// Those of these numbers, ascending.
  case numbered([Int])
  /// Those behind the last layer but one.
  case penultimate
  /// Those behind the last layer and its norm.
  case last

  /// Their numbers, of a model of so many layers; nil where it has too few.
  func numbers(of layers: Int) -> [Int]? {
    switch self {
    case .numbered(let numbers):
      numbers.isEmpty || numbers.contains { !(0..<layers).contains($0) } ? nil : numbers
    case .penultimate: layers > 1 ? [layers - 1] : nil
    case .last: layers > 0 ? [layers] : nil
    }
  }

  /// How many states there are.
  package var count: Int {
    switch self {
    case .numbered(let numbers): numbers.count
    case .penultimate, .last: 1
    }
  }
}
