/// Reads JSON by recursive descent over bytes; depth is limited, so the stack is too.
struct JSONParser {
  private let bytes: UnsafeBufferPointer<UInt8>
  private let file: String
  private var position = 0
  private var valueCount = 0
  /// Where the object is whose members are listed, and how many of these keys lead to where the parser is.
  private let listedKeys: [String]?
  private var matchedKeys = 0
  /// The members of that object.
  private(set) var members: [JSON.Member]?

  init(_ bytes: UnsafeRawBufferPointer, file: String, membersAt keys: [String]? = nil) {
    self.bytes = bytes.bindMemory(to: UInt8.self)
    (self.file, listedKeys) = (file, keys)
  }

  mutating func document() throws(FormatError) -> JSONValue {
    if let at = UTF8Check.firstInvalidByte(UnsafeRawBufferPointer(bytes)) {
      throw malformed("not UTF-8", at: at)
    }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    let value = try value(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw malformed("text after the end of the value") }
    return value
  }

  private mutating func value(depth: Int) throws(FormatError) -> JSONValue {
    skipSpace()
    valueCount += 1
    guard valueCount <= JSON.valueLimit else {
      throw malformed("more than \(JSON.valueLimit) values")
    }
    switch try peek("a value") {
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "{"):
      guard depth == matchedKeys, depth == listedKeys?.count else {
        return try object(depth: depth + 1)
      }
      var list: [JSON.Member] = []
      try forEachMember(depth: depth + 1) { list.append($0) }
      members = list
      return .object([:])
    case UInt8(ascii: "["): return .array(try array(depth: depth + 1))
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): return try number()
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    // Not JSON, but Python writes them: a scheduler's `lambda_min_clipped` is -Infinity.
    case UInt8(ascii: "N"): return try word("NaN", .number(.nan))
    case UInt8(ascii: "I"): return try word("Infinity", .number(.infinity))
    default: throw malformed("a value should begin here")
    }
  }

  private mutating func object(depth: Int) throws(FormatError) -> JSONValue {
    var values: [String: JSONValue] = [:]
    var keys: [String] = []
    try forEachMember(depth: depth) { [file] member throws(FormatError) in
      guard values.updateValue(member.value, forKey: member.key) == nil else {
        throw .duplicateKey(key: member.key, file: file, at: member.offset)
      }
      keys.append(member.key)
    }
    return .object(values, order: JSONValue.KeyOrder(keys: keys))
  }

  private mutating func forEachMember(
    depth: Int, _ body: (JSON.Member) throws(FormatError) -> Void
  ) throws(FormatError) {
    try enter(depth)
    if try closes(with: UInt8(ascii: "}")) { return }
    repeat {
      skipSpace()
      let at = position
      guard try peek("a key") == UInt8(ascii: "\"") else {
        throw malformed("a key in double quotes should begin here")
      }
      let key = try string()
      skipSpace()
      guard try peek("a colon") == UInt8(ascii: ":") else {
        throw malformed("a colon should follow the key")
      }
      position += 1
      let leads = depth == matchedKeys + 1 && listedKeys?.dropFirst(matchedKeys).first == key
      if leads { matchedKeys += 1 }
      let value = try value(depth: depth)
      if leads { matchedKeys -= 1 }
      try body((key, value, at))
    } while try continues(until: UInt8(ascii: "}"))
  }

  private mutating func array(depth: Int) throws(FormatError) -> [JSONValue] {
    try enter(depth)
    var values: [JSONValue] = []
    if try closes(with: UInt8(ascii: "]")) { return values }
    repeat {
      values.append(try value(depth: depth))
    } while try continues(until: UInt8(ascii: "]"))
    return values
  }

  private mutating func enter(_ depth: Int) throws(FormatError) {
    guard depth <= JSON.depthLimit else {
      throw .tooDeep(file: file, at: position, limit: JSON.depthLimit)
    }
    position += 1
  }

  private mutating func closes(with end: UInt8) throws(FormatError) -> Bool {
    skipSpace()
    guard try peek("the end of a list or object") == end else { return false }
    position += 1
    return true
  }

  private mutating func continues(until end: UInt8) throws(FormatError) -> Bool {
    skipSpace()
    let byte = try peek("the end of a list or object")
    guard byte == UInt8(ascii: ",") || byte == end else {
      throw malformed("a comma or the end of the list or object should be here")
    }
    position += 1
    return byte != end
  }

  private mutating func string() throws(FormatError) -> String {
    let start = position + 1
    var end = start
    while end < bytes.count {
      let byte = bytes[end]
      if byte == UInt8(ascii: "\"") {
        position = end + 1
        return String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self)
      }
      if byte == UInt8(ascii: "\\") { return try escapedString(from: start, to: end) }
      guard byte >= 0x20 else { throw malformed("a control character must be escaped", at: end) }
      end += 1
    }
    throw malformed("the text ends within a string", at: bytes.count)
  }

  private mutating func escapedString(from start: Int, to end: Int) throws(FormatError) -> String {
    var text = Array(bytes[start..<end])
    position = end
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        position += 1
        return String(decoding: text, as: UTF8.self)
      }
      guard byte >= 0x20 else { throw malformed("a control character must be escaped") }
      if byte == UInt8(ascii: "\\") {
        try escape(into: &text)
      } else {
        text.append(byte)
        position += 1
      }
    }
    throw malformed("the text ends within a string")
  }

  private mutating func escape(into text: inout [UInt8]) throws(FormatError) {
    guard position + 1 < bytes.count else { throw malformed("the text ends within an escape") }
    let at = position
    position += 2
    switch bytes[at + 1] {
    case UInt8(ascii: "\""): text.append(UInt8(ascii: "\""))
    case UInt8(ascii: "\\"): text.append(UInt8(ascii: "\\"))
    case UInt8(ascii: "/"): text.append(UInt8(ascii: "/"))
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      let half = malformed("half a surrogate pair", at: at)
      var code = try hexadecimal(escapeAt: at)
      if (0xD800..<0xDC00).contains(code) {
        guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
          bytes[position + 1] == UInt8(ascii: "u")
        else { throw half }
        position += 2
        let low = try hexadecimal(escapeAt: position - 2)
        guard (0xDC00..<0xE000).contains(low) else { throw half }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw half }
      text.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
    default: throw malformed("an unknown escape", at: at)
    }
  }

  private mutating func hexadecimal(escapeAt at: Int) throws(FormatError) -> UInt32 {
    guard position + 4 <= bytes.count else { throw malformed("the text ends within an escape") }
    var code: UInt32 = 0
    for index in position..<position + 4 {
      guard let digit = Self.hexadecimalDigit(bytes[index]) else {
        throw malformed("\\u wants four hexadecimal digits", at: at)
      }
      code = code << 4 | digit
    }
    position += 4
    return code
  }

  private static func hexadecimalDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }

  private mutating func number() throws(FormatError) -> JSONValue {
    let start = position
    if bytes[position] == UInt8(ascii: "-") { position += 1 }
    let isZeroFirst = position < bytes.count && bytes[position] == UInt8(ascii: "0")
    let wholeDigits = skipDigits()
    if wholeDigits == 0, position < bytes.count, bytes[position] == UInt8(ascii: "I") {
      return try word("Infinity", .number(-.infinity))
    }
    guard wholeDigits > 0 else { throw malformed("a digit should be here") }
    guard wholeDigits == 1 || !isZeroFirst else {
      throw malformed("a number may not begin with 0", at: start)
    }
    var isWhole = true
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      isWhole = false
      position += 1
      guard skipDigits() > 0 else { throw malformed("a digit should follow the point") }
    }
    if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      isWhole = false
      position += 1
      if position < bytes.count,
        bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-")
      {
        position += 1
      }
      guard skipDigits() > 0 else { throw malformed("a digit should be in the exponent") }
    }
    let isNegativeZero = isZeroFirst && bytes[start] == UInt8(ascii: "-")
    if isWhole, !isNegativeZero, let whole = integer(start..<position) { return .integer(whole) }
    let digits = String(
      decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
    if isWhole, let whole = UInt64(digits), whole > Int.max { return .unsigned(whole) }
    guard let value = Double(digits), value.isFinite else {
      throw malformed("a number too large for 64 bits", at: start)
    }
    // 2⁵³: integers beyond it may be rounded.
    if value.magnitude <= 0x1p53, !(value == 0 && value.sign == .minus),
      let whole = Int(exactly: value)
    {
      return .integer(whole)
    }
    return .number(value)
  }

  private mutating func skipDigits() -> Int {
    let start = position
    while position < bytes.count,
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position])
    {
      position += 1
    }
    return position - start
  }

  private func integer(_ range: Range<Int>) -> Int? {
    let isNegative = bytes[range.lowerBound] == UInt8(ascii: "-")
    var result = 0
    for index in range.dropFirst(isNegative ? 1 : 0) {
      let digit = Int(bytes[index] - UInt8(ascii: "0"))
      let (tenfold, overflow) = result.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tenfold.addingReportingOverflow(isNegative ? -digit : digit)
      if overflow || carry { return nil }
      result = sum
    }
    return result
  }

  private mutating func word(_ word: StaticString, _ value: JSONValue) throws(FormatError)
    -> JSONValue
  {
    let end = position + word.utf8CodeUnitCount
    let expected = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
    guard end <= bytes.count, bytes[position..<end].elementsEqual(expected) else {
      throw malformed("a value should begin here")
    }
    position = end
    return value
  }

  private mutating func skipSpace() {
    while position < bytes.count {
      let byte = bytes[position]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
      position += 1
    }
  }

  private func peek(_ wanted: String) throws(FormatError) -> UInt8 {
    guard position < bytes.count else {
      throw malformed("the text ends where \(wanted) should be")
    }
    return bytes[position]
  }

  private func malformed(_ reason: String, at: Int? = nil) -> FormatError {
    .malformedJSON(file: file, at: at ?? position, reason: reason)
  }
}
