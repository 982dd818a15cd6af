/// The tokens of a text, or of a pair of texts, as an encoder reads them.
package struct FramedText: Sendable, Equatable {
  package let ids: [Int]
  /// Of each token, which of a pair of texts it is of.
  package let segments: [Int]
  /// Tokens of the text that did not fit in.
  package let cut: Int

  package init(ids: [Int], segments: [Int], cut: Int) {
    (self.ids, self.segments, self.cut) = (ids, segments, cut)
  }
}

/// The special tokens around a text that an encoder reads, and around a pair of texts, as BERT's `[CLS] A [SEP]` and
/// `[CLS] A [SEP] B [SEP]`.
package struct TextFrame: Sendable, Equatable {
  package enum Part: Sendable, Equatable {
    case token(Int, segment: Int)
    /// The first text where the number is 0, the second where it is 1.
    case text(Int, segment: Int)
  }

  private let single: [Part]
  private let pair: [Part]

  /// - Parameters:
  ///   - single: around one text.
  ///   - pair: around two.
  package init(single: [Part], pair: [Part]) {
    self.single = single
    self.pair = pair.isEmpty ? single + [.text(1, segment: 0)] : pair
  }

  /// Texts between tokens that every text begins with and those that it ends with.
  package init(beginning: [Int], ending: [Int] = []) {
    let (first, last) = (
      beginning.map { Part.token($0, segment: 0) }, ending.map { Part.token($0, segment: 0) }
    )
    single = first + [.text(0, segment: 0)] + last
    pair = first + [.text(0, segment: 0)] + last + [.text(1, segment: 0)] + last
  }

  /// Tokens before a text.
  package var beginning: Int {
    Self.tokens(Array(single.prefix { if case .token = $0 { true } else { false } }))
  }

  /// A text within its frame.
  ///
  /// - Parameters:
  ///   - text: its tokens.
  ///   - second: those of another, which make a pair with it.
  ///   - limit: tokens at most, the frame's included; of a pair the longer text is cut first.
  /// - Returns: the tokens; with no room for the frame, that alone.
  package func framed(_ text: [Int], _ second: [Int]? = nil, limit: Int) -> FramedText {
    let parts = second == nil ? single : pair
    let room = max(0, limit - Self.tokens(parts))
    var texts = [text[...], (second ?? [])[...]]
    let all = texts[0].count + texts[1].count
    let excess = max(0, all - room)
    // Off the longer one until both are alike, then off both in turn, so that it stays the longer.
    let shorter = texts[0].count > texts[1].count ? 1 : 0
    for _ in 0..<excess {
      let isAlike = texts[0].count == texts[1].count
      texts[isAlike ? shorter : texts[0].count > texts[1].count ? 0 : 1].removeLast()
    }
    var (ids, segments): ([Int], [Int]) = ([], [])
    for part in parts {
      switch part {
      case .token(let id, let segment):
        ids.append(id)
        segments.append(segment)
      case .text(let index, let segment):
        ids += texts[index]
        segments += Array(repeating: segment, count: texts[index].count)
      }
    }
    return FramedText(ids: ids, segments: segments, cut: excess)
  }

  private static func tokens(_ parts: [Part]) -> Int {
    parts.count { if case .token = $0 { true } else { false } }
  }
}
