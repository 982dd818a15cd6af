/// Unicode's decompositions (NFD and NFKD), which Swift has no public name for, in the edition of the `tokenizers`
/// library's tables: Unicode 9. Characters that are newer stay as they are.
package enum Decompositions {
  /// A text of decomposed characters, with marks in their canonical order; if `isCompatible`, compatibility characters,
  /// as `ﬁ` and `①`, decompose too.
  package static func decompose(_ text: [Unicode.Scalar], isCompatible: Bool) -> [Unicode.Scalar] {
    guard text.contains(where: { $0.value >= 0xA0 }) else { return text }
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.count)
    for scalar in text { append(scalar, isCompatible, to: &result) }
    sortMarks(&result)
    return result
  }

  private static func append(
    _ scalar: Unicode.Scalar, _ isCompatible: Bool, to result: inout [Unicode.Scalar]
  ) {
    let hangul = scalar.value &- 0xAC00
    if hangul < 11172 {
      // A syllable is a leading consonant, a vowel and maybe a trailing consonant, by a formula (Unicode 3.12).
      let jamo = [
        0x1100 + hangul / 588, 0x1161 + hangul % 588 / 28,
        hangul % 28 > 0 ? 0x11A7 + hangul % 28 : 0,
      ]
      result += jamo.filter { $0 > 0 }.compactMap(Unicode.Scalar.init)
    } else if scalar.value >= 0xA0, let entry = all[scalar],
      isCompatible || !entry.isCompatible
    {
      for part in entry.parts { append(part, isCompatible, to: &result) }
    } else {
      result.append(scalar)
    }
  }

  /// Sorts each run of marks by its classes, as they stand where those are equal.
  private static func sortMarks(_ text: inout [Unicode.Scalar]) {
    var start: Int?
    for index in 0...text.count {
      let isMark = index < text.count && order(text[index]) > 0
      if isMark {
        start = start ?? index
      } else if let first = start {
        if index - first > 1 {
          // Swift's sort keeps the order of equals, without a promise to: positions decide.
          let run = text[first..<index].enumerated().sorted {
            (order($0.element), $0.offset) < (order($1.element), $1.offset)
          }
          text.replaceSubrange(first..<index, with: run.map(\.element))
        }
        start = nil
      }
    }
  }

  private static func order(_ scalar: Unicode.Scalar) -> UInt8 {
    guard scalar.value >= 0x300, !scalar.isNewer(than: 9) else { return 0 }
    return scalar.properties.canonicalCombiningClass.rawValue
  }

  private typealias Entry = (isCompatible: Bool, parts: [Unicode.Scalar])

  private static let all: [Unicode.Scalar: Entry] = {
    var all: [Unicode.Scalar: Entry] = [:]
    var digits = rows.utf8.makeIterator()
    var (position, last) = (0, Array(repeating: 0, count: 18))
    while let gap = number(&digits), let flags = number(&digits) {
      let count = flags & 1 == 1 ? number(&digits) ?? 0 : 1
      for place in 0..<min(flags >> 2, last.count) {
        let step = number(&digits) ?? 0
        last[place] += step & 1 == 1 ? -(step + 1) / 2 : step / 2
      }
      let parts = last.prefix(flags >> 2).map { Unicode.Scalar(UInt32(clamping: $0)) ?? " " }
      for index in 0..<count {
        guard let scalar = Unicode.Scalar(UInt32(clamping: position + gap + index)),
          let end = parts.last, let moved = Unicode.Scalar(end.value + UInt32(clamping: index))
        else { continue }
        all[scalar] = (flags & 2 != 0, parts.dropLast() + [moved])
      }
      position += gap + count
    }
    return all
  }()

  /// The next number of the table; nil at its end.
  private static func number(_ digits: inout String.UTF8View.Iterator) -> Int? {
    var (value, shift) = (0, 0)
    while let byte = digits.next() {
      let digit: Int
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = Int(byte) - 65
      case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = Int(byte) - 97 + 26
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = Int(byte) - 48 + 52
      case UInt8(ascii: "+"): digit = 62
      case UInt8(ascii: "-"): digit = 63
      default: continue
      }
      value |= (digit & 31) << shift
      if digit < 32 { return value }
      shift += 5
    }
    return nil
  }
}
