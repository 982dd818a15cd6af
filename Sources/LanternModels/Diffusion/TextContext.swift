import LanternLayers
import LanternTensor

/// A text as the attentions of a denoiser see it: keys and values for each of them.
struct TextContext: Sendable {
  private let all: [Attention.KeysAndValues]

  /// - Parameter all: one for each attention, in the order in which they run.
  init(_ all: [Attention.KeysAndValues]) { self.all = all }

  /// Hands them out in turn.
  struct Reader {
    fileprivate var left: ArraySlice<Attention.KeysAndValues>

    /// What the next attention sees.
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
}
