import LanternLayers
import LanternTensor

/// What a cross-attention attends to: a text and, apart from it, pictures.
struct CrossAttentionContext: Sendable {
  let text: Attention.KeysAndValues
  /// Of pictures, whose attention is added to that of the text times `scale`.
  var pictures: [(context: Attention.KeysAndValues, scale: Float)] = []
}

/// The cross-attention cache of a text: keys and values for each attention of a denoiser.
struct TextContext: Sendable {
  private let all: [CrossAttentionContext]

  /// - Parameters:
  ///   - all: one for each attention, in the order in which they run: down, middle, up.
  ///   - pictures: whose adapters have those of the middle last, as diffusers counts.
  ///   - middle: how many are in the middle.
  ///   - up: how many are on the way up.
  /// - Throws: ``TensorError/shape(op:expected:found:)`` for an adapter of another model.
  init(
    _ all: [Attention.KeysAndValues], _ pictures: [PictureTokens] = [], middle: Int = 0, up: Int = 0
  ) throws(TensorError) {
    var contexts = all.map { CrossAttentionContext(text: $0) }
    for picture in pictures {
      let made = try picture.adapter.keysAndValues(of: picture.tokens)
      guard made.count == all.count else {
        throw .shape(op: "image prompt", expected: "\(all.count) of them", found: [made.count])
      }
      let running =
        Array(made.dropLast(up + middle)) + made.suffix(middle)
        + made.dropLast(middle).suffix(up)
      for index in all.indices {
        contexts[index].pictures.append((running[index], picture.scale))
      }
    }
    self.all = contexts
  }

  /// Hands them out in turn.
  struct Reader {
    fileprivate var left: ArraySlice<CrossAttentionContext>

    /// What the next attention attends to.
    ///
    /// - Throws: ``TensorError/shape(op:expected:found:)`` past the last: the context of another model.
    mutating func next() throws(TensorError) -> CrossAttentionContext {
      guard let next = left.popFirst() else {
        throw .shape(op: "text context", expected: "of this model", found: [])
      }
      return next
    }
  }

  var reader: Reader { Reader(left: all[...]) }

  /// Hands out those of the last `count` attentions alone.
  func reader(last count: Int) -> Reader { Reader(left: all.suffix(count)) }
}
