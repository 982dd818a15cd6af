import LanternFormats
import LanternPlatform

/// sentencepiece's `.model`: a protocol buffer of pieces with their scores, and how text is normalised.
struct SentencePieceFile {
  enum Kind: Int { case normal = 1, unknown, control, userDefined, unused, byte }

  private(set) var pieces: [(text: String, score: Double, kind: Kind)] = []
  /// Whether the model is Unigram; BPE otherwise.
  private(set) var isUnigram = true
  private(set) var ids: [String: Int] = ["unk": 0, "bos": 1, "eos": 2, "pad": -1]
  private(set) var addsSpace = true
  private(set) var removesSpaces = true
  private let path: String

  /// - Throws: ``TokenizerError/file(_:)`` for a file that is none, or does what Lantern does not.
  init(_ path: String) throws(TokenizerError) {
    self.path = path
    do throws(FormatError) {
      let bytes = try FileSystem.read(path, limit: JSON.sizeLimit)
      var fields = ProtocolBuffer(bytes[...], path)
      while let field = try fields.next() {
        switch (field.number, field.value) {
        case (1, .bytes(let bytes)): try readPiece(bytes)
        case (2, .bytes(let bytes)): try readTrainer(bytes)
        case (3, .bytes(let bytes)): try readNormalizer(bytes)
        default: break
        }
      }
      guard !pieces.isEmpty else { throw malformed("it has no pieces") }
    } catch {
      throw .file(error)
    }
  }

  /// How text is normalised.
  var normalizers: [TextNormalizer] {
    var steps: [TextNormalizer] = []
    if removesSpaces {
      steps += [.strip(left: true, right: true), .joinSpaces]
    }
    if addsSpace { steps.append(.prepend([" "])) }
    return steps + [.replace([" "], with: ["▁"])]
  }

  /// What cuts text into pieces.
  func model(_ vocabulary: TokenTable) -> any PieceModel {
    let isFallback = pieces.contains { $0.kind == .byte }
    let unknown = UnknownCharacters(
      id: pieces.firstIndex { $0.kind == .unknown }.map { Int32(clamping: $0) },
      bytesOf: isFallback ? vocabulary : nil, isFused: true)
    let usable: Set<Kind> = [.normal, .userDefined, .unused]
    if isUnigram {
      let pieces = pieces.map { piece in
        piece.kind == .normal || piece.kind == .userDefined ? (piece.text, piece.score) : nil
      }
      return UnigramPieces(pieces, unknown: unknown)
    }
    let indices = pieces.indices
    return ScoredPairs(
      indices.filter { usable.contains(pieces[$0].kind) }.map {
        (
          bytes: Array(pieces[$0].text.utf8)[...], id: Int32(clamping: $0),
          score: Float(pieces[$0].score)
        )
      },
      unused: Set(indices.filter { pieces[$0].kind == .unused }.map { Int32(clamping: $0) }),
      unknown: unknown)
  }

  private func malformed(_ reason: String) -> FormatError {
    .unsupportedFileKind(
      path: path, remedy: "is no sentencepiece model that Lantern reads: \(reason)")
  }

  private mutating func readPiece(_ bytes: ArraySlice<UInt8>) throws(FormatError) {
    var fields = ProtocolBuffer(bytes, path)
    var piece = (text: "", score: 0.0, kind: Kind.normal)
    while let field = try fields.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let bytes)): piece.text = String(decoding: bytes, as: UTF8.self)
      case (2, .float(let score)): piece.score = Double(score)
      case (3, .integer(let kind)):
        guard let kind = Kind(rawValue: kind) else { throw malformed("a piece of kind \(kind)") }
        piece.kind = kind
      default: break
      }
    }
    pieces.append(piece)
  }

  private mutating func readTrainer(_ bytes: ArraySlice<UInt8>) throws(FormatError) {
    var fields = ProtocolBuffer(bytes, path)
    let roles = [40: "unk", 41: "bos", 42: "eos", 43: "pad"]
    while let field = try fields.next() {
      guard case .integer(let value) = field.value else { continue }
      switch field.number {
      case 3:
        guard value == 1 || value == 2 else { throw malformed("neither Unigram nor BPE") }
        isUnigram = value == 1
      case 24: if value != 0 { throw malformed("white space is a suffix") }
      default: if let role = roles[field.number] { ids[role] = value }
      }
    }
  }

  private mutating func readNormalizer(_ bytes: ArraySlice<UInt8>) throws(FormatError) {
    var fields = ProtocolBuffer(bytes, path)
    while let field = try fields.next() {
      switch (field.number, field.value) {
      case (2, .bytes(let map)):
        if !map.isEmpty { throw malformed("it normalises characters by a table of its own") }
      case (3, .integer(let value)): addsSpace = value != 0
      case (4, .integer(let value)): removesSpaces = value != 0
      case (5, .integer(let value)): if value == 0 { throw malformed("spaces stay as they are") }
      default: break
      }
    }
  }
}

/// Reads the fields of a protocol buffer one after another.
private struct ProtocolBuffer {
  enum Value {
    case integer(Int)
    case float(Float)
    case bytes(ArraySlice<UInt8>)
    case other
  }

  private var rest: ArraySlice<UInt8>
  private let path: String

  init(_ bytes: ArraySlice<UInt8>, _ path: String) { (rest, self.path) = (bytes, path) }

  /// The next field; nil at the end.
  mutating func next() throws(FormatError) -> (number: Int, value: Value)? {
    guard !rest.isEmpty else { return nil }
    let key = try integer()
    let number = Int(truncatingIfNeeded: key >> 3)
    switch key & 7 {
    // A negative number takes ten bytes.
    case 0:
      return (number, .integer(Int(truncatingIfNeeded: Int32(truncatingIfNeeded: try integer()))))
    case 1:
      _ = try take(8)
      return (number, .other)
    case 2:
      let count = try integer()
      return (number, .bytes(try take(Int(clamping: count))))
    case 5:
      let bits = try take(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      return (number, .float(Float(bitPattern: bits)))
    default: throw cut
    }
  }

  private var cut: FormatError {
    .unsupportedFileKind(
      path: path, remedy: "is no sentencepiece model, or a damaged one: fetch it again")
  }

  private mutating func integer() throws(FormatError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard let byte = rest.popFirst() else { throw cut }
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
    }
    throw cut
  }

  private mutating func take(_ count: Int) throws(FormatError) -> ArraySlice<UInt8> {
    guard count <= rest.count else { throw cut }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }
}
