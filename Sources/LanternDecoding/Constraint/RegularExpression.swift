/// Reads a regular expression in the syntax of Python's `re`, as far as it is regular, as a pattern of bytes.
///
/// The whole text must match. Classes are those of ASCII mode. What looks around or back is refused by name.
struct RegularExpression {
  private let scalars: [Unicode.Scalar]
  private let makeCharacter: (ScalarSet) -> BytePattern
  private var position = 0
  private var depth = 0

  private static let depthLimit = 64, repeatLimit = 1 << 17

  private init(_ text: String, _ makeCharacter: @escaping (ScalarSet) -> BytePattern) {
    scalars = Array(text.unicodeScalars)
    self.makeCharacter = makeCharacter
  }

  /// The pattern of the texts that match as a whole.
  static func whole(_ text: String) throws(ConstraintError) -> BytePattern {
    var reader = RegularExpression(text) { $0.pattern }
    let alternatives = try reader.alternatives(isOutermost: true)
    return .choice(alternatives.map(\.pattern))
  }

  /// The pattern of the inside of JSON's strings in which a match is found; `^` and `$` bind it to their ends.
  static func within(_ text: String) throws(ConstraintError) -> BytePattern {
    var reader = RegularExpression(text) { $0.jsonPattern }
    let anything = BytePattern.repeated(ScalarSet.all.jsonPattern, 0, nil)
    return .choice(
      try reader.alternatives(isOutermost: true).map {
        .sequence(
          ($0.beginsText ? [] : [anything]) + [$0.pattern] + ($0.endsText ? [] : [anything]))
      })
  }

  private struct Alternative {
    var pattern: BytePattern
    var beginsText = false, endsText = false
  }

  private func error(_ reason: String) -> ConstraintError { .regex(reason: reason, at: position) }

  private var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

  private mutating func takes(_ scalar: Unicode.Scalar) -> Bool {
    guard next == scalar else { return false }
    position += 1
    return true
  }

  private mutating func alternatives(isOutermost: Bool) throws(ConstraintError) -> [Alternative] {
    var all: [Alternative] = []
    repeat { all.append(try alternative(isOutermost)) } while takes("|")
    guard !isOutermost || next == nil else { throw error("there is no ( for this )") }
    return all
  }

  private mutating func alternative(_ isOutermost: Bool) throws(ConstraintError) -> Alternative {
    var result = Alternative(pattern: .empty)
    var parts: [BytePattern] = []
    while let scalar = next, scalar != "|", scalar != ")" {
      let isEscape = scalar == "\\" && position + 1 < scalars.count
      let anchor = isEscape ? scalars[position + 1] : scalar
      if scalar == "^" || (isEscape && anchor == "A") {
        guard isOutermost, parts.isEmpty else {
          throw error("^ stands for the beginning of the whole text alone")
        }
        result.beginsText = true
        position += isEscape ? 2 : 1
      } else if scalar == "$" || (isEscape && (anchor == "Z" || anchor == "z")) {
        position += isEscape ? 2 : 1
        guard isOutermost, next == nil || next == "|" else {
          throw error("$ stands for the end of the whole text alone")
        }
        result.endsText = true
      } else {
        parts.append(try quantified())
      }
    }
    result.pattern = .sequence(parts)
    return result
  }

  private mutating func quantified() throws(ConstraintError) -> BytePattern {
    let atom = try self.atom()
    guard let (least, most) = try quantifier() else { return atom }
    // Whether as many or as few as possible are tried first changes no text.
    if !takes("?"), next == "+" { throw error("possessive quantifiers are not built") }
    if let scalar = next, ["*", "+", "?"].contains(scalar) { throw error("nothing to repeat") }
    let before = position
    if try quantifier() != nil {
      position = before
      throw error("a quantifier behind a quantifier: put ( ) around")
    }
    return .repeated(atom, least, most)
  }

  private mutating func quantifier() throws(ConstraintError) -> (Int, Int?)? {
    if takes("*") { return (0, nil) }
    if takes("+") { return (1, nil) }
    if takes("?") { return (0, 1) }
    let start = position
    guard takes("{") else { return nil }
    let least = try number()
    let hasComma = takes(",")
    let most = hasComma ? try number() : least
    guard takes("}"), least != nil || hasComma else {
      position = start
      return nil
    }
    if let most, most < least ?? 0 { throw error("the most is less than the least") }
    return (least ?? 0, most)
  }

  private mutating func number() throws(ConstraintError) -> Int? {
    var value: Int?
    while let scalar = next, let digit = Int(String(Character(scalar))), scalar.isASCII {
      value = (value ?? 0) * 10 + digit
      guard value ?? 0 <= Self.repeatLimit else {
        throw error("more than \(Self.repeatLimit) times")
      }
      position += 1
    }
    return value
  }

