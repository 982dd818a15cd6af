import LanternLayers
import LanternTensor

/// The cross-attention cache of a text: keys and values for each attention of a denoiser.
struct TextContext: Sendable {
  private let all: [Attention.KeysAndValues]

  /// - Parameter all: one for each attention, in the order in which they run.
  init(_ all: [Attention.KeysAndValues]) { self.all = all }

  /// Hands them out in turn.
  struct Reader {
    fileprivate var left: ArraySlice<Attention.KeysAndValues>

    /// Keys and values of the next attention.
    ///
    /// - Throws: ``TensorError/shape(op:expected:found:)`` past the last: the context of another model.
    mutating func next() throws(TensorError) -> Attention.KeysAndValues {
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
