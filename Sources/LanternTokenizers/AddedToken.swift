import LanternFormats

/// A token beside the vocabulary, or in it with flags, as a tokenizer's files describe it: the
/// `AddedToken` of the `tokenizers` library.
struct AddedToken: Hashable, Sendable {
  let content: String
  /// Whether it is control, as `<|endoftext|>`, and not text.
  var isSpecial: Bool
  private var normalizes: Bool?
  /// Whether it counts only where no letter or digit touches it.
  private(set) var isSingleWord = false
  /// Whether white space before it belongs to it.
  private(set) var stripsLeft = false
  /// Whether white space after it belongs to it.
  private(set) var stripsRight = false

  /// The most characters of a token: eight times what any that is known has, since finding tokens takes
  /// time with the length of the longest.
  static let lengthLimit = 256

  /// A token without flags.
  init(_ content: String, isSpecial: Bool) {
    self.content = content
    self.isSpecial = isSpecial
  }

  /// Whether it is looked for in the cleaned text, and not in the text as it was typed.
  var isNormalized: Bool { normalizes ?? !isSpecial }

  /// The token in a value: a text, which names a control token, or an object with flags.
  ///
  /// - Throws: ``FormatError/wrongType(key:expected:file:)`` for what is neither,
  ///   ``FormatError/unsupportedSetting(key:value:file:)`` for one that is too long.
  init(_ value: JSONValue, key: String, file: String) throws(FormatError) {
    guard let content = value.string ?? value.object?["content"]?.string else {
      throw .wrongType(
        key: key, expected: "a text, or an object with \"content\"", file: file)
    }
    guard content.unicodeScalars.count <= Self.lengthLimit else {
      throw .unsupportedSetting(
        key: key, value: "a token of more than \(Self.lengthLimit) characters", file: file)
    }
    guard let members = value.object else {
      self.init(content, isSpecial: true)
      return
    }
    func flag(_ name: String) throws(FormatError) -> Bool? {
      guard let value = members[name], !value.isNull else { return nil }
      guard let flag = value.bool else {
        throw .wrongType(key: "\(key).\(name)", expected: "true or false", file: file)
      }
      return flag
    }
    self.init(content, isSpecial: try flag("special") ?? false)
    normalizes = try flag("normalized")
    isSingleWord = try flag("single_word") ?? false
    stripsLeft = try flag("lstrip") ?? false
    stripsRight = try flag("rstrip") ?? false
  }
}

/// A set of texts, of which the longest that a place begins with is found in time with its length.
struct TokenTrie: Sendable {
  private struct Edge: Hashable {
    let node: Int32
    let scalar: Unicode.Scalar
  }

  private var edges: [Edge: Int32] = [:]
  /// The id of the text that ends at each node.
  private var ids: [Int32?] = [nil]

  /// Adds a text, unless it is empty or already there.
  mutating func add(_ text: [Unicode.Scalar], id: Int32) {
    guard !text.isEmpty else { return }
    var node: Int32 = 0
    for scalar in text {
      let edge = Edge(node: node, scalar: scalar)
      if let next = edges[edge] {
        node = next
      } else {
        node = Int32(clamping: ids.count)
        edges[edge] = node
        ids.append(nil)
      }
    }
    ids[Int(node)] = ids[Int(node)] ?? id
  }

  /// The longest text of the set that stands at a position, and where it ends.
  func longest(at position: Int, in text: ArraySlice<Unicode.Scalar>) -> (id: Int32, end: Int)? {
    var found: (id: Int32, end: Int)?
    var node: Int32 = 0
    var end = position
    while end < text.endIndex, let next = edges[Edge(node: node, scalar: text[end])] {
      node = next
      end += 1
      if let id = ids[Int(node)] { found = (id, end) }
    }
    return found
  }
}
