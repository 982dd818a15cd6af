import LanternLayers
import LanternTensor

/// What a cross-attention attends to: a text and, apart from it, pictures.
struct CrossAttentionContext: Sendable {
  let text: Attention.KeysAndValues
  /// Of pictures, whose attention is added to that of the text.
  var pictures: [Picture] = []

  /// A picture that is attended to.
  struct Picture: Sendable {
    let context: Attention.KeysAndValues
    let scale: Float
    /// See ``PictureTokens/mask``.
    let mask: [Int: Tensor]?

    /// What is added to the attention to the text.
    ///
    /// - Parameter attended: `[row, position, feature]`.
    /// - Returns: as much of it as counts.
    /// - Throws: ``TensorError/shape(op:expected:found:)`` where the mask is of another size.
    func counting(_ attended: Tensor) throws(TensorError) -> Tensor {
      let scaled = try attended.scaled(by: scale)
      guard let mask else { return scaled }
      guard let part = mask[attended.shape[1]] else {
        throw .shape(op: "mask of an image prompt", expected: "the latent's", found: attended.shape)
      }
      return try scaled * part
    }
  }
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
        contexts[index].pictures.append(
          .init(context: running[index], scale: picture.scale, mask: picture.mask))
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
