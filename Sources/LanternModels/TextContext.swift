import LanternLayers

/// A text as the attentions of a denoiser see it: keys and values for each of them.
package struct TextContext: Sendable {
  private let all: [Attention.KeysAndValues]

  /// - Parameter all: one for each attention, in the order in which they run.
  init(_ all: [Attention.KeysAndValues]) { self.all = all }

  /// Hands them out in turn.
  struct Reader {
    fileprivate var left: ArraySlice<Attention.KeysAndValues>

    /// What the next attention sees; nil past the last, which cannot be.
    mutating func next() -> Attention.KeysAndValues? { left.popFirst() }
  }

  var reader: Reader { Reader(left: all[...]) }
}
