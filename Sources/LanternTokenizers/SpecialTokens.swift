import LanternFormats

/// Tokens that are found in a text before it is cut into words, as `<|endoftext|>`.
struct SpecialTokens: Sendable {
  private struct Entry {
    let scalars: [Unicode.Scalar]
    let id: Int32
  }

  /// By first character; the longest first, which wins where several match.
  private var entries: [Unicode.Scalar: [Entry]] = [:]

  /// Adds a token, unless its text is empty.
  mutating func add(_ text: [Unicode.Scalar], id: Int32) {
    guard let first = text.first else { return }
    var sameStart = entries[first] ?? []
    guard !sameStart.contains(where: { $0.scalars == text }) else { return }
    sameStart.append(Entry(scalars: text, id: id))
    entries[first] = sameStart.sorted { $0.scalars.count > $1.scalars.count }
  }

  /// Calls `special` for each token found and `plain` for each stretch between, in order.
  func split(
    _ text: ArraySlice<Unicode.Scalar>, special: (Int32) -> Void,
    plain: (ArraySlice<Unicode.Scalar>) -> Void
  ) {
    var start = text.startIndex
    var position = start
    while position < text.endIndex {
      let here = text[position...]
      guard let found = entries[text[position]]?.first(where: { here.starts(with: $0.scalars) })
      else {
        position += 1
        continue
      }
      if start < position { plain(text[start..<position]) }
      special(found.id)
      position += found.scalars.count
      start = position
    }
    if start < text.endIndex { plain(text[start...]) }
  }
}

/// A token as a tokenizer's files describe it: a text, or an object with flags.
struct AddedToken: Equatable {
  let content: String
  /// Whether it is looked for in the cleaned text, and not in the text as it was typed.
  var isNormalized = false
  /// Whether the files give it as an object.
  private(set) var hasFlags = false

  /// A token without flags.
  init(_ content: String) { self.content = content }

  /// The token in a value; `nil` for one that is neither text nor object.
  ///
  /// - Throws: ``FormatError/unsupportedSetting(key:value:file:)`` for a flag that Lantern lacks.
  init?(_ value: JSONValue, key: String, file: String) throws(FormatError) {
    guard let content = value.string ?? value.object?["content"]?.string else { return nil }
    self.content = content
    guard let members = value.object else { return }
    hasFlags = true
    isNormalized = members["normalized"]?.bool ?? (members["special"]?.bool == false)
    for flag in ["single_word", "lstrip", "rstrip"] where members[flag]?.bool == true {
      throw .unsupportedSetting(key: "\(key).\(flag)", value: "true", file: file)
    }
  }
}
