import LanternFormats

/// The tokens of a vocabulary and their ids.
///
/// Tokens are equal where their bytes are: `String` takes a letter with a combining mark for the precomposed letter,
/// and vocabularies have both.
package struct TokenTable: Sendable {
  /// The bytes of all tokens, one behind the other, and where each ends.
  private var text: [UInt8] = []
  private var ends: [Int] = []
  private var ids: [Int32] = []
  /// A hash table with open addressing: positions of tokens, -1 where there is none.
  private var slots: [Int32] = []

  package init() {}

  /// Tokens in the order of their ids; of equal ones the first counts.
  init(_ tokens: some Sequence<String>) {
    for (id, token) in tokens.enumerated() { add(token.utf8, id: Int32(clamping: id)) }
  }

  /// The vocabulary of a file: ids by token.
  ///
  /// - Throws: ``TokenizerError/badID(token:file:)``, and ``TokenizerError/file(_:)`` for a token that is there twice.
  init(_ members: [JSON.Member], file: String) throws(TokenizerError) {
    reserveCapacity(members.count)
    for (token, value, offset) in members {
      guard add(token.utf8, id: try Self.id(value, of: token, file)) else {
        throw .file(.duplicateKey(key: token, file: file, at: offset))
      }
    }
  }

  /// A token's id in a file.
  ///
  /// - Throws: ``TokenizerError/badID(token:file:)``.
  static func id(_ value: JSONValue, of token: String, _ file: String) throws(TokenizerError)
    -> Int32
  {
    guard let id = value.integer.flatMap({ Int32(exactly: $0) }), id >= 0 else {
      throw .badID(token: token, file: file)
    }
    return id
  }

  /// How many tokens there are, equal ones counted.
  package var count: Int { ids.count }

  /// The largest id; -1 of an empty table.
  package var maximumID: Int { Int(ids.max() ?? -1) }

  mutating func reserveCapacity(_ count: Int) {
    ends.reserveCapacity(count)
    ids.reserveCapacity(count)
    if 2 * count > slots.count { rehash(count) }
  }

  /// Adds a token.
  ///
  /// - Parameters:
  ///   - token: its bytes.
  ///   - id: its id.
  ///   - isPreferred: whether it counts where an equal token is there already; the one before does otherwise.
  /// - Returns: whether none was there.
  @discardableResult
  mutating func add(_ token: some Collection<UInt8>, id: Int32, isPreferred: Bool = false) -> Bool {
    if 2 * (ids.count + 1) > slots.count { rehash(2 * (ids.count + 1)) }
    let start = text.count
    text.append(contentsOf: token)
    let slot = text.withUnsafeBytes { text in
      self.slot(of: UnsafeRawBufferPointer(rebasing: text[start...]), in: text)
    }
    let isNew = slots[slot] < 0
    if isNew || isPreferred { slots[slot] = Int32(clamping: ids.count) }
    ends.append(text.count)
    ids.append(id)
    return isNew
  }

  /// The position of a token among all, in the order in which they were added.
  func position(of token: UnsafeRawBufferPointer) -> Int? {
    guard !slots.isEmpty else { return nil }
    let position = text.withUnsafeBytes { slots[slot(of: token, in: $0)] }
    return position < 0 ? nil : Int(position)
  }

  /// The id of a token.
  func id(of token: UnsafeRawBufferPointer) -> Int32? { position(of: token).map { ids[$0] } }

  package subscript(token: String) -> Int32? {
    var token = token
    return token.withUTF8 { id(of: UnsafeRawBufferPointer($0)) }
  }

  /// The id of the token at a position.
  func id(at position: Int) -> Int32 { ids[position] }

  /// The bytes of the token at a position.
  func bytes(at position: Int) -> ArraySlice<UInt8> {
    text[(position > 0 ? ends[position - 1] : 0)..<ends[position]]
  }

  /// The slot that has a token, or that it would be put into.
  private func slot(of token: UnsafeRawBufferPointer, in text: UnsafeRawBufferPointer) -> Int {
    var hasher = Hasher()
    hasher.combine(bytes: token)
    let mask = slots.count - 1
    var slot = hasher.finalize() & mask
    while slots[slot] >= 0 {
      let position = Int(slots[slot])
      let start = position > 0 ? ends[position - 1] : 0
      if text[start..<ends[position]].elementsEqual(token) { break }
      slot = (slot + 1) & mask
    }
    return slot
  }

  /// Makes room for `count` tokens in slots of which at most half are taken.
  private mutating func rehash(_ count: Int) {
    let counted = slots.filter { $0 >= 0 }
    var size = 64
    while size < 2 * count { size *= 2 }
    slots = Array(repeating: -1, count: size)
    text.withUnsafeBytes { text in
      for position in counted {
        let start = position > 0 ? ends[Int(position) - 1] : 0
        let token = UnsafeRawBufferPointer(rebasing: text[start..<ends[Int(position)]])
        slots[slot(of: token, in: text)] = position
      }
    }
  }
}

extension TokenTable: Sequence {
  /// Tokens, as far as they are UTF-8, with their ids.
  package func makeIterator() -> some IteratorProtocol<(token: String, id: Int32)> {
    (0..<count).lazy
      .map { (token: String(decoding: bytes(at: $0), as: UTF8.self), id: id(at: $0)) }
      .makeIterator()
  }

  /// The table without some of its tokens.
  func filter(_ isIncluded: ((token: String, id: Int32)) -> Bool) -> TokenTable {
    var table = TokenTable()
    for (position, element) in enumerated() where isIncluded(element) {
      table.add(bytes(at: position), id: element.id, isPreferred: true)
    }
    return table
  }
}
