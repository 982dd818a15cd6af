import LanternFormats

/// An added token: outside of the vocabulary, or in it with flags. The `AddedToken` of the `tokenizers`
/// library.
struct AddedToken: Hashable, Sendable {
  let content: String
  /// Whether the token is special, as `<|endoftext|>`.
  var isSpecial: Bool
  private var normalizes: Bool?
  /// Whether the token matches whole words only: `single_word`.
  private(set) var isSingleWord = false
  /// Whether the match includes white space before the token: `lstrip`.
  private(set) var stripsLeft = false
  /// Whether the match includes white space after the token: `rstrip`.
  private(set) var stripsRight = false

  /// The maximum number of characters of a token, eight times that of any known one: matching takes time
  /// proportional to the longest.
  static let lengthLimit = 256

  /// A token without further flags.
  init(_ content: String, isSpecial: Bool, isNormalized: Bool? = nil) {
    self.content = content
    self.isSpecial = isSpecial
    normalizes = isNormalized
  }

  /// Whether the token is matched in the normalised text rather than in the input.
  var isNormalized: Bool { normalizes ?? !isSpecial }

  /// The token of a JSON value: a string, for a special token, or an object with flags.
  ///
  /// - Throws: ``FormatError/wrongType(key:expected:file:)`` for any other value,
  ///   ``FormatError/unsupportedSetting(key:value:file:)`` for a token that is too long.
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

/// A trie of tokens, for the longest match at a position in time proportional to its length.
struct TokenTrie: Sendable {
  private struct Edge: Hashable {
    let node: Int32
    let scalar: Unicode.Scalar
  }

  private var edges: [Edge: Int32] = [:]
  /// The id of the token that ends at each node.
  private var ids: [Int32?] = [nil]

  /// Adds a token, unless it is empty or already there.
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

  /// The longest token at a position, and its end.
  func longest(at position: Int, in text: ArraySlice<Unicode.Scalar>) -> (id: Int32, end: Int)? {
    var found: (id: Int32, end: Int)?
    matches(at: position, in: text) { found = ($0, $1) }
    return found
  }

  /// Calls `body` with each token at a position, and its end, the shortest first.
  func matches(
    at position: Int, in text: ArraySlice<Unicode.Scalar>, _ body: (Int32, Int) -> Void
  ) {
    var node: Int32 = 0
    var end = position
    while end < text.endIndex, let next = edges[Edge(node: node, scalar: text[end])] {
      node = next
      end += 1
      if let id = ids[Int(node)] { body(id, end) }
    }
  }
}