  private mutating func atom() throws(ConstraintError) -> BytePattern {
    guard let scalar = next else { throw error("something is missing at the end") }
    switch scalar {
    case "(": return try group()
    case "[": return makeCharacter(try set())
    case ".":
      position += 1
      return makeCharacter(ScalarSet.lineEnds.inverted)
    case "\\": return makeCharacter(try escape(inSet: false).set)
    case "*", "+", "?": throw error("nothing to repeat")
    case "{":
      let before = position
      if try quantifier() != nil {
        position = before
        throw error("nothing to repeat")
      }
    default: break
    }
    position += 1
    return makeCharacter(ScalarSet(scalar))
  }

  private mutating func group() throws(ConstraintError) -> BytePattern {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else {
      throw error("more than \(Self.depthLimit) groups within one another")
    }
    let start = position
    position += 1
    if takes("?") {
      let isPython = takes("P")
      if takes("<"), let scalar = next, scalar != "=", scalar != "!" {
        while let scalar = next, scalar != ">" { position += scalar == ")" ? scalars.count : 1 }
        guard takes(">") else {
          position = start
          throw error("the name of the group does not end")
        }
      } else if isPython || !takes(":") {
        position = start
        throw error(
          "only groups as ( ), (?: ) and (?P<name> ) are built: no look-around, flags or references"
        )
      }
    }
    let inside = try alternatives(isOutermost: false)
    guard takes(")") else {
      position = start
      throw error("the group does not end")
    }
    return .choice(inside.map(\.pattern))
  }

  private mutating func set() throws(ConstraintError) -> ScalarSet {
    let start = position
    position += 1
    let isInverted = takes("^")
    var set = ScalarSet()
    var isFirst = true
    while let scalar = next, scalar != "]" || isFirst {
      isFirst = false
      let low = try member()
      guard next == "-", position + 1 < scalars.count, scalars[position + 1] != "]" else {
        set = set.union(low.set)
        continue
      }
      position += 1
      let high = try member()
      guard let from = low.scalar, let to = high.scalar, from <= to else {
        throw error("the range of characters goes backwards, or is none")
      }
      set = set.union(ScalarSet([from.value...to.value]))
    }
    guard takes("]") else {
      position = start
      throw error("the set of characters does not end")
    }
    return isInverted ? set.inverted : set
  }

  private mutating func member() throws(ConstraintError) -> (
    set: ScalarSet, scalar: Unicode.Scalar?
  ) {
    guard let scalar = next else { throw error("the set of characters does not end") }
    if scalar == "\\" { return try escape(inSet: true) }
    position += 1
    return (ScalarSet(scalar), scalar)
  }

  private mutating func escape(inSet: Bool) throws(ConstraintError)
    -> (set: ScalarSet, scalar: Unicode.Scalar?)
  {
    position += 1
    guard let scalar = next else { throw error("\\ at the end") }
    position += 1
    let single: [Unicode.Scalar: UInt32] = [
      "n": 0x0A, "t": 0x09, "r": 0x0D, "f": 0x0C, "v": 0x0B, "a": 0x07,
    ]
    switch scalar {
    case "d": return (.digits, nil)
    case "D": return (ScalarSet.digits.inverted, nil)
    case "w": return (.words, nil)
    case "W": return (ScalarSet.words.inverted, nil)
    case "s": return (.spaces, nil)
    case "S": return (ScalarSet.spaces.union(.otherSpaces).inverted, nil)
    case "x": return try coded(digits: 2)
    case "u": return try coded(digits: 4)
    case "U": return try coded(digits: 8)
    case "b" where inSet: return (ScalarSet([8...8]), Unicode.Scalar(8 as UInt8))
    default: break
    }
    if let value = single[scalar] { return (ScalarSet([value...value]), Unicode.Scalar(value)) }
    if scalar.isASCII, ScalarSet.words.contains(scalar.value), scalar != "_" {
      position -= 1
      throw error("\\\(scalar) is not built")
    }
    return (ScalarSet(scalar), scalar)
  }

  private mutating func coded(digits: Int) throws(ConstraintError)
    -> (set: ScalarSet, scalar: Unicode.Scalar?)
  {
    let text = scalars[position...].prefix(digits).map { String(Character($0)) }.joined()
    guard text.utf8.count == digits, text.allSatisfy(\.isHexDigit),
      let scalar = UInt32(text, radix: 16).flatMap(Unicode.Scalar.init)
    else { throw error("no character of \(digits) hexadecimal digits") }
    position += digits
    return (ScalarSet(scalar), scalar)
  }
}
