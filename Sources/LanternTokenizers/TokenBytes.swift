/// The bytes that ids stand for, as a text that goes on has them.
struct TokenBytes: Sendable {
  /// How tokens of a vocabulary are written.
  enum Spelling {
    /// GPT-2's alphabet of bytes.
    case bytes
    /// `▁` for spaces, `<0x0A>` for bytes.
    case spaces
    /// WordPiece's: a word begins with a space unless it has this prefix.
    case words(prefix: String)
  }

  /// One more than the largest id.
  let count: Int
  private let table: TokenTable
  private let spelling: Spelling
  /// The position of each id in the table; -1 for none.
  private let positions: [Int32]
  /// Ids that lie far behind the others.
  private let distant: [Int: Int]
  /// Tokens that stand for themselves.
  private let added: [Int: [UInt8]]

  init(_ table: TokenTable, _ spelling: Spelling, added: AddedVocabulary) {
    (self.table, self.spelling) = (table, spelling)
    var positions = Array(repeating: Int32(-1), count: min(table.maximumID + 1, 2 * table.count))
    var distant: [Int: Int] = [:]
    for position in 0..<table.count {
      let id = Int(table.id(at: position))
      if positions.indices.contains(id) {
        positions[id] = Int32(position)
      } else {
        distant[id] = position
      }
    }
    (self.positions, self.distant) = (positions, distant)
    var contents: [Int: [UInt8]] = [:]
    for (content, id) in added.ids { contents[Int(id)] = Array(content.utf8) }
    self.added = contents
    count = max(table.maximumID, contents.keys.max() ?? -1) + 1
  }

  /// The bytes of ids, one behind the other; those without a token have none.
  func decode(_ ids: [Int]) -> [UInt8] {
    ids.flatMap { id in added[id] ?? position(of: id).map { bytes(at: $0) } ?? [] }
  }

  private func position(of id: Int) -> Int? {
    guard positions.indices.contains(id) else { return distant[id] }
    return positions[id] < 0 ? nil : Int(positions[id])
  }

  private func bytes(at position: Int) -> [UInt8] {
    let token = table.bytes(at: position)
    switch spelling {
    case .bytes: return BytePairEncoding.bytes(of: String(decoding: token, as: UTF8.self))
    case .spaces:
      if let byte = UnknownCharacters.byte(of: String(decoding: token, as: UTF8.self)) {
        return [byte]
      }
      return Self.spaced(token)
    case .words(let prefix):
      let start = Array(prefix.utf8)
      return token.starts(with: start) ? Array(token.dropFirst(start.count)) : [0x20] + token
    }
  }

  /// Bytes with a space for each `▁`.
  private static func spaced(_ token: ArraySlice<UInt8>) -> [UInt8] {
    let mark = Array("▁".utf8)
    var bytes: [UInt8] = []
    var rest = token
    while let first = rest.first {
      let isSpace = rest.starts(with: mark)
      bytes.append(isSpace ? 0x20 : first)
      rest = rest.dropFirst(isSpace ? mark.count : 1)
    }
    return bytes
  }
}
