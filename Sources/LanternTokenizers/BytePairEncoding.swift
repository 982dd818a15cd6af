/// Byte-pair encoding of words: a word begins as its bytes, and the adjacent pair of lowest rank is merged
/// into one token, until no pair is in the table of merges.
///
/// Equals the `BPE` model of the `tokenizers` library over a byte-level alphabet; Sennrich, Haddow &
/// Birch 2016, arXiv:1508.07909.
package struct BytePairEncoding: Sendable {
  /// A pair of adjacent tokens.
  struct Pair: Hashable {
    private let ids: UInt64

    init(_ left: Int32, _ right: Int32) {
      ids = UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    var left: Int32 { Int32(truncatingIfNeeded: ids >> 32) }
    var right: Int32 { Int32(truncatingIfNeeded: ids) }
  }

  private let byteIDs: [Int32]
  private let lastByteIDs: [Int32]
  private let merges: [Pair: Merge]

  /// Prepares an encoding.
  ///
  /// - Parameters:
  ///   - vocabulary: the id of each token, written in the alphabet of ``byteAlphabet``.
  ///   - merges: the merge of each pair.
  ///   - wordEnd: the suffix of a word's last token, as `</w>`; may be empty.
  ///   - unknown: the id of bytes that are not in the vocabulary.
  init(
    vocabulary: TokenTable, merges: [Pair: Merge], wordEnd: String, unknown: Int32
  ) {
    byteIDs = Self.byteAlphabet.map { vocabulary[String($0)] ?? unknown }
    lastByteIDs = Self.byteAlphabet.map { vocabulary[String($0) + wordEnd] ?? unknown }
    self.merges = merges
  }

  /// The ids of a word.
  package func encode(_ word: [UInt8]) -> [Int32] {
    var ids = word.map { byteIDs[Int($0)] }
    guard let last = word.last else { return [] }
    ids[ids.count - 1] = lastByteIDs[Int(last)]
    return Self.merged(ids, merges)
  }

  /// Ids of symbols, merged by a table.
  static func merged(_ symbols: [Int32], _ merges: [Pair: Merge]) -> [Int32] {
    var ids = symbols
    let positions = PairMerging.positions(count: ids.count) { left, right in
      merges[Pair(ids[left], ids[right])]
    } join: { left, _, id in
      ids[left] = id
    }
    return positions.map { ids[$0] }
  }

  /// The character that stands for each byte in the files of a vocabulary: the printable bytes of
  /// Latin-1 stand for themselves, the others for the characters from U+0100 on. GPT-2's table.
  package static let byteAlphabet: [Character] = {
    var alphabet: [Character] = []
    var stranger: UInt32 = 0x100
    for byte in UInt32(0)...255 {
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF:
        alphabet.append(Character(Unicode.Scalar(UInt8(byte))))
      default:
        alphabet.append(Unicode.Scalar(stranger).map(Character.init) ?? "?")
        stranger += 1
      }
    }
    return alphabet
  }()

  /// The bytes that a token of a vocabulary stands for: its own, where it is not in the alphabet.
  static func bytes(of token: String) -> [UInt8] {
    let letters = token.unicodeScalars
    let plain = letters.compactMap { byteOf[$0] }
    return plain.count == letters.count ? plain : Array(token.utf8)
  }

  private static let byteOf: [Unicode.Scalar: UInt8] = Dictionary(
    zip(byteAlphabet.flatMap(\.unicodeScalars), UInt8.min...UInt8.max),
    uniquingKeysWith: { first, _ in first })
}
