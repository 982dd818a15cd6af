/// A set of Unicode scalars: ranges, ascending and apart.
struct ScalarSet: Sendable, Equatable {
  private(set) var ranges: [ClosedRange<UInt32>] = []

  static let last: UInt32 = 0x10FFFF
  static let all = ScalarSet([0...last])
  /// Of Python's `re` in ASCII mode, as of JavaScript.
  static let digits = ScalarSet([0x30...0x39])
  static let words = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
  static let spaces = ScalarSet([0x09...0x0D, 0x20...0x20])
  /// What JavaScript, and Python without ASCII mode, take for white space too; `\S` does not write it.
  static let otherSpaces = ScalarSet([
    0x1C...0x1F, 0x85...0x85, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029,
    0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
  ])
  /// What `.` leaves out, in Python or in JavaScript.
  static let lineEnds = ScalarSet([0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029])

  init(_ ranges: [ClosedRange<UInt32>] = []) {
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let end = self.ranges.last?.upperBound, range.lowerBound <= end + 1 {
        let start = self.ranges.removeLast().lowerBound
        self.ranges.append(start...max(end, range.upperBound))
      } else {
        self.ranges.append(range)
      }
    }
  }

  init(_ scalar: Unicode.Scalar) { self.init([scalar.value...scalar.value]) }

  func union(_ other: ScalarSet) -> ScalarSet { ScalarSet(ranges + other.ranges) }

  var inverted: ScalarSet {
    var gaps: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0
    for range in ranges {
      if range.lowerBound > next { gaps.append(next...range.lowerBound - 1) }
      next = range.upperBound + 1
    }
    if next <= Self.last { gaps.append(next...Self.last) }
    return ScalarSet(gaps)
  }

  func subtracting(_ other: ScalarSet) -> ScalarSet { inverted.union(other).inverted }

  func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } }

  /// One character of the set, as it stands in a text.
  var pattern: BytePattern { .scalar(ranges) }

  /// One character of the set, as it stands in a string of JSON. Control characters without a short escape are left
  /// out.
  var jsonPattern: BytePattern {
    let plain = subtracting(ScalarSet([0...0x1F, 0x22...0x22, 0x5C...0x5C]))
    let escapes: [(UInt32, UInt8)] = [
      (0x08, 0x62), (0x09, 0x74), (0x0A, 0x6E), (0x0C, 0x66), (0x0D, 0x72), (0x22, 0x22),
      (0x5C, 0x5C),
    ]
    let escaped = escapes.filter { contains($0.0) }.map { $0.1...$0.1 }
    guard !escaped.isEmpty else { return plain.pattern }
    return .choice([plain.pattern, .sequence([.byte([0x5C...0x5C]), .byte(escaped)])])
  }
}
